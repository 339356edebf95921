"""What a function mounts: found, made when that is told, refused with the missing piece named."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import msgspec
import pytest
from deploy_builds import NAME, Build, build
from deploy_fake_cloud import IDENTITY, FakeCloud, Killed
from deploy_fake_mounts import POINTS, ZONES

from wideload.deploy import names, operate
from wideload.deploy.deployment import deploy
from wideload.deploy.execute import execute
from wideload.deploy.gc import YOUNG_SECONDS
from wideload.deploy.mounts import GroupState, NetworkState, PointState, SubnetState, TargetState
from wideload.deploy.networking import network
from wideload.deploy.states import Answer, FunctionState
from wideload.errors import WideloadError
from wideload.values.artifact import BUNDLE_FILE, Artifact
from wideload.values.deployment import DeploymentResult
from wideload.values.function import Settings, Strategy
from wideload.values.instruction import DeleteObjects, InlineCode, SweepDirectories
from wideload.values.mount import (
    FILES_FILE,
    FILES_ROLE,
    FILLER_FILE,
    FILLER_ROLE,
    MOUNT_VARIABLE,
    Directory,
    Mounts,
    Vpc,
    directory_name,
)

GROUP = GroupState("sg-1", "vpc-1", ("sg-1",), (), True)
SUBNETS = tuple(SubnetState(f"subnet-{zone}", "vpc-1", zone, "table-1", True) for zone in ZONES[:2])
TARGETS = tuple(TargetState(one.id, "vpc-1", one.zone, (GROUP,), True) for one in SUBNETS)
POINT = PointState(POINTS["efs"], "fs-1", 1000, True)
WHOLE = NetworkState(
    zones=ZONES,
    vpc="vpc-1",
    subnets=SUBNETS,
    groups=(GROUP,),
    system="fs-1",
    system_has_policy=True,
    point=POINT,
    targets=TARGETS,
)
CONFIGURED = msgspec.structs.replace(WHOLE, system=None)


def mounting(
    strategy: Strategy = Strategy.EFS, content: bytes = b"bundle", memory: int = 1024
) -> Build:
    made = build(b"code", strategy=strategy, settings=Settings(memory=memory))
    digest = hashlib.sha256(content).hexdigest()
    role, file = ("bundle", BUNDLE_FILE)
    helpers = [(FILLER_ROLE, FILLER_FILE, b"filler")]
    if strategy is Strategy.S3_FILES:
        role, file, helpers = FILES_ROLE, FILES_FILE, []
    artifacts = [
        Artifact(role, file, digest, len(content), len(content)),
        *(
            Artifact(one, name, hashlib.sha256(data).hexdigest(), len(data), len(data))
            for one, name, data in helpers
        ),
    ]
    name = directory_name(NAME, digest)
    directory = Directory("/mnt/wideload", name, f"/mnt/wideload/{name}/tree")
    manifest = msgspec.structs.replace(
        made.manifest, artifacts=(*made.manifest.artifacts, *artifacts), mount=directory
    )
    return msgspec.structs.replace(made, manifest=manifest, bundle=content)


def refused(state: NetworkState, *, create: bool = False) -> WideloadError:
    with pytest.raises(WideloadError) as caught:
        network(mounting().manifest, state, IDENTITY, create=create)
    return caught.value


def made(state: NetworkState, strategy: Strategy = Strategy.EFS) -> list[str]:
    """The kinds of the steps that make what is missing."""
    found = network(mounting(strategy).manifest, state, IDENTITY, create=True)
    return [str(step.__struct_config__.tag) for step in found.steps]


def test_what_is_there_is_taken_as_it_is() -> None:
    for state in (WHOLE, CONFIGURED):
        found = network(mounting().manifest, state, IDENTITY, create=False)
        assert found.steps == ()
        assert found.mount.access_point == POINTS["efs"]
        assert found.vpc == Vpc(tuple(sorted(one.id for one in SUBNETS)), ("sg-1",))


LACKING: dict[str, tuple[dict[str, Any], str, list[str]]] = {
    "subnets": (
        {"subnets": (), "targets": ()},
        "it has no subnets",
        ["create-subnet", "create-subnet", "create-endpoint"],
    ),
    "way to S3": (
        {"subnets": tuple(msgspec.structs.replace(one, reaches_s3=False) for one in SUBNETS)},
        "has no way to S3",
        ["create-endpoint"],
    ),
    "group": (
        {"groups": (), "targets": ()},
        "it has no security group",
        ["create-security-group", "allow-nfs"],
    ),
    "file system": (
        {"system": None, "point": None, "targets": (), "system_has_policy": False},
        "no file system",
        ["create-file-system", "protect-file-system"],
    ),
    "policy": (
        {"system_has_policy": False},
        "file system fs-1 asks nobody for permission",
        ["protect-file-system"],
    ),
    "mount target": (
        {"targets": TARGETS[:1]},
        "no mount target in eu-central-1b, where its subnet subnet-eu-central-1b is",
        ["create-mount-target"],
    ),
    "rule": (
        {
            "targets": tuple(
                msgspec.structs.replace(one, groups=(GroupState("sg-2", "vpc-1", (), (), True),))
                for one in TARGETS
            )
        },
        "lets TCP 2049 in from the function's: sg-2",
        ["allow-nfs"],
    ),
    "access point": ({"point": None}, "fs-1 has no access point", ["create-access-point"]),
}


@pytest.mark.parametrize("piece", LACKING)
def test_a_missing_piece_is_named_or_made(piece: str) -> None:
    lacks, words, steps = LACKING[piece]
    state = msgspec.structs.replace(WHOLE, **lacks)
    error = refused(state)
    assert words in error.what
    assert "--create-network" in error.hint
    assert made(state)[: len(steps)] == steps


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (
            msgspec.structs.replace(CONFIGURED, missing=("fsap-1", "subnet-9")),
            "fsap-1, subnet-9 is not there",
        ),
        (
            msgspec.structs.replace(
                CONFIGURED, groups=(msgspec.structs.replace(GROUP, vpc="vpc-2"),)
            ),
            "security group sg-1 is of another VPC",
        ),
        (
            msgspec.structs.replace(
                CONFIGURED,
                targets=tuple(msgspec.structs.replace(one, vpc="vpc-2") for one in TARGETS),
            ),
            "file system fs-1 is in another VPC than its subnets",
        ),
        (
            msgspec.structs.replace(
                CONFIGURED, groups=(msgspec.structs.replace(GROUP, lets_out=False),)
            ),
            "lets TCP 2049 out",
        ),
        (
            msgspec.structs.replace(
                CONFIGURED,
                subnets=(SUBNETS[0], msgspec.structs.replace(SUBNETS[1], vpc="vpc-2")),
            ),
            "its subnets are of different VPCs",
        ),
        (
            msgspec.structs.replace(CONFIGURED, point=msgspec.structs.replace(POINT, uid=None)),
            "acts as nobody",
        ),
    ],
)
def test_what_is_wrong_is_named_and_never_mended(state: NetworkState, words: str) -> None:
    for create in (False, True):
        assert words in refused(state, create=create).what


def test_all_of_it_is_made_and_the_first_line_tells_what_it_costs() -> None:
    found = network(mounting().manifest, NetworkState(zones=ZONES), IDENTITY, create=True)
    lines = [step.describe() for step in found.steps]
    costs = [line for line in lines if "$" in line]
    assert len(costs) == 1
    assert "a month" in costs[0]
    assert all("costs nothing" in line for line in lines if line.startswith("create a "))


def test_s3_files_needs_a_bucket_with_versions_and_a_role_and_no_way_to_s3() -> None:
    steps = made(NetworkState(zones=ZONES), Strategy.S3_FILES)
    assert "protect-file-system" not in steps
    order = ["create-bucket", "secure-bucket", "version-bucket", "create-role", "put-role-policy"]
    at = steps.index("create-bucket")
    assert steps[at : at + 6] == [*order, "create-file-view"]


@pytest.mark.parametrize(("memory", "read"), [(512, "AUTO"), (511, "DISABLED")])
def test_lambda_reads_from_s3_itself_from_512_mb_on(memory: int, read: str) -> None:
    found = network(
        mounting(Strategy.S3_FILES, memory=memory).manifest, WHOLE, IDENTITY, create=False
    )
    assert found.mount.direct_read == read


def filling(cloud: FakeCloud) -> None:
    """Functions answer as the filler does."""

    def answer(version: FunctionState, event: bytes) -> Answer:
        return Answer(b'{"complete": true}', None, "", version.version)

    cloud.functions.answers = answer


def run(cloud: FakeCloud, wanted: Build, folder: Path, *, create: bool = True) -> DeploymentResult:
    into = wanted.write(folder)
    (into / FILLER_FILE).write_bytes(b"filler")
    (into / FILES_FILE).write_bytes(wanted.bundle)
    return deploy(
        wanted.manifest,
        wanted.function,
        into,
        cloud,
        create_network=create,
        clock=cloud.clock,
    )


def live(cloud: FakeCloud) -> FunctionState:
    alias = cloud.functions.find_alias(NAME, "live")
    assert alias is not None
    return cloud.functions.state(NAME, alias.version)


def test_a_version_names_its_own_directory_and_the_filler_is_gone(tmp_path: Path) -> None:
    cloud = FakeCloud()
    filling(cloud)
    first, second = mounting(content=b"one"), mounting(content=b"two")
    run(cloud, first, tmp_path / "one")
    assert cloud.functions.find(names.filler_name(NAME)) is None
    assert set(cloud.roles.roles) == {names.role_name(NAME)}
    before = live(cloud).configuration
    assert first.manifest.mount is not None
    assert before.environment[MOUNT_VARIABLE] == first.manifest.mount.place
    assert first.manifest.mount.search in before.environment["PYTHONPATH"].split(":")
    assert before.mount is not None
    assert before.mount.access_point == POINTS["efs"]
    run(cloud, second, tmp_path / "two", create=False)
    (kept, now) = cloud.functions.versions(NAME)
    assert kept.configuration == before
    assert second.manifest.mount is not None
    assert now.configuration.environment[MOUNT_VARIABLE] == second.manifest.mount.place


def test_what_is_filled_is_not_filled_again(tmp_path: Path) -> None:
    cloud = FakeCloud()
    filling(cloud)
    run(cloud, mounting(), tmp_path / "one")
    assert run(cloud, mounting(), tmp_path / "one", create=False).instructions == ()


def test_the_role_may_mount_and_may_not_write(tmp_path: Path) -> None:
    cloud = FakeCloud()
    filling(cloud)
    run(cloud, mounting(), tmp_path / "one")
    document = cloud.roles.documents[names.role_name(NAME), names.mount_policy_name(IDENTITY)]
    assert "elasticfilesystem:ClientMount" in document
    assert "ClientWrite" not in document
    assert POINTS["efs"] in document


def test_back_to_a_zip_nothing_is_mounted_any_more(tmp_path: Path) -> None:
    cloud = FakeCloud()
    filling(cloud)
    run(cloud, mounting(), tmp_path / "one")
    run(cloud, build(b"zip"), tmp_path / "two", create=False)
    now = live(cloud).configuration
    assert now.mount is None
    assert now.vpc == Vpc()
    assert MOUNT_VARIABLE not in now.environment


def test_a_vpc_that_somebody_attached_stays(tmp_path: Path) -> None:
    cloud = FakeCloud()
    run(cloud, build(b"one"), tmp_path / "one")
    found = cloud.functions.functions[NAME]
    attached = Vpc(("subnet-x",), ("sg-x",))
    by_hand = msgspec.structs.replace(found.latest.configuration, vpc=attached)
    found.latest = msgspec.structs.replace(found.latest, configuration=by_hand)
    run(cloud, build(b"two"), tmp_path / "two")
    assert live(cloud).configuration.vpc == attached


def test_a_vpc_is_had_by_any_strategy(tmp_path: Path) -> None:
    cloud = FakeCloud()
    wanted = Vpc(("subnet-a",), ("sg-a",))
    run(cloud, build(b"one", settings=Settings(vpc=wanted)), tmp_path / "one")
    assert live(cloud).configuration.vpc == wanted
    half = build(b"two", settings=Settings(vpc=Vpc(("subnet-a",))))
    with pytest.raises(WideloadError, match="subnets and no security_groups"):
        run(cloud, half, tmp_path / "two")


@pytest.mark.parametrize("after", [False, True])
def test_killed_anywhere_it_is_finished_by_running_again(tmp_path: Path, after: bool) -> None:
    whole = FakeCloud()
    filling(whole)
    run(whole, mounting(), tmp_path / "whole")
    for at in range(len(whole.acts.log)):
        cloud = FakeCloud()
        filling(cloud)
        cloud.acts.kill_at, cloud.acts.kill_after = at, after
        with pytest.raises(Killed):
            run(cloud, mounting(), tmp_path / "build")
        cloud.acts.kill_at = None
        run(cloud, mounting(), tmp_path / "build")
        assert live(cloud).configuration == live(whole).configuration, cloud.acts.log
        assert set(cloud.functions.functions) == {NAME}
        assert set(cloud.roles.roles) == {names.role_name(NAME)}


def test_mounts_in_the_configuration_reach_the_question(tmp_path: Path) -> None:
    cloud = FakeCloud()
    filling(cloud)
    cloud.mounts.state = CONFIGURED
    wanted = mounting()
    settings = Settings(mounts=Mounts(efs=POINTS["efs"]))
    manifest = msgspec.structs.replace(wanted.manifest, settings=settings)
    function = msgspec.structs.replace(wanted.function, settings=settings)
    wanted = msgspec.structs.replace(wanted, manifest=manifest, function=function)
    run(cloud, wanted, tmp_path / "one", create=False)
    assert cloud.mounts.asked == ["efs"]


SWEEPER = InlineCode("sweeper.zip", hashlib.sha256(b"sweeper").hexdigest(), 7)


def two_versions(tmp_path: Path, strategy: Strategy = Strategy.EFS) -> FakeCloud:
    cloud = FakeCloud()
    filling(cloud)
    for content in (b"one", b"two"):
        run(cloud, mounting(strategy, content), tmp_path / content.decode())
    return cloud


def test_gc_keeps_what_any_version_names_and_leaves_no_sweeper(tmp_path: Path) -> None:
    cloud = two_versions(tmp_path)
    found = operate.sweep(cloud, now=cloud.clock.now(), sweeper=SWEEPER).instructions
    (step,) = [one for one in found if isinstance(one, SweepDirectories)]
    made = [mounting(content=content).manifest.mount for content in (b"one", b"two")]
    assert set(step.keep) == {one.name for one in made if one is not None}
    assert (step.path, step.of, step.age) == ("/mnt/wideload", "", YOUNG_SECONDS)
    (tmp_path / "sweeper.zip").write_bytes(b"sweeper")
    execute(found, cloud, tmp_path, clock=cloud.clock)
    assert set(cloud.functions.functions) == {NAME}
    assert set(cloud.roles.roles) == {names.role_name(NAME)}


def test_gc_where_nothing_is_mounted_asks_for_no_sweeper(tmp_path: Path) -> None:
    cloud = FakeCloud()
    run(cloud, build(b"zip"), tmp_path / "one")
    assert operate.sweep(cloud, now=0.0, sweeper=SWEEPER).instructions == ()


def test_gc_removes_files_of_s3_files_that_no_version_names(tmp_path: Path) -> None:
    cloud = FakeCloud()
    bucket = names.files_bucket(IDENTITY)
    cloud.storage.create_bucket(bucket, IDENTITY.region)
    key = f"{names.FILE_PREFIX}gone/{'a' * 32}/module.py"
    cloud.storage.objects[bucket, key] = (b"x", "")
    later = YOUNG_SECONDS + 1
    (step,) = operate.sweep(cloud, now=later, sweeper=SWEEPER).instructions
    assert isinstance(step, DeleteObjects)
    assert (step.bucket, step.keys) == (bucket, (key,))
    assert operate.sweep(cloud, now=YOUNG_SECONDS - 1, sweeper=SWEEPER).instructions == ()


def test_destroy_takes_its_directories_and_half_made_fillers_along(tmp_path: Path) -> None:
    cloud = two_versions(tmp_path)
    found = operate.destroy(cloud, NAME, sweeper=SWEEPER)
    (step,) = [one for one in found if isinstance(one, SweepDirectories)]
    assert (step.of, step.keep, step.age) == (NAME, (), 0.0)
    (tmp_path / "sweeper.zip").write_bytes(b"sweeper")
    execute(found, cloud, tmp_path, clock=cloud.clock)
    assert not cloud.functions.functions
    assert not cloud.roles.roles
