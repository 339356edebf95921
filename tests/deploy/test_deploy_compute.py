"""What is there and what was built, against the instructions between them."""

from __future__ import annotations

import json
from typing import TypeVar

import msgspec
import pytest
from deploy_builds import NAME, Build, build
from deploy_fake_cloud import IDENTITY

from wideload.deploy import desired, names
from wideload.deploy.compute import compute
from wideload.deploy.observe import Observed
from wideload.deploy.states import (
    AliasState,
    BucketState,
    DeployedFunction,
    FunctionState,
    Identity,
    LogGroupState,
    ObjectState,
    RoleState,
)
from wideload.errors import WideloadError
from wideload.values.function import Settings, Strategy
from wideload.values.instruction import (
    CreateAlias,
    CreateFunction,
    InlineCode,
    Instruction,
    PublishLayer,
    PublishVersion,
    PutRolePolicy,
    Smoke,
    SmokeTest,
    StoredCode,
    TagFunction,
    UpdateAlias,
    UpdateCode,
    UpdateConfiguration,
    UploadObject,
    WaitUntilReady,
)

ROLE = names.role_arn(NAME, IDENTITY)
ROLE_STATE = RoleState(
    ROLE, names.trust_policy(), (names.policy_name(IDENTITY),), dict(names.MADE_BY)
)


def function_state(
    wanted: Build, version: str = "$LATEST", *, state: str = "Active", last: str = "Successful"
) -> FunctionState:
    return FunctionState(
        arn=f"arn:aws:lambda:eu-central-1:123456789012:function:{NAME}",
        version=version,
        configuration=desired.configuration(wanted.manifest, ROLE),
        architecture=wanted.manifest.target.architecture,
        code_sha256=desired.code_sha256(wanted.manifest),
        code_size=len(wanted.data),
        package_type="Zip",
        state=state,
        state_reason="",
        last_update=last,
        last_update_reason="",
    )


def deployed(wanted: Build, version: str = "1") -> Observed:
    """All of this build is there and serves."""
    return Observed(
        identity=IDENTITY,
        role=ROLE_STATE,
        policy=names.logs_policy(NAME, IDENTITY),
        log_group=LogGroupState(30),
        function=DeployedFunction(function_state(wanted), desired.tags(wanted.manifest)),
        versions=(function_state(wanted, version),),
        alias=AliasState("arn", version, "r1", is_weighted=False),
    )


def latest_like(observed: Observed, **changes: object) -> Observed:
    assert observed.function is not None
    latest = msgspec.structs.replace(observed.function.latest, **changes)
    function = msgspec.structs.replace(observed.function, latest=latest)
    return msgspec.structs.replace(observed, function=function)


def steps(wanted: Build, observed: Observed, **options: object) -> tuple[Instruction, ...]:
    smoke = options.get("smoke")
    assert smoke is None or isinstance(smoke, Smoke)
    return compute(
        wanted.manifest, wanted.function, observed, adopt=bool(options.get("adopt")), smoke=smoke
    )


def kinds(instructions: tuple[Instruction, ...]) -> list[str]:
    return [str(one.__struct_config__.tag) for one in instructions]


T = TypeVar("T")


def only(instructions: tuple[Instruction, ...], kind: type[T]) -> T:
    (found,) = (one for one in instructions if isinstance(one, kind))
    return found


A = build(b"a")
B = build(b"b")
BIG = build(b"big", strategy=Strategy.S3_ZIP)
MORE_MEMORY = build(b"a", settings=Settings(memory=2048))
LIVE_MOVES = ["publish-version", "wait-until-ready", "update-alias"]


def test_compute_first_direct() -> None:
    instructions = steps(A, Observed(IDENTITY))
    assert kinds(instructions) == [
        "create-role",
        "put-role-policy",
        "create-log-group",
        "set-retention",
        "create-function",
        "wait-until-ready",
        "publish-version",
        "wait-until-ready",
        "create-alias",
    ]
    created = only(instructions, CreateFunction)
    assert isinstance(created.code, InlineCode)
    assert created.configuration.role == ROLE
    assert only(instructions, CreateAlias).version is None


def test_compute_first_by_way_of_s3() -> None:
    instructions = steps(BIG, Observed(IDENTITY))
    assert kinds(instructions)[4:8] == [
        "create-bucket",
        "secure-bucket",
        "upload-object",
        "create-function",
    ]
    uploaded = only(instructions, UploadObject)
    code = only(instructions, CreateFunction).code
    assert isinstance(code, StoredCode)
    assert (code.bucket, code.key) == (uploaded.bucket, uploaded.key)
    assert uploaded.bucket == "wideload-123456789012-eu-central-1"
    assert uploaded.owner == "123456789012"


SHA = BIG.manifest.artifact("function").sha256
THERE = BucketState(is_private=True)


@pytest.mark.parametrize(
    ("bucket", "stored", "expected"),
    [
        (None, None, ["create-bucket", "secure-bucket", "upload-object"]),
        (BucketState(is_private=False), None, ["secure-bucket", "upload-object"]),
        (THERE, None, ["upload-object"]),
        (THERE, ObjectState(3, SHA), []),
        (THERE, ObjectState(2, SHA), ["upload-object"]),
        (THERE, ObjectState(3, "0" * 64), ["upload-object"]),
        (THERE, ObjectState(3, ""), ["upload-object"]),
    ],
)
def test_compute_uploads_only_what_is_not_there(
    bucket: BucketState | None, stored: ObjectState | None, expected: list[str]
) -> None:
    observed = msgspec.structs.replace(deployed(A), bucket=bucket, object=stored)
    found = kinds(steps(BIG, observed))
    assert found == [*expected, "tag-function", "update-code", "wait-until-ready", *LIVE_MOVES]


ADOPTABLE = msgspec.structs.replace(
    deployed(A), function=DeployedFunction(function_state(A), {"team": "theirs"})
)


@pytest.mark.parametrize(
    ("wanted", "observed", "expected"),
    [
        pytest.param(A, deployed(A), [], id="nothing changed"),
        pytest.param(
            B, deployed(A), ["update-code", "wait-until-ready", *LIVE_MOVES], id="code changed"
        ),
        pytest.param(
            MORE_MEMORY,
            deployed(A),
            ["update-configuration", "wait-until-ready", *LIVE_MOVES],
            id="configuration changed",
        ),
        pytest.param(
            build(b"b", settings=Settings(memory=2048)),
            deployed(A),
            [
                "update-code",
                "wait-until-ready",
                "update-configuration",
                "wait-until-ready",
                *LIVE_MOVES,
            ],
            id="both changed: one version of both",
        ),
        pytest.param(
            build(b"a", architecture="arm64"),
            deployed(A),
            ["update-code", "wait-until-ready", *LIVE_MOVES],
            id="architecture goes with the code",
        ),
        pytest.param(
            build(b"a", settings=Settings(description="better")),
            deployed(A),
            ["update-configuration", "wait-until-ready"],
            id="a description alone is no new version",
        ),
        pytest.param(
            build(b"a", strategy=Strategy.S3_ZIP),
            deployed(A),
            ["tag-function"],
            id="the same code by another way is not sent again",
        ),
        pytest.param(
            A,
            msgspec.structs.replace(deployed(A), versions=(function_state(B, "1"),)),
            LIVE_MOVES,
            id="killed before publishing",
        ),
        pytest.param(
            A,
            msgspec.structs.replace(
                deployed(A), versions=(function_state(B, "1"), function_state(A, "2"))
            ),
            ["update-alias"],
            id="killed before the alias moved",
        ),
        pytest.param(
            A,
            msgspec.structs.replace(deployed(A), alias=None),
            ["create-alias"],
            id="killed before the alias was made",
        ),
        pytest.param(
            A,
            msgspec.structs.replace(deployed(A), versions=(), alias=None),
            ["publish-version", "wait-until-ready", "create-alias"],
            id="killed after the function was made",
        ),
        pytest.param(
            A,
            msgspec.structs.replace(
                deployed(A), versions=(function_state(A, "1", state="Pending"),), alias=None
            ),
            ["wait-until-ready", "create-alias"],
            id="killed while the version was prepared",
        ),
        pytest.param(
            A,
            msgspec.structs.replace(
                deployed(A), alias=AliasState("arn", "1", "r1", is_weighted=True)
            ),
            ["update-alias"],
            id="the alias is shared between versions",
        ),
        pytest.param(
            A,
            msgspec.structs.replace(
                deployed(A),
                versions=(function_state(A, "9"), function_state(A, "10")),
                alias=AliasState("arn", "9", "r1", is_weighted=False),
            ),
            ["update-alias"],
            id="versions are numbers: 10 is after 9",
        ),
        pytest.param(
            A,
            msgspec.structs.replace(
                deployed(A), versions=(function_state(A, "1"), function_state(B, "2"))
            ),
            LIVE_MOVES,
            id="an older version that looks the same is not taken for it",
        ),
        pytest.param(
            A,
            msgspec.structs.replace(
                deployed(A), versions=(function_state(A, "1", state="Failed"),)
            ),
            LIVE_MOVES,
            id="a version that failed is none",
        ),
        pytest.param(
            A, latest_like(deployed(A), state="Inactive"), [], id="idle is as good as active"
        ),
        pytest.param(
            A,
            latest_like(deployed(A), state="Pending"),
            ["wait-until-ready"],
            id="still being made",
        ),
        pytest.param(
            B,
            latest_like(deployed(A), last_update="InProgress"),
            ["wait-until-ready", "update-code", "wait-until-ready", *LIVE_MOVES],
            id="an update is under way",
        ),
        pytest.param(
            A,
            latest_like(deployed(A), last_update="Failed"),
            ["update-configuration", "wait-until-ready", "update-code", "wait-until-ready"],
            id="after a failed update all is sent again",
        ),
        pytest.param(
            A,
            msgspec.structs.replace(deployed(A), log_group=None),
            ["create-log-group", "set-retention"],
            id="log group gone",
        ),
        pytest.param(
            A,
            msgspec.structs.replace(deployed(A), log_group=LogGroupState(None)),
            ["set-retention"],
            id="events kept for ever",
        ),
        pytest.param(
            A,
            msgspec.structs.replace(deployed(A), log_group=LogGroupState(365)),
            [],
            id="another retention is somebody's choice",
        ),
        pytest.param(
            A,
            msgspec.structs.replace(deployed(A), role=None, policy=None),
            ["create-role", "put-role-policy"],
            id="role gone",
        ),
        pytest.param(
            A,
            msgspec.structs.replace(deployed(A), policy=None),
            ["put-role-policy"],
            id="killed before the role might do anything",
        ),
        pytest.param(
            A,
            msgspec.structs.replace(
                deployed(A), role=msgspec.structs.replace(ROLE_STATE, trust="{}")
            ),
            ["set-trust"],
            id="trust changed",
        ),
    ],
)
def test_compute_cases(wanted: Build, observed: Observed, expected: list[str]) -> None:
    assert kinds(steps(wanted, observed)) == expected


def test_compute_alias_names_its_version_and_revision() -> None:
    observed = msgspec.structs.replace(
        deployed(A), versions=(function_state(B, "1"), function_state(A, "2"))
    )
    assert steps(A, observed) == (UpdateAlias(NAME, "live", "2", "1", "r1", ("1",)),)
    alias = AliasState("arn", "3", "r1", is_weighted=False, served=("1", "3", "5"))
    observed = msgspec.structs.replace(observed, alias=alias)
    assert only(steps(A, observed), UpdateAlias).served == ("1", "3", "5")


def test_compute_publishes_with_the_digest_of_the_manifest() -> None:
    published = only(steps(B, deployed(A)), PublishVersion)
    assert published.code_sha256 == "PiPoFgA5WUoziU9lZOGxNIu9egCI1CxKy3PurtWcAJ0="
    assert published.description.startswith("manifest sha256:")
    other = only(steps(MORE_MEMORY, deployed(A)), PublishVersion)
    assert other.description != published.description
    assert len(published.description) <= 256


LAYERS = [
    pytest.param((), ("x",), [None, ("x",)], id="new layers come after the new code"),
    pytest.param(("x",), (), [(), None], id="old layers go before it"),
    pytest.param(("x",), ("y",), [(), None, ("y",)], id="exchanged: none in between"),
    pytest.param(("x", "y"), ("y", "z"), [("y",), None, ("y", "z")], id="those that stay, stay"),
    pytest.param(("x", "y"), ("y", "x"), [None, ("y", "x")], id="the order alone"),
]


@pytest.mark.parametrize(("have", "wanted", "expected"), LAYERS)
def test_compute_never_adds_up_old_code_and_new_layers(
    have: tuple[str, ...], wanted: tuple[str, ...], expected: list[tuple[str, ...] | None]
) -> None:
    before = deployed(build(b"a", settings=Settings(layers=have)))
    instructions = steps(build(b"b", settings=Settings(layers=wanted)), before)
    found: list[tuple[str, ...] | None] = []
    for one in instructions:
        if isinstance(one, UpdateCode):
            found.append(None)
        if isinstance(one, UpdateConfiguration):
            found.append(one.configuration.layers)
    assert found == expected
    updates = sum(isinstance(one, UpdateCode | UpdateConfiguration) for one in instructions)
    waits = [one for one in instructions if one == WaitUntilReady(NAME, "$LATEST")]
    assert len(waits) == updates


def test_compute_in_doubt_attaches_nothing_while_the_code_changes() -> None:
    layers = Settings(layers=("x",))
    doubtful = latest_like(deployed(build(b"a", settings=layers)), last_update="Failed")
    instructions = steps(build(b"b", settings=layers), doubtful)
    found = [
        one.configuration.layers if isinstance(one, UpdateConfiguration) else None
        for one in instructions
        if isinstance(one, UpdateCode | UpdateConfiguration)
    ]
    assert found == [(), None, ("x",)]


LAYERED = build(b"code", layers=(b"one", b"two"), settings=Settings(layers=("theirs",)))
NAMES = [names.layer_arn(one.sha256, IDENTITY) for one in LAYERED.manifest.layers]


def test_compute_first_with_layers() -> None:
    instructions = steps(LAYERED, Observed(IDENTITY))
    assert kinds(instructions)[4:] == [
        *("create-bucket", "secure-bucket"),
        *("upload-object", "publish-layer", "upload-object", "publish-layer"),
        *("create-function", "wait-until-ready"),
        *("publish-version", "wait-until-ready", "create-alias"),
    ]
    created = only(instructions, CreateFunction)
    assert isinstance(created.code, InlineCode), "small code goes within the request"
    assert created.configuration.layers == ("theirs", *NAMES), "the build's own lie on others'"
    assert created.tags["wideload:strategy"] == "layers"
    uploads = [one for one in instructions if isinstance(one, UploadObject)]
    published = [one for one in instructions if isinstance(one, PublishLayer)]
    assert [one.key for one in uploads] == [one.code.key for one in published]
    assert all(one.shared for one in uploads)
    first = published[0]
    sha256 = LAYERED.manifest.layers[0].sha256
    assert first.layer.endswith(f":layer:wideload-{sha256[:16]}")
    assert first.code.key == f"layers/{sha256}.zip"
    assert first.description == "wideload: package-one 1.0"
    assert (first.runtime, first.architecture) == ("python3.13", "x86_64")
    assert first.describe() == (
        f"publish layer wideload-{sha256[:16]} (3 bytes) from "
        f"s3://wideload-123456789012-eu-central-1/layers/{sha256}.zip"
    )


def test_compute_takes_layers_that_are_there() -> None:
    there: dict[str, tuple[str, ...]]
    there = {NAMES[0]: (f"{NAMES[0]}:1", f"{NAMES[0]}:3"), NAMES[1]: (f"{NAMES[1]}:1",)}
    instructions = steps(LAYERED, Observed(IDENTITY, layers=there))
    assert "create-bucket" not in kinds(instructions)
    assert "publish-layer" not in kinds(instructions)
    layers = only(instructions, CreateFunction).configuration.layers
    assert layers == ("theirs", f"{NAMES[0]}:3", f"{NAMES[1]}:1")
    there = {NAMES[0]: (f"{NAMES[0]}:1",)}
    key = names.layer_key(LAYERED.manifest.layers[1].sha256)
    stored = {key: ObjectState(3, LAYERED.manifest.layers[1].sha256)}
    observed = Observed(IDENTITY, bucket=THERE, layers=there, layer_objects=stored)
    instructions = steps(LAYERED, observed)
    assert "upload-object" not in kinds(instructions)
    assert only(instructions, PublishLayer).layer == NAMES[1]


def test_compute_leaves_a_function_the_layer_version_that_it_has() -> None:
    settings = Settings(layers=("theirs", f"{NAMES[0]}:1", f"{NAMES[1]}:1"))
    has = deployed(build(b"code", settings=settings))
    there = {arn: (f"{arn}:1", f"{arn}:2") for arn in NAMES}
    observed = msgspec.structs.replace(has, layers=there)
    assert kinds(steps(LAYERED, observed)) == ["tag-function"]


def test_compute_big_code_beside_layers_goes_by_the_bucket() -> None:
    big = msgspec.structs.replace(LAYERED.manifest.artifacts[0], size=60_000_000)
    manifest = msgspec.structs.replace(
        LAYERED.manifest, artifacts=(big, *LAYERED.manifest.artifacts[1:])
    )
    assert desired.goes_by_s3(manifest)
    assert isinstance(desired.code(manifest, IDENTITY), StoredCode)
    assert not desired.goes_by_s3(LAYERED.manifest)


def test_descriptions_of_layers_name_as_many_packages_as_fit() -> None:
    assert names.layer_description(["numpy 2.1", "scipy 1.16"]) == "wideload: numpy 2.1, scipy 1.16"
    long = names.layer_description([f"package-{number} 1.0" for number in range(40)])
    assert len(long) <= 256
    assert long.startswith("wideload: package-0 1.0, package-1 1.0, ")
    shown = long.count("package-")
    assert long.endswith(f", {40 - shown} more")
    assert names.layer_description(["x" * 300]) == "wideload: 1 more"


def test_compute_says_what_changes_but_no_secret() -> None:
    have = Settings(environment={"KEY": "hunter2", "OLD": "x"}, layers=("x",), timeout=3)
    want = Settings(environment={"KEY": "hunter3", "NEW": "y"}, layers=("y",), memory=2048)
    instructions = steps(build(settings=want), deployed(build(settings=have)))
    line = only(instructions, UpdateConfiguration).describe()
    assert line == (
        "update configuration of recommender: memory 1024 → 2048 MB; timeout 3 → 30 s; "
        "add variable NEW; remove variable OLD; change variable KEY; add layer y; remove layer x"
    )


def test_compute_newer_wideload_alone_is_no_reason() -> None:
    tags = {**desired.tags(A.manifest), names.VERSION_TAG: "0.0.1"}
    observed = msgspec.structs.replace(
        deployed(A), function=DeployedFunction(function_state(A), tags)
    )
    assert steps(A, observed) == ()
    assert only(steps(B, observed), TagFunction).tags == desired.tags(A.manifest)


def test_compute_refuses_a_function_of_somebody_else() -> None:
    with pytest.raises(WideloadError, match="wideload did not make it") as told:
        steps(A, ADOPTABLE)
    assert "--adopt" in told.value.hint


def test_compute_adopts_and_keeps_the_role() -> None:
    theirs = "arn:aws:iam::123456789012:role/theirs"
    observed = latest_like(
        msgspec.structs.replace(ADOPTABLE, role=None, policy=None, versions=(), alias=None),
        configuration=msgspec.structs.replace(
            desired.configuration(A.manifest, theirs), memory=128
        ),
    )
    instructions = steps(A, observed, adopt=True)
    assert kinds(instructions) == [
        "tag-function",
        "update-configuration",
        "wait-until-ready",
        "publish-version",
        "wait-until-ready",
        "create-alias",
    ]
    assert only(instructions, UpdateConfiguration).configuration.role == theirs


def test_compute_refuses_a_role_of_somebody_else() -> None:
    observed = Observed(IDENTITY, role=msgspec.structs.replace(ROLE_STATE, tags={}))
    with pytest.raises(WideloadError, match="role wideload-recommender is there already"):
        steps(A, observed)
    assert "create-role" not in kinds(steps(A, observed, adopt=True))


def test_compute_refuses_an_image() -> None:
    with pytest.raises(WideloadError, match="is there as an image, and was built as a zip"):
        steps(A, latest_like(deployed(A), package_type="Image"))


@pytest.mark.parametrize("state", ["Failed", "Deleting", "SomethingNew"])
def test_compute_refuses_a_state_that_it_cannot_mend(state: str) -> None:
    observed = latest_like(deployed(A), state=state, state_reason="EniLimitExceeded")
    with pytest.raises(WideloadError, match=f"in state {state}") as told:
        steps(A, observed)
    assert told.value.why == "EniLimitExceeded"


def test_compute_refuses_a_build_that_is_out_of_date() -> None:
    changed = msgspec.structs.replace(
        A.function, settings=Settings(memory=2048), handler="app.other"
    )
    with pytest.raises(WideloadError, match="out of date") as told:
        compute(A.manifest, changed, Observed(IDENTITY))
    assert told.value.why == "changed since it was built: handler, settings"
    assert (
        compute(A.manifest, msgspec.structs.replace(A.function, strategy="auto"), deployed(A)) == ()
    )
    other = msgspec.structs.replace(A.function, strategy=Strategy.S3_ZIP)
    with pytest.raises(WideloadError, match="out of date"):
        compute(A.manifest, other, deployed(A))


def test_compute_smoke_is_before_the_alias_and_only_then() -> None:
    smoke = Smoke("{}", "1")
    instructions = steps(B, deployed(A), smoke=smoke)
    assert kinds(instructions)[-2:] == ["smoke-test", "update-alias"]
    assert only(instructions, SmokeTest).version is None
    assert steps(A, deployed(A), smoke=smoke) == ()


def test_role_may_only_write_its_own_logs() -> None:
    policy = json.loads(only(steps(A, Observed(IDENTITY)), PutRolePolicy).document)
    assert policy["Statement"] == [
        {
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": "arn:aws:logs:eu-central-1:123456789012:"
            "log-group:/aws/lambda/recommender:*",
        }
    ]


def test_names_of_roles_fit_and_differ() -> None:
    first, second = "f" * 63 + "a", "f" * 63 + "b"
    assert names.role_name("short") == "wideload-short"
    assert len(names.role_name(first)) == 64
    assert names.role_name(first) != names.role_name(second)
    china = Identity("123456789012", "cn-north-1", "aws-cn")
    assert names.role_arn("f", china) == "arn:aws-cn:iam::123456789012:role/wideload-f"
    assert "arn:aws-cn:logs:cn-north-1" in names.logs_policy("f", china)


def test_law_every_instruction_has_one_line() -> None:
    everything = (
        *steps(BIG, Observed(IDENTITY), smoke=Smoke("{}")),
        *steps(build(b"b", settings=Settings(memory=2048)), deployed(A)),
        *steps(A, ADOPTABLE, adopt=True),
        *steps(LAYERED, Observed(IDENTITY)),
    )
    for one in everything:
        line = one.describe()
        assert line
        assert "\n" not in line
        assert line[0].islower()
    encoded = msgspec.json.encode(everything)
    assert msgspec.json.decode(encoded, type=tuple[Instruction, ...]) == everything


def test_upload_line_is_for_people() -> None:
    upload = UploadObject("b", "functions/f/0.zip", "1", "function.zip", "0", 74_123_456)
    assert upload.describe() == "upload function.zip (74.1 MB) to s3://b/functions/f/0.zip"
