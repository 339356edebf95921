"""Deployments against AWS in memory: whole ones, and ones that are killed anywhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from deploy_builds import NAME, Build, build
from deploy_fake_cloud import IDENTITY, FakeCloud, Killed
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from wideload.deploy import names
from wideload.deploy.cloud import Refused
from wideload.deploy.compute import compute
from wideload.deploy.deployment import deploy
from wideload.deploy.execute import execute
from wideload.deploy.observe import observe
from wideload.deploy.states import Answer, FunctionState
from wideload.errors import WideloadError
from wideload.values.deployment import DeploymentResult
from wideload.values.function import Settings, Strategy
from wideload.values.instruction import Configuration, CreateFunction, Instruction, Smoke


def run(cloud: FakeCloud, wanted: Build, folder: Path, **options: object) -> DeploymentResult:
    smoke = options.get("smoke")
    assert smoke is None or isinstance(smoke, Smoke)
    return deploy(
        wanted.manifest,
        wanted.function,
        wanted.write(folder),
        cloud,
        adopt=bool(options.get("adopt")),
        dry_run=bool(options.get("dry_run")),
        smoke=smoke,
        clock=cloud.clock,
    )


def served(cloud: FakeCloud) -> FunctionState | None:
    """What callers of the alias get."""
    found = cloud.functions.functions.get(NAME)
    if found is None or "live" not in found.aliases:
        return None
    return next(
        version for version in found.versions if version.version == found.aliases["live"].version
    )


def shape(cloud: FakeCloud) -> object:
    """All that is there, without numbers that depend on how often something was tried."""
    found = cloud.functions.functions.get(NAME)
    live = served(cloud)
    return (
        cloud.roles.roles,
        cloud.roles.documents,
        cloud.storage.buckets,
        cloud.storage.objects,
        cloud.logs.groups,
        found
        and (
            found.latest,
            found.tags,
            [(version.code_sha256, version.configuration) for version in found.versions],
        ),
        live and (live.code_sha256, live.configuration),
    )


def test_deploy_first_serves_what_was_built(tmp_path: Path) -> None:
    cloud = FakeCloud()
    result = run(cloud, build(b"first"), tmp_path)
    assert result.version == "1"
    assert result.alias == "live"
    assert result.uploaded_bytes == len(b"first")
    assert cloud.functions.functions[NAME].tags["wideload:strategy"] == "direct-zip"
    live = served(cloud)
    assert live is not None
    assert live.configuration.memory == 1024
    assert live.configuration.description.startswith("manifest sha256:")
    assert not cloud.storage.buckets
    # The role was there before Lambda knew it.
    assert cloud.clock.now() >= cloud.functions.role_seconds


def test_deploy_by_way_of_s3_uploads_once(tmp_path: Path) -> None:
    cloud = FakeCloud()
    wanted = build(b"big", strategy=Strategy.S3_ZIP)
    result = run(cloud, wanted, tmp_path)
    sha256 = wanted.manifest.artifact("function").sha256
    bucket = names.bucket_name(cloud.identity())
    assert cloud.storage.objects == {(bucket, f"functions/{NAME}/{sha256}.zip"): (b"big", sha256)}
    assert cloud.storage.buckets[bucket].is_private
    assert result.uploaded_bytes == 3
    assert [line.do for line in result.instructions].count("upload-object") == 1


@pytest.mark.parametrize("strategy", [Strategy.DIRECT_ZIP, Strategy.S3_ZIP])
def test_deploy_twice_does_nothing(tmp_path: Path, strategy: Strategy) -> None:
    cloud = FakeCloud()
    wanted = build(strategy=strategy)
    run(cloud, wanted, tmp_path)
    acts = len(cloud.acts.log)
    again = run(cloud, wanted, tmp_path)
    assert again.instructions == ()
    assert again.version == "1"
    assert again.uploaded_bytes == 0
    assert len(cloud.acts.log) == acts


def test_deploy_dry_run_changes_nothing(tmp_path: Path) -> None:
    cloud = FakeCloud()
    shown = run(cloud, build(strategy=Strategy.S3_ZIP), tmp_path, dry_run=True)
    assert cloud.acts.log == []
    assert shown.version is None
    assert shown.instructions == run(cloud, build(strategy=Strategy.S3_ZIP), tmp_path).instructions


def test_deploy_changed_code_moves_alias_to_next_version(tmp_path: Path) -> None:
    cloud = FakeCloud()
    run(cloud, build(b"first"), tmp_path)
    result = run(cloud, build(b"second"), tmp_path)
    assert result.version == "2"
    assert [line.do for line in result.instructions] == [
        "update-code",
        "wait-until-ready",
        "publish-version",
        "wait-until-ready",
        "update-alias",
    ]
    assert [version.version for version in cloud.functions.versions(NAME)] == ["1", "2"]


def test_deploy_back_and_forth_publishes_each_time(tmp_path: Path) -> None:
    cloud = FakeCloud()
    versions = [run(cloud, build(data), tmp_path).version for data in (b"a", b"b", b"a")]
    assert versions == ["1", "2", "3"]


def test_deploy_smoke_failure_leaves_alias(tmp_path: Path) -> None:
    cloud = FakeCloud()
    run(cloud, build(b"first"), tmp_path)
    cloud.functions.answers = lambda version, _: Answer(
        b'{"errorMessage":"boom"}', "Unhandled", "", version.version
    )
    with pytest.raises(WideloadError, match="version 2 of recommender failed its smoke") as told:
        run(cloud, build(b"second"), tmp_path, smoke=Smoke("{}"))
    assert "boom" in told.value.why
    live = served(cloud)
    assert live is not None
    assert live.version == "1"
    # Asked again it tests the same version again instead of publishing another.
    with pytest.raises(WideloadError, match="version 2"):
        run(cloud, build(b"second"), tmp_path, smoke=Smoke("{}"))


@pytest.mark.parametrize(
    ("expected", "passes"), [('{"a": 1, "b": 2}', True), ('{"a":2}', False), ("nonsense", False)]
)
def test_deploy_smoke_compares_json(tmp_path: Path, expected: str, passes: bool) -> None:
    cloud = FakeCloud()
    smoke = Smoke('{"b":2,"a":1}', expected)
    if passes:
        assert run(cloud, build(), tmp_path, smoke=smoke).version == "1"
    else:
        with pytest.raises(WideloadError, match="smoke"):
            run(cloud, build(), tmp_path, smoke=smoke)
        assert served(cloud) is None


def test_deploy_stops_at_an_artifact_that_is_another(tmp_path: Path) -> None:
    cloud = FakeCloud()
    wanted = build(b"first")
    folder = wanted.write(tmp_path)
    (folder / "function.zip").write_bytes(b"other")
    with pytest.raises(WideloadError, match=r"function\.zip is not what was built"):
        deploy(wanted.manifest, wanted.function, folder, cloud, clock=cloud.clock)
    assert NAME not in cloud.functions.functions


def test_deploy_stops_at_an_artifact_that_is_missing(tmp_path: Path) -> None:
    cloud = FakeCloud()
    wanted = build(strategy=Strategy.S3_ZIP)
    with pytest.raises(WideloadError, match="cannot be read"):
        deploy(wanted.manifest, wanted.function, tmp_path, cloud, clock=cloud.clock)
    assert not cloud.storage.objects


def test_deploy_gives_up_on_a_role_that_lambda_never_sees(tmp_path: Path) -> None:
    cloud = FakeCloud()
    cloud.functions.role_seconds = 1e9
    with pytest.raises(WideloadError, match="AWS refused to create function") as told:
        run(cloud, build(), tmp_path)
    assert "cannot be assumed by Lambda" in told.value.why
    assert 60 <= cloud.clock.now() < 75


def test_deploy_tells_a_failed_update_and_mends_it(tmp_path: Path) -> None:
    cloud = FakeCloud()
    run(cloud, build(b"first"), tmp_path)
    cloud.functions.fails = "the disk is on fire"
    with pytest.raises(WideloadError, match="could not prepare") as told:
        run(cloud, build(b"second"), tmp_path)
    assert "the disk is on fire" in told.value.why
    live = served(cloud)
    assert live is not None
    assert live.version == "1"
    assert run(cloud, build(b"second"), tmp_path).version == "2"


def test_deploy_says_when_lambda_takes_too_long(tmp_path: Path) -> None:
    cloud = FakeCloud()
    cloud.functions.seconds = 1e9
    with pytest.raises(WideloadError, match="not ready after 300 s") as told:
        run(cloud, build(), tmp_path)
    assert "Pending" in told.value.why


def test_deploy_sits_out_an_update_by_somebody_else(tmp_path: Path) -> None:
    cloud = FakeCloud()
    run(cloud, build(b"first"), tmp_path)
    wanted = build(b"second")
    folder = wanted.write(tmp_path)
    instructions = compute(wanted.manifest, wanted.function, observe(cloud, wanted.manifest))
    have = cloud.functions.functions[NAME].latest.configuration
    cloud.functions.update_configuration(NAME, have)
    assert execute(instructions, cloud, folder, clock=cloud.clock).published == "2"


def test_deploy_stops_when_the_code_was_changed_by_somebody_else(tmp_path: Path) -> None:
    cloud = FakeCloud()
    run(cloud, build(b"first"), tmp_path)
    wanted = build(b"second")
    folder = wanted.write(tmp_path)
    instructions = compute(wanted.manifest, wanted.function, observe(cloud, wanted.manifest))
    before_publishing = instructions[:2]
    execute(before_publishing, cloud, folder, clock=cloud.clock)
    cloud.functions.update_code(NAME, b"theirs", "x86_64")
    with pytest.raises(WideloadError, match="AWS refused to publish") as told:
        execute(instructions[2:], cloud, folder, clock=cloud.clock)
    assert "is different from current CodeSHA256" in told.value.why


def test_deploy_stops_when_the_alias_was_moved_by_somebody_else(tmp_path: Path) -> None:
    cloud = FakeCloud()
    run(cloud, build(b"first"), tmp_path)
    wanted = build(b"second")
    folder = wanted.write(tmp_path)
    instructions = compute(wanted.manifest, wanted.function, observe(cloud, wanted.manifest))
    # To where it stood already: only its revision tells.
    cloud.functions.update_alias(NAME, "live", "1", "", ())
    with pytest.raises(WideloadError, match="AWS refused to move alias") as told:
        execute(instructions, cloud, folder, clock=cloud.clock)
    assert "PreconditionFailedException" in told.value.why
    assert "run it again" in told.value.hint


@pytest.mark.parametrize(
    ("before", "wanted"),
    [
        (None, build(strategy=Strategy.S3_ZIP)),
        (build(b"before", settings=Settings(layers=("x",))), build(strategy=Strategy.S3_ZIP)),
        (None, build(layers=(b"one", b"two"))),
        (build(b"before", layers=(b"one", b"three")), build(layers=(b"one", b"two"))),
    ],
)
def test_deploy_every_instruction_may_be_carried_out_twice(
    tmp_path: Path, before: Build | None, wanted: Build
) -> None:
    once, twice = FakeCloud(), FakeCloud()
    if before is not None:
        run(once, before, tmp_path)
        run(twice, before, tmp_path)
    folder = wanted.write(tmp_path)
    run(once, wanted, folder)
    instructions = compute(wanted.manifest, wanted.function, observe(twice, wanted.manifest))
    doubled: list[Instruction] = [step for one in instructions for step in (one, one)]
    execute(tuple(doubled), twice, folder, clock=twice.clock)
    assert shape(twice) == shape(once)


def test_deploy_leaves_a_foreign_function_that_appears_meanwhile(tmp_path: Path) -> None:
    cloud = FakeCloud()
    wanted = build()
    folder = wanted.write(tmp_path)
    instructions = compute(wanted.manifest, wanted.function, observe(cloud, wanted.manifest))
    execute(instructions[:4], cloud, folder, clock=cloud.clock)
    cloud.clock.sleep(60)
    role = names.role_arn(NAME, cloud.identity())
    there = cloud.roles.roles[names.role_name(NAME)]
    assert there.arn == role
    configuration = msgspec.structs.replace(_created(instructions), description="theirs")
    cloud.functions.create(NAME, b"theirs", "x86_64", configuration, {})
    with pytest.raises(WideloadError, match="AWS refused to create function"):
        execute(instructions[4:], cloud, folder, clock=cloud.clock)
    assert cloud.functions.functions[NAME].latest.configuration.description == "theirs"


def _created(instructions: tuple[Instruction, ...]) -> Configuration:
    return next(step for step in instructions if isinstance(step, CreateFunction)).configuration


class Shown:
    """A `Progress` that remembers."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.bytes: list[tuple[int, int]] = []
        self.seconds: list[float] = []

    def started(self, index: int, total: int, instruction: Instruction) -> None:
        self.lines.append(f"{index + 1}/{total} {instruction.describe()}")

    def sent(self, done: int, size: int) -> None:
        self.bytes.append((done, size))

    def waited(self, seconds: float) -> None:
        self.seconds.append(seconds)

    def finished(self, index: int, total: int, instruction: Instruction) -> None:
        self.lines.append(f"{index + 1}/{total} done: {instruction.describe()}")


def test_deploy_shows_how_far_it_is(tmp_path: Path) -> None:
    cloud = FakeCloud()
    shown = Shown()
    wanted = build(b"x" * 1000, strategy=Strategy.S3_ZIP)
    folder = wanted.write(tmp_path)
    deploy(wanted.manifest, wanted.function, folder, cloud, progress=shown, clock=cloud.clock)
    assert shown.lines[0] == "1/12 create role wideload-recommender"
    assert shown.lines[1] == "1/12 done: create role wideload-recommender"
    assert shown.bytes == [(500, 1000), (1000, 1000)]
    assert max(shown.seconds) <= cloud.functions.seconds
    assert shown.lines[-1].startswith("12/12 done: point new alias live")


# Every example writes its builds to the same folder again.
SHARED = [HealthCheck.function_scoped_fixture]
BUILDS = st.builds(
    build,
    st.sampled_from([b"first", b"second"]),
    strategy=st.sampled_from([Strategy.DIRECT_ZIP, Strategy.S3_ZIP]),
    architecture=st.sampled_from(["x86_64", "arm64"]),
    layers=st.sampled_from([(), (), (b"one",), (b"one", b"two")]),
    settings=st.builds(
        Settings,
        memory=st.sampled_from([512, 1024]),
        environment=st.sampled_from([{}, {"MODE": "a"}]),
        layers=st.sampled_from([(), ("layer:a",), ("layer:a", "layer:b"), ("layer:c",)]),
    ),
)


@settings(max_examples=25, suppress_health_check=SHARED)
@given(
    before=st.lists(BUILDS, max_size=2),
    killed=st.lists(st.tuples(BUILDS, st.integers(0, 12), st.booleans()), max_size=2),
    wanted=BUILDS,
)
def test_law_killed_anywhere_the_old_serves_and_running_again_finishes(
    tmp_path: Path,
    before: list[Build],
    killed: list[tuple[Build, int, bool]],
    wanted: Build,
) -> None:
    count = _acts_of(before, killed, wanted, tmp_path)
    straight = _start(before, killed, tmp_path)
    run(straight, wanted, tmp_path)
    for after in (False, True):
        for at in range(count):
            cloud = _start(before, killed, tmp_path)
            old = served(cloud)
            cloud.acts.check = _nothing_else_is_served(cloud, old, wanted)
            cloud.acts.log.clear()
            cloud.acts.kill_at, cloud.acts.kill_after = at, after
            with pytest.raises(Killed):
                run(cloud, wanted, tmp_path)
            now = served(cloud)
            assert now == old or _is_built(now, wanted)
            cloud.acts.kill_at = None
            run(cloud, wanted, tmp_path)
            assert shape(cloud) == shape(straight)
            assert run(cloud, wanted, tmp_path).instructions == ()


@settings(max_examples=40, suppress_health_check=SHARED)
@given(before=BUILDS, wanted=BUILDS, at=st.integers(0, 12))
def test_law_what_callers_get_is_one_build_or_the_other(
    tmp_path: Path, before: Build, wanted: Build, at: int
) -> None:
    cloud = _start([before], [], tmp_path)
    served_on_the_way: list[FunctionState | None] = []
    cloud.acts.check = lambda: served_on_the_way.append(served(cloud))
    result = run(cloud, wanted, tmp_path)
    assume(result.instructions)
    kinds = {_is_built(state, wanted) or _is_built(state, before) for state in served_on_the_way}
    assert kinds == {True}
    assert _is_built(served(cloud), wanted)


def _start(before: list[Build], killed: list[tuple[Build, int, bool]], folder: Path) -> FakeCloud:
    cloud = FakeCloud()
    for wanted in before:
        run(cloud, wanted, folder)
    for wanted, at, after in killed:
        cloud.acts.log.clear()
        cloud.acts.kill_at, cloud.acts.kill_after = at, after
        try:
            run(cloud, wanted, folder)
        except Killed:
            cloud.acts.kill_at = None
    cloud.acts.kill_at = None
    return cloud


def _acts_of(
    before: list[Build], killed: list[tuple[Build, int, bool]], wanted: Build, folder: Path
) -> int:
    cloud = _start(before, killed, folder)
    cloud.acts.log.clear()
    run(cloud, wanted, folder)
    return len(cloud.acts.log)


def _nothing_else_is_served(
    cloud: FakeCloud, old: FunctionState | None, wanted: Build
) -> Callable[[], None]:
    def check() -> None:
        now = served(cloud)
        assert now == old or _is_built(now, wanted)

    return check


def _is_built(state: FunctionState | None, wanted: Build) -> bool:
    return (
        state is not None
        and state.code_size == len(wanted.data)
        and state.architecture == wanted.manifest.target.architecture
        and state.configuration.memory == wanted.manifest.settings.memory
        and state.configuration.environment == wanted.manifest.settings.environment
        and state.configuration.layers
        == (
            *wanted.manifest.settings.layers,
            *(f"{names.layer_arn(one.sha256, IDENTITY)}:1" for one in wanted.manifest.layers),
        )
    )


def test_deploy_error_of_observing_says_what_was_asked(tmp_path: Path) -> None:
    cloud = FakeCloud()

    def denied(bucket: str, owner: str) -> None:
        raise Refused("s3:ListBucket", "403", "Forbidden")

    cloud.storage.find_bucket = denied  # type: ignore[method-assign]
    with pytest.raises(WideloadError, match="AWS refused to show what is there") as told:
        run(cloud, build(strategy=Strategy.S3_ZIP), tmp_path)
    assert "s3:ListBucket" in told.value.hint
