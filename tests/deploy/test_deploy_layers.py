"""Layers: published once, shared, migrated to and from without a refused call, swept at last."""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
from deploy_builds import NAME, Build, build
from deploy_fake_cloud import IDENTITY, FakeCloud, Killed
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wideload.deploy import names, operate
from wideload.deploy.cloud import Refused
from wideload.deploy.deployment import deploy
from wideload.deploy.execute import execute
from wideload.deploy.gc import YOUNG_SECONDS
from wideload.deploy.once import Once
from wideload.deploy.served import note, read
from wideload.deploy.states import Answer, LayerVersion
from wideload.errors import WideloadError
from wideload.report.deployment import status_json, status_text
from wideload.values.deployment import DeploymentResult
from wideload.values.function import Settings, Strategy
from wideload.values.instruction import Smoke

HOUR = YOUNG_SECONDS
SHARED = [HealthCheck.function_scoped_fixture]


def run(cloud: FakeCloud, wanted: Build, folder: Path, **options: object) -> DeploymentResult:
    smoke = options.get("smoke")
    assert smoke is None or isinstance(smoke, Smoke)
    return deploy(
        wanted.manifest,
        wanted.function,
        wanted.write(folder / wanted.manifest.function),
        cloud,
        smoke=smoke,
        clock=cloud.clock,
    )


def kinds(result: DeploymentResult) -> list[str]:
    return [line.do for line in result.instructions]


def layers_of(cloud: FakeCloud, name: str = NAME) -> tuple[str, ...]:
    return cloud.functions.functions[name].latest.configuration.layers


def layer_names(cloud: FakeCloud) -> set[str]:
    return {version.layer for version, _ in cloud.layers.versions.values()}


def name_of(data: bytes) -> str:
    return names.layer_name(build(layers=(data,)).manifest.layers[0].sha256)


def test_layers_are_published_and_attached(tmp_path: Path) -> None:
    cloud = FakeCloud()
    result = run(cloud, build(b"code", layers=(b"heavy", b"light")), tmp_path)
    assert result.version == "1"
    assert result.uploaded_bytes == len(b"code" + b"heavy" + b"light")
    expected = tuple(
        f"arn:aws:lambda:eu-central-1:123456789012:layer:{name_of(data)}:1"
        for data in (b"heavy", b"light")
    )
    assert layers_of(cloud) == expected
    assert run(cloud, build(b"code", layers=(b"heavy", b"light")), tmp_path).instructions == ()


def test_status_tells_the_layers_of_what_serves(tmp_path: Path) -> None:
    cloud = FakeCloud()
    foreign = "arn:aws:lambda:eu-central-1:999999999999:layer:wideload-0123456789abcdef:7"
    cloud.layers.foreign[foreign] = 4_000
    settings = Settings(layers=(foreign,))
    run(cloud, build(b"code", layers=(b"heavy", b"light"), settings=settings), tmp_path)
    run(cloud, build(b"code", layers=(b"other",)), tmp_path)
    rolled = operate.rollback(cloud, NAME)
    found = operate.status(cloud, NAME)
    assert [(one.name, one.version, one.size, one.is_own) for one in found.layers] == [
        (name_of(b"other"), 1, 5, True)
    ]
    execute(rolled, cloud, clock=cloud.clock)
    found = operate.status(cloud, NAME)
    assert [(one.name, one.version, one.size, one.is_own) for one in found.layers] == [
        ("wideload-0123456789abcdef", 7, 4_000, False),
        (name_of(b"heavy"), 1, 5, True),
        (name_of(b"light"), 1, 5, True),
    ]
    lines = status_text(found).splitlines()
    assert "  layer wideload-0123456789abcdef:7  4.0 kB  attached" in lines
    assert f"  layer {name_of(b'heavy')}:1  5 B  own" in lines
    (first, *_) = status_json(found)["layers"]
    assert first == {
        "arn": foreign,
        "name": "wideload-0123456789abcdef",
        "version": 7,
        "size": 4_000,
        "is_own": False,
    }
    cloud.functions.delete_alias(NAME, "live")
    assert operate.status(cloud, NAME).layers == ()


def test_changed_code_is_all_that_is_uploaded(tmp_path: Path) -> None:
    cloud = FakeCloud()
    run(cloud, build(b"code", layers=(b"heavy", b"light")), tmp_path)
    result = run(cloud, build(b"new code", layers=(b"heavy", b"light")), tmp_path)
    assert result.uploaded_bytes == len(b"new code")
    assert kinds(result) == [
        *("update-code", "wait-until-ready", "publish-version", "wait-until-ready"),
        "update-alias",
    ]


def test_a_changed_layer_is_all_that_is_uploaded(tmp_path: Path) -> None:
    cloud = FakeCloud()
    run(cloud, build(b"code", layers=(b"heavy", b"light")), tmp_path)
    heavy, light = layers_of(cloud)
    result = run(cloud, build(b"code", layers=(b"heavy", b"lighter")), tmp_path)
    assert result.uploaded_bytes == len(b"lighter")
    assert "update-code" not in kinds(result)
    assert layers_of(cloud)[0] == heavy
    assert layers_of(cloud)[1] != light


def test_functions_share_layers(tmp_path: Path) -> None:
    cloud = FakeCloud()
    run(cloud, build(b"one", layers=(b"heavy",), name="one"), tmp_path)
    result = run(cloud, build(b"two", layers=(b"heavy",), name="two"), tmp_path)
    assert result.uploaded_bytes == len(b"two")
    assert layers_of(cloud, "one") == layers_of(cloud, "two")
    assert len(cloud.layers.versions) == 1


def test_functions_deployed_at_once_publish_a_layer_once(tmp_path: Path) -> None:
    cloud = FakeCloud()
    cloud.functions.role_seconds = 0
    once, barrier, count = Once(), threading.Barrier(4), 4
    find = cloud.layers.find

    def find_together(layer: str, code_sha256: str) -> tuple[str, ...]:
        found = find(layer, code_sha256)
        # All look before any of them acts.
        if not once._locks:
            barrier.wait(10)
        return found

    cloud.layers.find = find_together  # type: ignore[method-assign]
    builds = [build(b"code", layers=(b"heavy",), name=f"f{each}") for each in range(count)]

    def run_one(wanted: Build) -> int:
        folder = wanted.write(tmp_path / wanted.manifest.function)
        return deploy(
            wanted.manifest, wanted.function, folder, cloud, clock=cloud.clock, once=once
        ).uploaded_bytes

    with ThreadPoolExecutor(count) as pool:
        uploaded = list(pool.map(run_one, builds))
    assert cloud.acts.log.count("publish-layer") == 1
    assert sum(uploaded) == count * len(b"code") + len(b"heavy")


def test_a_layer_of_the_same_name_and_other_bytes_is_not_taken(tmp_path: Path) -> None:
    cloud = FakeCloud()
    wanted = build(b"code", layers=(b"heavy",))
    run(cloud, wanted, tmp_path)
    (arn,) = layers_of(cloud)
    cloud.layers.versions[arn] = (cloud.layers.versions[arn][0], b"somebody else's")
    result = run(cloud, wanted, tmp_path)
    assert "publish-layer" in kinds(result)
    assert layers_of(cloud) == (arn.removesuffix(":1") + ":2",)


def test_a_layer_that_is_swept_while_it_is_taken_is_told_and_mended(tmp_path: Path) -> None:
    cloud = FakeCloud()
    run(cloud, build(b"one", layers=(b"heavy",), name="one"), tmp_path)
    find = cloud.layers.find

    def find_and_lose(layer: str, code_sha256: str) -> tuple[str, ...]:
        found = find(layer, code_sha256)
        cloud.layers.versions.clear()
        return found

    cloud.layers.find = find_and_lose  # type: ignore[method-assign]
    with pytest.raises(WideloadError, match="AWS refused to create function two") as told:
        run(cloud, build(b"two", layers=(b"heavy",), name="two"), tmp_path)
    assert "does not exist" in told.value.why
    assert told.value.hint == (
        "the layer was deleted meanwhile; run it again, and it is published anew"
    )
    cloud.layers.find = find  # type: ignore[method-assign]
    run(cloud, build(b"two", layers=(b"heavy",), name="two"), tmp_path)
    assert layers_of(cloud, "two")[0].endswith(":2")


# --- going from one way to another, at the edge of the quota ---------------------------------

QUOTA = 100
FOREIGN = {"theirs:a": 10, "theirs:b": 35, "theirs:c": 60}


@st.composite
def fitting(draw: st.DrawFn) -> Build:
    """A build that AWS takes, often filling the quota to the last byte."""
    foreign = draw(st.lists(st.sampled_from(sorted(FOREIGN)), max_size=2, unique=True))
    left = QUOTA - sum(FOREIGN[arn] for arn in foreign)
    layers: list[bytes] = []
    for letter in draw(st.lists(st.sampled_from("abcdef"), max_size=5, unique=True)):
        size = draw(st.sampled_from([1, 20, 50, 90]))
        if size < left and len(layers) + len(foreign) < 5:
            layers.append(letter.encode() * size)
            left -= size
    letter = draw(st.sampled_from("xy"))
    code = letter.encode() * draw(st.sampled_from([1, max(left, 1)]))
    strategy = draw(st.sampled_from([Strategy.DIRECT_ZIP, Strategy.S3_ZIP]))
    attached = Settings(layers=tuple(foreign) if left >= 1 else ())
    return build(code, strategy=strategy, layers=tuple(layers), settings=attached)


def edge() -> FakeCloud:
    cloud = FakeCloud()
    cloud.functions.quota = QUOTA
    cloud.layers.foreign = FOREIGN
    return cloud


def is_served(cloud: FakeCloud, wanted: Build) -> bool:
    """Whether callers get this build: its code with its layers, and nothing else."""
    found = cloud.functions.functions[NAME]
    live = found.aliases["live"].version
    (state,) = (version for version in found.versions if version.version == live)
    own = [names.layer_arn(one.sha256, IDENTITY) for one in wanted.manifest.layers]
    layers = tuple(
        arn if arn in FOREIGN else arn.rpartition(":")[0] for arn in state.configuration.layers
    )
    return state.code_size == len(wanted.data) and layers == (
        *wanted.manifest.settings.layers,
        *own,
    )


@settings(max_examples=150, suppress_health_check=SHARED)
@given(builds=st.lists(fitting(), min_size=2, max_size=4))
def test_law_no_migration_is_ever_refused(tmp_path: Path, builds: list[Build]) -> None:
    cloud = edge()
    for wanted in builds:
        run(cloud, wanted, tmp_path)
        assert is_served(cloud, wanted)
        assert run(cloud, wanted, tmp_path).instructions == ()


@settings(max_examples=60, suppress_health_check=SHARED)
@given(before=fitting(), wanted=fitting(), other=fitting(), data=st.data())
def test_law_killed_in_the_middle_of_a_migration_any_other_follows(
    tmp_path: Path, before: Build, wanted: Build, other: Build, data: st.DataObject
) -> None:
    cloud = edge()
    run(cloud, before, tmp_path)
    served = [before, wanted]
    cloud.acts.check = lambda: _assert_one_is_served(cloud, served)
    cloud.acts.log.clear()
    cloud.acts.kill_at = data.draw(st.integers(0, 12))
    cloud.acts.kill_after = data.draw(st.booleans())
    with contextlib.suppress(Killed):
        run(cloud, wanted, tmp_path)
    cloud.acts.kill_at = None
    follows = data.draw(st.sampled_from([before, wanted, other]))
    served.append(follows)
    run(cloud, follows, tmp_path)
    assert is_served(cloud, follows)


def _assert_one_is_served(cloud: FakeCloud, builds: list[Build]) -> None:
    assert any(is_served(cloud, each) for each in builds)


@settings(max_examples=40, suppress_health_check=SHARED)
@given(before=fitting(), wanted=fitting())
def test_law_a_migration_after_an_update_that_failed(
    tmp_path: Path, before: Build, wanted: Build
) -> None:
    cloud = edge()
    run(cloud, before, tmp_path)
    cloud.functions.fails = "EFSIOException"
    # It may have nothing to update.
    with contextlib.suppress(WideloadError):
        run(cloud, wanted, tmp_path)
    cloud.functions.fails = None
    # What Lambda shows after a failure need not be what it holds.
    found = cloud.functions.functions[NAME]
    shown = msgspec.structs.replace(found.latest.configuration, layers=())
    find = cloud.functions.find

    def find_without_layers(function: str) -> object:
        deployed = find(function)
        assert deployed is not None
        if deployed.latest.last_update != "Failed":
            return deployed
        return msgspec.structs.replace(
            deployed, latest=msgspec.structs.replace(deployed.latest, configuration=shown)
        )

    cloud.functions.find = find_without_layers  # type: ignore[assignment,method-assign]
    run(cloud, wanted, tmp_path)
    assert is_served(cloud, wanted)


# --- back -------------------------------------------------------------------------------------


def test_rollback_goes_back_to_the_old_layers(tmp_path: Path) -> None:
    cloud = FakeCloud()
    old, new = build(b"code", layers=(b"heavy",)), build(b"code", layers=(b"heavier",))
    run(cloud, old, tmp_path)
    run(cloud, new, tmp_path)
    execute(operate.rollback(cloud, NAME), cloud, clock=cloud.clock)
    assert is_served(cloud, old)
    cloud.clock.sleep(2 * HOUR)
    assert operate.sweep(cloud, now=cloud.clock.now()).instructions[:-1] == (), "both are in use"
    run(cloud, new, tmp_path)
    assert is_served(cloud, new)


def test_rollback_skips_what_never_served(tmp_path: Path) -> None:
    cloud = FakeCloud()
    run(cloud, build(b"1"), tmp_path)
    run(cloud, build(b"2"), tmp_path)
    cloud.functions.answers = lambda version, _: Answer(b"{}", "Unhandled", "", version.version)
    with pytest.raises(WideloadError, match="smoke"):
        run(cloud, build(b"3"), tmp_path, smoke=Smoke("{}"))
    run(cloud, build(b"4"), tmp_path)
    assert cloud.functions.functions[NAME].aliases["live"].version == "4"
    (back,) = operate.rollback(cloud, NAME)
    assert back.describe().endswith("from version 4 to version 2")
    execute((back,), cloud, clock=cloud.clock)
    (back,) = operate.rollback(cloud, NAME)
    assert back.describe().endswith("from version 2 to version 1")
    # By its number also one that never served.
    (back,) = operate.rollback(cloud, NAME, "3")
    assert back.describe().endswith("to version 3")


def test_rollback_without_a_note_asks_for_the_number(tmp_path: Path) -> None:
    cloud = FakeCloud()
    run(cloud, build(b"1"), tmp_path)
    run(cloud, build(b"2"), tmp_path)
    found = cloud.functions.functions[NAME]
    found.aliases["live"] = msgspec.structs.replace(found.aliases["live"], served=())
    with pytest.raises(WideloadError, match="is known to have served") as told:
        operate.rollback(cloud, NAME)
    assert "--version 1" in told.value.hint


# --- away -------------------------------------------------------------------------------------


def sweep(cloud: FakeCloud) -> list[str]:
    found = operate.sweep(cloud, now=cloud.clock.now())
    execute(found.instructions, cloud, clock=cloud.clock)
    return [str(one.__struct_config__.tag) for one in found.instructions]


def test_gc_takes_what_nothing_uses(tmp_path: Path) -> None:
    cloud = FakeCloud()
    run(cloud, build(b"code", layers=(b"heavy", b"light")), tmp_path)
    run(cloud, build(b"code", layers=(b"heavy", b"other"), name="two"), tmp_path)
    cloud.clock.sleep(2 * HOUR)
    assert sweep(cloud) == ["delete-objects"], "Lambda has its copies"
    assert not [key for _, key in cloud.storage.objects if key.startswith("layers/")]
    assert len(cloud.layers.versions) == 3
    execute(operate.destroy(cloud, NAME), cloud, clock=cloud.clock)
    assert len(cloud.layers.versions) == 3, "others may use them"
    assert sweep(cloud) == ["delete-layer-version"]
    assert layer_names(cloud) == {name_of(b"heavy"), name_of(b"other")}
    assert sweep(cloud) == []
    # And what was swept is published anew where it is needed again.
    run(cloud, build(b"code", layers=(b"heavy", b"light")), tmp_path)
    assert layers_of(cloud)[1].endswith(f"{name_of(b'light')}:2")


def test_gc_leaves_what_an_old_version_uses(tmp_path: Path) -> None:
    cloud = FakeCloud()
    run(cloud, build(b"code", layers=(b"old",)), tmp_path)
    run(cloud, build(b"code", strategy=Strategy.S3_ZIP), tmp_path)
    cloud.clock.sleep(2 * HOUR)
    assert "delete-layer-version" not in sweep(cloud)
    execute(operate.rollback(cloud, NAME), cloud, clock=cloud.clock)
    assert is_served(cloud, build(b"code", layers=(b"old",)))


def test_gc_leaves_what_is_young_and_says_so(tmp_path: Path) -> None:
    cloud = FakeCloud()
    run(cloud, build(b"code", layers=(b"new",)), tmp_path)
    execute(operate.destroy(cloud, NAME), cloud, clock=cloud.clock)
    found = operate.sweep(cloud, now=cloud.clock.now() + HOUR - 60)
    assert found.instructions == ()
    (young,) = found.young
    assert young == (
        f"version 1 of layer {name_of(b'new')} (package-new 1.0) stays: it is less than an hour "
        "old, a deployment may be about to use it"
    )
    later = operate.sweep(cloud, now=cloud.clock.now() + HOUR)
    assert later.young == ()
    assert [one.describe() for one in later.instructions] == [
        f"delete version 1 of layer {name_of(b'new')} (package-new 1.0)",
        "delete 1 object under s3://wideload-123456789012-eu-central-1/layers/",
    ]


@pytest.mark.parametrize(
    ("layer", "description"),
    [
        ("wideload-0123456789abcdef", "somebody else's"),
        ("wideload-mine", "wideload: numpy 2.1"),
        ("wideload-0123456789abcdef0", "wideload: numpy 2.1"),
    ],
)
def test_gc_leaves_what_wideload_did_not_publish(layer: str, description: str) -> None:
    cloud = FakeCloud()
    arn = f"arn:aws:lambda:eu-central-1:123456789012:layer:{layer}:1"
    cloud.layers.versions = {arn: (LayerVersion(layer, 1, arn, description, 0.0), b"")}
    assert operate.sweep(cloud, now=1e9).instructions == ()
    assert operate.sweep(cloud, now=1e9).young == ()


def test_gc_tells_what_was_refused() -> None:
    cloud = FakeCloud()

    def denied() -> frozenset[str]:
        raise Refused("lambda:ListFunctions", "AccessDeniedException", "no")

    cloud.layers.in_use = denied  # type: ignore[method-assign]
    with pytest.raises(WideloadError, match="show which layers are in use") as told:
        operate.sweep(cloud, now=0)
    assert "lambda:ListFunctions" in told.value.hint


def test_notes_of_what_served_stay_short() -> None:
    many = tuple(str(number) for number in range(1000, 1200))
    text = note(many, "1200")
    assert len(text) <= 256
    assert read(text)[-2:] == ("1199", "1200")
    assert note(("1", "2"), "1") == "served: 2, 1"
    assert read("served: ") == read("mine") == read("served: 1, x") == ()
