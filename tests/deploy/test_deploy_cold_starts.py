"""Provisioned concurrency and SnapStart: there before callers are, gone when nobody needs them."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from deploy_builds import NAME, Build, build
from deploy_fake_cloud import FakeCloud, Killed

from wideload.deploy import operate
from wideload.deploy.deployment import deploy
from wideload.deploy.execute import execute
from wideload.deploy.states import Answer, Identity
from wideload.deploy.waiting import READY_SECONDS
from wideload.errors import WideloadError
from wideload.report.deployment import status_text
from wideload.values.deployment import DeploymentResult
from wideload.values.function import Settings
from wideload.values.instruction import Smoke

SMOKE = Smoke('{"user": 1}')


def warm(data: bytes, count: int, *, memory: int = 1024) -> Build:
    return build(data, settings=Settings(provisioned_concurrency=count, memory=memory))


def snapped(data: bytes) -> Build:
    return build(data, settings=Settings(snap_start=True))


def run(
    cloud: FakeCloud, wanted: Build, folder: Path, *, dry_run: bool = False
) -> DeploymentResult:
    return deploy(
        wanted.manifest,
        wanted.function,
        wanted.write(folder),
        cloud,
        smoke=SMOKE,
        clock=cloud.clock,
        dry_run=dry_run,
    )


def kinds(result: DeploymentResult) -> list[str]:
    return [line.do for line in result.instructions]


def kept(cloud: FakeCloud) -> dict[str, int]:
    return {qualifier: count for (_, qualifier), (count, _) in cloud.concurrency.kept.items()}


def watch(cloud: FakeCloud) -> list[str]:
    """Notes whenever callers get to a version that is not all initialised."""
    cold = []

    def check() -> None:
        found = cloud.functions.functions.get(NAME)
        live = found.aliases.get("live") if found else None
        if live is None:
            return
        states = {one.qualifier: one.status for one in cloud.concurrency.listed(NAME)}
        if states.get(live.version) != "READY":
            cold.append(live.version)

    cloud.acts.check = check
    return cold


def test_callers_get_to_a_version_only_when_it_is_initialised(tmp_path: Path) -> None:
    cloud = FakeCloud()
    cold = watch(cloud)
    first = run(cloud, warm(b"first", 2), tmp_path)
    assert kinds(first)[-4:] == [
        "smoke-test",
        "provision-concurrency",
        "wait-until-provisioned",
        "create-alias",
    ]
    assert (
        "keep 2 environments of the new version of recommender initialised (2,048 MB, billed "
        in (first.instructions[-3].text)
    )
    second = run(cloud, warm(b"second", 2), tmp_path)
    assert kinds(second)[-5:] == [
        "smoke-test",
        "provision-concurrency",
        "wait-until-provisioned",
        "update-alias",
        "release-concurrency",
    ]
    assert kept(cloud) == {"2": 2}
    assert cold == []
    assert run(cloud, warm(b"second", 2), tmp_path).instructions == ()


def test_another_number_touches_nothing_else(tmp_path: Path) -> None:
    cloud = FakeCloud()
    run(cloud, warm(b"first", 2), tmp_path)
    assert kinds(run(cloud, warm(b"first", 5), tmp_path)) == [
        "provision-concurrency",
        "wait-until-provisioned",
    ]
    assert kept(cloud) == {"1": 5}
    result = run(cloud, build(b"first"), tmp_path)
    assert kinds(result) == ["release-concurrency"]
    assert result.instructions[0].text == (
        "keep 5 environments of version 1 of recommender initialised no longer"
    )
    assert kept(cloud) == {}
    assert run(cloud, build(b"first"), tmp_path).instructions == ()


def test_a_version_that_fails_its_smoke_test_is_not_paid_for(tmp_path: Path) -> None:
    cloud = FakeCloud()
    run(cloud, warm(b"first", 2), tmp_path)
    cloud.functions.answers = lambda version, _: Answer(b"{}", "Unhandled", "", version.version)
    with pytest.raises(WideloadError, match="failed its smoke test"):
        run(cloud, warm(b"second", 2), tmp_path)
    assert kept(cloud) == {"1": 2}


def test_environments_that_do_not_start_are_let_go_and_the_old_version_serves(
    tmp_path: Path,
) -> None:
    cloud = FakeCloud()
    run(cloud, warm(b"first", 2), tmp_path)
    cloud.concurrency.fails = "FUNCTION_ERROR_INIT_FAILURE"
    with pytest.raises(WideloadError, match="could not keep environments") as told:
        run(cloud, warm(b"second", 2), tmp_path)
    assert told.value.why == "FUNCTION_ERROR_INIT_FAILURE"
    assert kept(cloud) == {"1": 2}
    assert cloud.functions.functions[NAME].aliases["live"].version == "1"
    cloud.concurrency.fails = ""
    assert run(cloud, warm(b"second", 2), tmp_path).version == "2"
    assert kept(cloud) == {"2": 2}


@pytest.mark.parametrize("after", [False, True])
def test_killed_anywhere_the_next_deployment_leaves_no_other_version_paid_for(
    tmp_path: Path, after: bool
) -> None:
    acts = 0
    while True:
        cloud = FakeCloud()
        run(cloud, warm(b"first", 2), tmp_path)
        cold = watch(cloud)
        cloud.acts.kill_at = len(cloud.acts.log) + acts
        cloud.acts.kill_after = after
        try:
            run(cloud, warm(b"second", 3), tmp_path)
        except Killed:
            pass
        else:
            assert acts > 3
            break
        cloud.acts.kill_at = None
        run(cloud, warm(b"second", 3), tmp_path)
        assert kept(cloud) == {"2": 3}
        assert cold == []
        acts += 1


@pytest.mark.parametrize(
    ("unreserved", "reserved", "words"),
    [
        (1000, 4, "Requested Provisioned Concurrency should not be greater than the reserved"),
        (103, None, "UnreservedConcurrentExecution below its minimum value of [100]."),
        (3, None, "greater than account's unreserved concurrency [3]."),
    ],
)
def test_what_lambda_would_refuse_is_refused_before_anything_is_done(
    tmp_path: Path, unreserved: int, reserved: int | None, words: str
) -> None:
    cloud = FakeCloud()
    run(cloud, build(b"first"), tmp_path)
    cloud.concurrency.unreserved, cloud.concurrency.reserved = unreserved, reserved
    done = list(cloud.acts.log)
    with pytest.raises(WideloadError, match="cannot keep 5 environments") as told:
        run(cloud, warm(b"second", 5), tmp_path)
    assert words in told.value.why
    assert told.value.why.startswith("AWS would answer InvalidParameterValueException: ")
    assert cloud.acts.log == done


def test_where_both_versions_have_no_room_the_old_ones_go_first(tmp_path: Path) -> None:
    cloud = FakeCloud()
    run(cloud, warm(b"first", 5), tmp_path)
    cloud.concurrency.unreserved = 107
    result = run(cloud, warm(b"second", 5), tmp_path)
    assert kinds(result)[-5:] == [
        "smoke-test",
        "release-concurrency",
        "provision-concurrency",
        "wait-until-provisioned",
        "update-alias",
    ]
    assert "since the account has no room for the old and the new" in result.instructions[-4].text
    assert kept(cloud) == {"2": 5}


def test_what_an_alias_has_is_left_alone_or_told(tmp_path: Path) -> None:
    cloud = FakeCloud()
    run(cloud, build(b"first"), tmp_path)
    cloud.concurrency.kept[NAME, "live"] = (7, 0.0)
    assert run(cloud, build(b"first"), tmp_path).instructions == ()
    run(cloud, build(b"second"), tmp_path)
    assert kept(cloud) == {"live": 7}
    with pytest.raises(WideloadError, match="alias live of recommender has provisioned") as told:
        run(cloud, warm(b"second", 2), tmp_path)
    assert "ResourceConflictException" in told.value.why
    assert f"--function-name {NAME} --qualifier live" in told.value.hint


def test_a_rollback_moves_callers_first(tmp_path: Path) -> None:
    cloud = FakeCloud()
    run(cloud, warm(b"first", 2), tmp_path)
    run(cloud, warm(b"second", 3), tmp_path)
    instructions = operate.rollback(cloud, NAME)
    assert [one.__struct_config__.tag for one in instructions] == [
        "update-alias",
        "provision-concurrency",
        "wait-until-provisioned",
        "release-concurrency",
    ]
    execute(instructions, cloud, clock=cloud.clock)
    assert kept(cloud) == {"1": 3}
    run(cloud, warm(b"second", 3), tmp_path)
    assert kept(cloud) == {"2": 3}


def test_a_rollback_to_what_starts_from_a_snapshot(tmp_path: Path) -> None:
    cloud = FakeCloud()
    run(cloud, snapped(b"first"), tmp_path)
    run(cloud, warm(b"second", 3), tmp_path)
    execute(operate.rollback(cloud, NAME), cloud, clock=cloud.clock)
    assert kept(cloud) == {}
    assert cloud.functions.functions[NAME].aliases["live"].version == "1"


def test_destroy_lets_them_go(tmp_path: Path) -> None:
    cloud = FakeCloud()
    run(cloud, warm(b"first", 2), tmp_path)
    instructions = operate.destroy(cloud, NAME)
    assert [str(one.__struct_config__.tag) for one in instructions][:3] == [
        "delete-alias",
        "release-concurrency",
        "delete-function",
    ]
    execute(instructions, cloud, clock=cloud.clock)
    assert kept(cloud) == {}


def test_status_shows_both(tmp_path: Path) -> None:
    cloud = FakeCloud()
    run(cloud, warm(b"first", 2), tmp_path)
    found = operate.status(cloud, NAME)
    assert [(one.qualifier, one.requested, one.ready, one.status) for one in found.provisioned] == [
        ("1", 2, 2, "READY")
    ]
    assert not found.snap_start
    assert "  provisioned concurrency of 1: 2 of 2 ready, READY" in status_text(found).splitlines()
    run(cloud, snapped(b"second"), tmp_path)
    found = operate.status(cloud, NAME)
    assert found.snap_start
    assert found.provisioned == ()
    assert "  SnapStart: version 2 starts from a snapshot" in status_text(found).splitlines()


def test_snap_start_is_set_and_its_snapshot_waited_for(tmp_path: Path) -> None:
    cloud = FakeCloud()
    run(cloud, build(b"first"), tmp_path)
    # Longer than Lambda takes for anything else.
    cloud.functions.snapshot_seconds = READY_SECONDS + 100
    result = run(cloud, snapped(b"first"), tmp_path)
    told = [line.text for line in result.instructions]
    assert "update configuration of recommender: SnapStart off → on" in told
    assert result.version == "2"
    (version,) = [one for one in cloud.functions.versions(NAME) if one.version == "2"]
    assert version.is_optimised
    assert run(cloud, snapped(b"first"), tmp_path).instructions == ()
    assert run(cloud, build(b"first"), tmp_path).version == "3"


def test_a_region_without_snap_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = FakeCloud()
    elsewhere = Identity("123456789012", "ap-southeast-6")
    monkeypatch.setattr(cloud, "identity", lambda: elsewhere)
    with pytest.raises(WideloadError, match="cannot have SnapStart in ap-southeast-6"):
        run(cloud, snapped(b"first"), tmp_path)
    assert cloud.acts.log == []


def test_a_build_of_before_these_settings_is_read(tmp_path: Path) -> None:
    old = msgspec.json.decode(msgspec.json.encode(build(b"first").manifest))
    del old["settings"]["provisioned_concurrency"], old["settings"]["snap_start"]
    settings = msgspec.convert(old["settings"], Settings)
    assert (settings.provisioned_concurrency, settings.snap_start) == (0, False)
