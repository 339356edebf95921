"""Bundles: sent once, read by nobody but the versions that name them, gone when none does."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import msgspec
import pytest
from deploy_builds import NAME, Build, build
from deploy_fake_cloud import ACCOUNT, IDENTITY, REGION, FakeCloud, Killed

from wideload.deploy import bundles, names, operate
from wideload.deploy.deployment import deploy
from wideload.deploy.execute import execute
from wideload.deploy.gc import YOUNG_SECONDS
from wideload.deploy.states import Answer, FunctionState
from wideload.errors import WideloadError
from wideload.values.bundle import BUNDLE_VARIABLE, LOADER_HANDLER, BundleLocation
from wideload.values.deployment import DeploymentResult
from wideload.values.function import Settings, Strategy
from wideload.values.instruction import Smoke

BUCKET = f"wideload-{ACCOUNT}-{REGION}"
ROLE = names.role_name(NAME)
POLICY = names.bundle_policy_name(IDENTITY)
FIRST, SECOND = build(b"one", bundle=b"first"), build(b"two", bundle=b"second")


def run(
    cloud: FakeCloud, wanted: Build, folder: Path, *, dry_run: bool = False
) -> DeploymentResult:
    return deploy(
        wanted.manifest,
        wanted.function,
        wanted.write(folder / wanted.manifest.function),
        cloud,
        dry_run=dry_run,
        clock=cloud.clock,
    )


def kinds(result: DeploymentResult) -> list[str]:
    return [line.do for line in result.instructions]


def key(wanted: Build) -> str:
    return bundles.location(wanted.manifest, IDENTITY).key


def readable(cloud: FakeCloud) -> list[str]:
    """What the role may read."""
    document = cloud.roles.documents.get((ROLE, POLICY))
    if document is None:
        return []
    (statement,) = json.loads(document)["Statement"]
    assert statement["Effect"] == "Allow"
    assert statement["Action"] == "s3:GetObject"
    resources: list[str] = statement["Resource"]
    return [one.removeprefix(f"arn:aws:s3:::{BUCKET}/") for one in resources]


def stored(cloud: FakeCloud) -> set[str]:
    return {name for bucket, name in cloud.storage.objects if bucket == BUCKET}


def test_lambda_calls_the_loader_and_is_told_where_the_bundle_lies(tmp_path: Path) -> None:
    cloud = FakeCloud()
    result = run(cloud, FIRST, tmp_path)
    assert result.version == "1"
    assert result.uploaded_bytes == len(b"one" + b"first")
    made = cloud.functions.functions[NAME].latest.configuration
    assert made.handler == LOADER_HANDLER
    place = BundleLocation.parse(made.environment[BUNDLE_VARIABLE])
    assert place == BundleLocation(BUCKET, key(FIRST), REGION, ACCOUNT)
    assert key(FIRST) == f"bundles/{NAME}/{FIRST.manifest.artifact('bundle').sha256}"
    assert stored(cloud) == {key(FIRST)}
    assert readable(cloud) == [key(FIRST)]
    assert run(cloud, FIRST, tmp_path).instructions == ()


def test_changed_code_sends_no_bundle(tmp_path: Path) -> None:
    cloud = FakeCloud()
    run(cloud, FIRST, tmp_path)
    result = run(cloud, build(b"changed", bundle=b"first"), tmp_path)
    assert result.uploaded_bytes == len(b"changed")
    assert "upload-object" not in kinds(result)
    assert "put-role-policy" not in kinds(result)


def test_the_role_may_read_before_the_code_asks_and_old_versions_still_may(tmp_path: Path) -> None:
    cloud = FakeCloud()
    run(cloud, FIRST, tmp_path)
    result = run(cloud, SECOND, tmp_path)
    order = [kind for kind in kinds(result) if not kind.startswith("wait")]
    assert order == [
        *("put-role-policy", "upload-object", "update-code", "update-configuration"),
        *("publish-version", "update-alias"),
    ]
    assert readable(cloud) == sorted([key(FIRST), key(SECOND)])
    assert stored(cloud) == {key(FIRST), key(SECOND)}
    assert run(cloud, SECOND, tmp_path).instructions == ()


def test_a_rollback_finds_what_its_version_reads(tmp_path: Path) -> None:
    cloud = FakeCloud()
    for wanted in (FIRST, SECOND):
        run(cloud, wanted, tmp_path)
    execute(operate.rollback(cloud, NAME), cloud)
    alias = cloud.functions.functions[NAME].aliases["live"]
    served = cloud.functions.state(NAME, alias.version)
    assert bundles.key_of(served.configuration.environment, IDENTITY) == key(FIRST)
    assert key(FIRST) in readable(cloud)
    assert key(FIRST) in stored(cloud)


def test_a_key_goes_when_no_version_names_it(tmp_path: Path) -> None:
    cloud = FakeCloud()
    for wanted in (FIRST, SECOND):
        run(cloud, wanted, tmp_path)
    found = cloud.functions.functions[NAME]
    found.versions = [one for one in found.versions if one.version != "1"]
    result = run(cloud, SECOND, tmp_path)
    assert kinds(result) == ["put-role-policy"]
    assert readable(cloud) == [key(SECOND)]


def test_another_way_to_ship_keeps_what_old_versions_read_and_no_more(tmp_path: Path) -> None:
    cloud = FakeCloud()
    run(cloud, FIRST, tmp_path)
    plain = build(b"whole", strategy=Strategy.DIRECT_ZIP)
    run(cloud, plain, tmp_path)
    made = cloud.functions.functions[NAME]
    assert made.latest.configuration.handler == "app.handler"
    assert BUNDLE_VARIABLE not in made.latest.configuration.environment
    assert readable(cloud) == [key(FIRST)]
    made.versions = [one for one in made.versions if one.version != "1"]
    result = run(cloud, plain, tmp_path)
    assert [line.text for line in result.instructions] == [
        f"delete policy {POLICY} of role {ROLE}, since no version has a bundle any more"
    ]
    assert readable(cloud) == []
    assert run(cloud, plain, tmp_path).instructions == ()


def test_a_lost_object_is_sent_again(tmp_path: Path) -> None:
    cloud = FakeCloud()
    run(cloud, FIRST, tmp_path)
    del cloud.storage.objects[BUCKET, key(FIRST)]
    result = run(cloud, FIRST, tmp_path)
    assert kinds(result) == ["upload-object"]
    assert stored(cloud) == {key(FIRST)}


@pytest.mark.parametrize(("denied", "passes"), [(3, True), (1000, False)])
def test_the_news_of_a_permission_may_take_a_while(
    tmp_path: Path, denied: int, passes: bool
) -> None:
    cloud = FakeCloud()
    invoked = 0

    def answer(version: FunctionState, event: bytes) -> Answer:
        nonlocal invoked
        invoked += 1
        if invoked > denied:
            return Answer(b"1", None, "", version.version)
        text = f"the bundle s3://{BUCKET}/{key(FIRST)} may not be read; why: AccessDenied"
        payload = json.dumps({"errorType": "BundleError", "errorMessage": text}).encode()
        return Answer(payload, "Unhandled", "", version.version)

    cloud.functions.answers = answer
    folder = FIRST.write(tmp_path / NAME)
    act = partial(
        deploy,
        FIRST.manifest,
        FIRST.function,
        folder,
        cloud,
        smoke=Smoke("{}"),
        clock=cloud.clock,
    )
    if passes:
        assert act().version == "1"
        assert invoked == denied + 1
        return
    with pytest.raises(WideloadError, match="failed its smoke test") as told:
        act()
    assert "may not be read" in told.value.why
    assert cloud.clock.now() < 120
    assert not cloud.functions.functions[NAME].aliases


def test_a_prefix_is_granted_where_it_is_asked_for(tmp_path: Path) -> None:
    cloud = FakeCloud()
    run(cloud, build(b"one", bundle=b"first", access="prefix"), tmp_path)
    assert readable(cloud) == [f"bundles/{NAME}/*"]
    result = run(cloud, build(b"two", bundle=b"second", access="prefix"), tmp_path)
    assert "put-role-policy" not in kinds(result)


def test_more_bundles_than_a_policy_has_room_for(tmp_path: Path) -> None:
    cloud = FakeCloud()
    run(cloud, FIRST, tmp_path)
    found = cloud.functions.functions[NAME]
    (version,) = found.versions
    for number in range(2, 100):
        place = BundleLocation(BUCKET, f"bundles/{NAME}/{number:064}", REGION, ACCOUNT)
        configuration = msgspec.structs.replace(
            version.configuration, environment={BUNDLE_VARIABLE: place.variable()}
        )
        found.versions.append(
            msgspec.structs.replace(version, version=str(number), configuration=configuration)
        )
    with pytest.raises(WideloadError, match="cannot be allowed to read 100 bundles") as told:
        run(cloud, SECOND, tmp_path)
    assert 'bundle_access = "prefix"' in told.value.hint
    run(cloud, build(b"two", bundle=b"second", access="prefix"), tmp_path)


def test_a_role_of_somebody_elses_is_left_alone(tmp_path: Path) -> None:
    cloud = FakeCloud()
    run(cloud, FIRST, tmp_path)
    found = cloud.functions.functions[NAME]
    other = "arn:aws:iam::123456789012:role/theirs"
    found.latest = msgspec.structs.replace(
        found.latest, configuration=msgspec.structs.replace(found.latest.configuration, role=other)
    )
    result = run(cloud, SECOND, tmp_path, dry_run=True)
    assert "put-role-policy" not in kinds(result)


def test_an_environment_without_room_for_the_variable(tmp_path: Path) -> None:
    full = build(b"one", bundle=b"first", settings=Settings(environment={"A": "x" * 4000}))
    with pytest.raises(WideloadError, match=f"has no room for {BUNDLE_VARIABLE}"):
        run(FakeCloud(), full, tmp_path)


@pytest.mark.parametrize("after", [False, True])
def test_killed_anywhere_the_serving_version_can_read_its_bundle(
    tmp_path: Path, after: bool
) -> None:
    for at in range(40):
        cloud = FakeCloud()
        run(cloud, FIRST, tmp_path)
        begun = len(cloud.acts.log)

        def check(cloud: FakeCloud = cloud) -> None:
            alias = cloud.functions.functions[NAME].aliases["live"]
            served = cloud.functions.state(NAME, alias.version)
            wanted = bundles.key_of(served.configuration.environment, IDENTITY)
            assert wanted in readable(cloud)
            assert wanted in stored(cloud)

        cloud.acts.check = check
        cloud.acts.kill_at, cloud.acts.kill_after = begun + at, after
        try:
            run(cloud, SECOND, tmp_path)
        except Killed:
            cloud.acts.kill_at = None
            run(cloud, SECOND, tmp_path)
            assert run(cloud, SECOND, tmp_path).instructions == ()
            assert cloud.functions.functions[NAME].aliases["live"].version == "2"
        else:
            assert at > 5
            return
    pytest.fail("it never came to its end")


def test_destroy_takes_the_bundles_along(tmp_path: Path) -> None:
    cloud = FakeCloud()
    run(cloud, build(b"other", bundle=b"first", name="other"), tmp_path)
    for wanted in (FIRST, SECOND):
        run(cloud, wanted, tmp_path)
    execute(operate.destroy(cloud, NAME), cloud)
    assert {name.split("/")[1] for name in stored(cloud)} == {"other"}
    assert ROLE not in cloud.roles.roles
    # What another function has stays, and so does the bucket.
    execute(operate.destroy(cloud, "other", bucket=True), cloud)
    assert not stored(cloud)
    assert BUCKET not in cloud.storage.buckets


def test_destroy_leaves_a_role_that_reads_bundles_in_another_region(tmp_path: Path) -> None:
    cloud = FakeCloud()
    run(cloud, FIRST, tmp_path)
    cloud.roles.put_policy(ROLE, "wideload-bundles-us-east-1", "{}")
    execute(operate.destroy(cloud, NAME), cloud)
    assert list(cloud.roles.documents) == [(ROLE, "wideload-bundles-us-east-1")]


def test_a_sweep_takes_bundles_that_no_version_names(tmp_path: Path) -> None:
    cloud = FakeCloud()
    for wanted in (FIRST, SECOND):
        run(cloud, wanted, tmp_path)
    found = cloud.functions.functions[NAME]
    later = cloud.clock.now() + YOUNG_SECONDS + 1
    assert operate.sweep(cloud, now=later).instructions == ()
    found.versions = [one for one in found.versions if one.version != "1"]
    assert operate.sweep(cloud, now=cloud.clock.now()).instructions == ()
    swept = operate.sweep(cloud, now=later)
    (step,) = swept.instructions
    assert step.describe() == f"delete 1 object under s3://{BUCKET}/bundles/{NAME}/"
    execute(swept.instructions, cloud)
    assert stored(cloud) == {key(SECOND)}


def test_a_bundle_alone_is_brought_once(tmp_path: Path) -> None:
    cloud = FakeCloud()
    folder = FIRST.write(tmp_path / "build")
    for _ in range(2):
        bundles.store(FIRST.manifest, folder, cloud)
    assert cloud.acts.log == ["create-bucket", "secure-bucket", "upload-object"]
    assert stored(cloud) == {key(FIRST)}


@pytest.mark.parametrize(
    "value", ["", "s3://", "s3://bucket", "https://bucket/key", "arn:aws:s3:::bucket/key"]
)
def test_what_is_no_place_of_a_bundle(value: str) -> None:
    assert BundleLocation.parse(value) is None
    assert bundles.key_of({BUNDLE_VARIABLE: value}, IDENTITY) is None


def test_a_place_is_read_as_it_is_written() -> None:
    place = BundleLocation("bucket", "a key/with?odd&parts", "eu-central-1", "123", "v+1/=")
    assert BundleLocation.parse(place.variable()) == place
    # In a bucket of somebody else's, what it names is not wideload's to grant.
    assert bundles.key_of({BUNDLE_VARIABLE: place.variable()}, IDENTITY) is None
