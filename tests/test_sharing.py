"""A function's bytes are the same, whether it is built alone or with all others."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from fleet_maker import HEAVY, NEEDS, fleet, heavy, stock
from made_projects import Listener
from wheel_maker import wheel
from wideload.errors import WideloadError
from wideload.fleet import Fleet, Selected, selected
from wideload.pipeline import Pipeline
from wideload.prepared import Built

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from local_index import LocalIndex
    from wideload.cache import Cache
    from wideload.deploy.progress import Progress

LAYERED = tuple(NEEDS)
Digests = dict[str, list[str]]


class Watching(Listener):
    """A watcher that keeps what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.failed: dict[str, str] = {}
        self.through: list[str] = []

    def begins(self, what: str, total: int) -> None:
        pass

    def ended(self, name: str, error: WideloadError | None) -> None:
        if error is None:
            self.through.append(name)
        else:
            self.failed[name] = error.what

    def narrator(self, name: str) -> Listener:
        return self

    def deployment(self, name: str) -> Progress:
        raise NotImplementedError


@pytest.fixture
def project(index: LocalIndex, tmp_path: Path) -> Path:
    stock(index)
    return fleet(tmp_path / "project")


def alone(root: Path, cache: Cache, name: str, listener: Listener | None = None) -> list[str]:
    pipeline = Pipeline(listener or Listener(), cache)
    return digests(pipeline.build(pipeline.source(name, root)))


def digests(built: Built) -> list[str]:
    return [one.sha256 for one in built.manifest.artifacts]


def together(
    root: Path, cache: Cache, names: Iterable[str] = LAYERED, watching: Watching | None = None
) -> Digests:
    listener = watching or Watching()
    found = Fleet(Pipeline(listener, cache), Selected(root, tuple(names)), listener).build()
    return {name: digests(one) for name, one in found.items() if isinstance(one, Built)}


def packages(root: Path, name: str) -> list[list[str]]:
    """What each layer of a build holds."""
    manifest = json.loads((root / ".wideload" / "build" / name / "manifest.json").read_bytes())
    return [one["packages"] for one in manifest["artifacts"] if one["role"] != "function"]


def copy(root: Path, to: str, *, records: bool) -> Path:
    """A fresh checkout, with the records committed or without."""
    there = root.parent / to
    unwanted = [".wideload"] if records else [".wideload", "*.split.json"]
    return shutil.copytree(root, there, ignore=shutil.ignore_patterns(*unwanted))


def bump(root: Path, old: str, new: str) -> None:
    """Another version in all locks."""
    for lock in root.rglob("requirements.txt"):
        lock.write_text(lock.read_text().replace(old, new))
    for lock in root.rglob("pylock.*.toml"):
        lock.unlink()


def test_alone_and_together_are_the_same_bytes(project: Path, store: Cache) -> None:
    whole = together(project, store)
    assert set(whole) == set(LAYERED)
    assert len(packages(project, "three")) == 4, "five, less one for what is light"
    for records in (True, False):
        for name in LAYERED:
            there = copy(project, f"{name}-{records}", records=records)
            assert alone(there, store, name) == whole[name]
    # And each by itself would have been another.
    single = fleet(project.parent / "single", {"three": NEEDS["three"]})
    assert alone(single, store, "three") != whole["three"]


def test_whichever_is_built_first(project: Path, store: Cache) -> None:
    listener = Listener()
    first = {"five": alone(project, store, "five", listener)}
    told = [line for line in listener.lines if line.startswith("split into")]
    (line,) = told
    assert line.endswith("; commit what was written")
    assert set(line.removeprefix("split into ").partition(";")[0].split(", ")) == {
        f"{name}.split.json" for name in LAYERED
    }
    # Now none needs to know of any other.
    for name in LAYERED:
        if name != "five":
            listener = Listener()
            first[name] = alone(project, store, name, listener)
            assert [line for line in listener.lines if "split into" in line] == []
    assert together(copy(project, "again", records=False), store) == first
    assert together(project, store) == first


def test_a_record_is_kept_to_the_letter_when_others_come_and_go(
    project: Path, store: Cache
) -> None:
    before = together(project, store)
    config = project / "wideload.toml"
    config.write_text(config.read_text() + '[functions.new]\nsource = "new"\nstrategy = "layers"\n')
    (project / "new").mkdir()
    (project / "new" / "app.py").write_text("def handler(event, context):\n    return 1\n")
    (project / "new" / "requirements.txt").write_text("\n".join([*HEAVY, "tiny"]))
    assert alone(copy(project, "b", records=True), store, "three") == before["three"]
    after = together(project, store, (*LAYERED, "new"))
    assert {name: after[name] for name in LAYERED} == before
    # The new one takes what is there: but for its code, nothing is new.
    there = {digest for name in LAYERED for digest in before[name]}
    light = [
        digest
        for digest, held in zip(after["new"][1:], packages(project, "new"), strict=True)
        if digest not in there and held != ["tiny"]
    ]
    assert light == []
    assert alone(copy(project, "c", records=True), store, "new") == after["new"]


def test_without_one_that_is_broken(project: Path, store: Cache) -> None:
    (project / "two" / "requirements.txt").write_text("alpha\nno-such-package\n")
    listener = Listener()
    first = alone(project, store, "three", listener)
    assert any(line.startswith("note: split without two: ") for line in listener.lines)
    assert not list(project.rglob("two.split.json"))
    watching = Watching()
    found = together(project, store, watching=watching)
    assert set(found) == set(LAYERED) - {"two"}
    assert set(watching.failed) == {"two"}
    assert found["three"] == first
    # Mended, it takes its place beside the others, which stay.
    (project / "two" / "requirements.txt").write_text("alpha\nbravo\ncharlie\n")
    mended = together(project, store)
    assert {name: mended[name] for name in found} == found
    assert alone(copy(project, "mended", records=True), store, "two") == mended["two"]


def test_a_record_that_is_no_record_fails_its_function_alone(project: Path, store: Cache) -> None:
    whole = together(project, store)
    record = project / "two" / "two.split.json"
    good = record.read_bytes()
    record.write_text('{"schema": 7}')
    assert alone(project, store, "three") == whole["three"]
    with pytest.raises(WideloadError, match=r"two\.split\.json cannot be read"):
        alone(project, store, "two")
    # Also where the others are to be split anew.
    for path in project.rglob("*.split.json"):
        if path != record:
            path.unlink()
    watching = Watching()
    found = together(project, store, watching=watching)
    assert set(found) == set(LAYERED) - {"two"}
    assert "two.split.json cannot be read" in watching.failed["two"]
    record.write_bytes(good)


def test_pins_that_are_wrong_fail_their_function_alone(project: Path, store: Cache) -> None:
    config = project / "wideload.toml"
    config.write_text(
        config.read_text().replace('source = "two"', 'source = "two"\nsplit = { nothing = 1 }')
    )
    watching = Watching()
    found = together(project, store, watching=watching)
    assert set(found) == set(LAYERED) - {"two"}
    assert "nothing is to lie in layer 1" in watching.failed["two"]


def test_a_new_version_changes_the_layers_that_hold_it(
    index: LocalIndex, project: Path, store: Cache
) -> None:
    before = together(project, store)
    held = {name: packages(project, name) for name in LAYERED}
    index.add(heavy("delta", 3, "2.0"))
    bump(project, "delta", "delta>=2")
    after = together(project, store)
    assert {name: packages(project, name) for name in LAYERED} == held
    for name in LAYERED:
        for old, new, names in zip(before[name][1:], after[name][1:], held[name], strict=True):
            assert (old == new) is ("delta" not in names)


def test_what_no_longer_fits_is_split_anew(index: LocalIndex, project: Path, store: Cache) -> None:
    whole = together(project, store)
    record = project / "two" / "two.split.json"
    # As many layers as there may not be.
    index.add(*(wheel(f"more-{number}") for number in range(6)))
    names = [f"more-{number}" for number in range(6)]
    (project / "two" / "requirements.txt").write_text("\n".join([*NEEDS["two"], *names]))
    places = {name: number for number, name in enumerate(names, 1)}
    record.write_text(json.dumps({"schema": 1, "places": places}))
    fresh = copy(project, "fresh", records=True)
    found = together(project, store)
    assert alone(fresh, store, "two") == found["two"]
    assert {name: one for name, one in found.items() if name != "two"} == {
        name: one for name, one in whole.items() if name != "two"
    }
    assert len(packages(project, "two")) <= 4


def test_a_plan_shows_what_is_built_and_writes_no_record(project: Path, store: Cache) -> None:
    pipeline = Pipeline(Listener(), store)
    planned = pipeline.plan(pipeline.prepare(pipeline.source("three", project)))
    assert planned.chosen is not None
    assert planned.chosen.split is not None
    assert list(project.rglob("*.split.json")) == []
    alone(project, store, "three")
    assert [list(one.packages) for one in planned.chosen.split.layers] == packages(project, "three")


def test_by_the_command_line_alone_it_shares_nothing(project: Path, store: Cache) -> None:
    pipeline = Pipeline(Listener(), store)
    found = Fleet(Pipeline(Listener(), store), Selected(project, ("six",)), Watching()).build()
    built = found["six"]
    assert isinstance(built, Built)
    assert built.manifest.strategy == "direct-zip"
    assert pipeline.build(pipeline.source("six", project)).manifest == built.manifest
    assert list(project.rglob("*.split.json")) == []


def test_which_are_meant(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert selected([], project, everything=True) == Selected(project, (*LAYERED, "six"))
    assert selected(["six", "one", "six"], project, everything=False).names == ("six", "one")
    with pytest.raises(WideloadError, match="which functions"):
        selected(["one"], project, everything=True)
    with pytest.raises(WideloadError, match="no function 'sixth'"):
        selected(["one", "sixth"], project, everything=False)
    fleet(tmp_path / "other", {"x": ()})
    with pytest.raises(WideloadError, match="several projects"):
        selected(["project/one", "other/x"], tmp_path, everything=False)
