"""What was chosen by use goes before every rule, and the package says that it went."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from slimming_maker import TAG, Kitchen, gone
from wideload.slim.slimming import slim, slim_fetched
from wideload.values.slimmed import Slimmed, SlimOptions
from wideload.values.tree import FileTree
from wideload.values.unused import Unused

WHEELS = {
    "one": {
        "one/__init__.py": "X = 1\n",
        "one/used/__init__.py": "def f():\n    return 7\n",
        "one/used/tests/test_it.py": "def test_it():\n    pass\n",
        "one/unused/__init__.py": "Y = 2\n",
        "one/unused/deep.py": "Z = 3\n",
    },
    "two": {"two.py": "A = 1\n"},
}
OWN = {"app.py": "import one.used\n"}
GUARD = "import sys\n\nSAID = True\n"


class Choice(msgspec.Struct):
    """A chooser that was told what to leave out."""

    paths: frozenset[str]
    key: str = "1"
    asked: int = 0

    def choose(self, tree: FileTree) -> Unused:
        self.asked += 1
        assert self.paths <= tree.by_path.keys()
        files = (("_guard.pth", b"import _guard\n"), ("_guard.py", GUARD.encode()))
        return Unused("traced/9", "not used", self.paths, files, "says so")


UNUSED = frozenset({"one/unused/__init__.py", "one/unused/deep.py", "two.py"})


@pytest.fixture
def kitchen(tmp_path: Path) -> Kitchen:
    return Kitchen(tmp_path, WHEELS, OWN)


def slimmed(kitchen: Kitchen, choice: Choice, options: SlimOptions | None = None) -> Slimmed:
    return slim_fetched(
        kitchen.resolution,
        kitchen.own,
        options or SlimOptions(bytecode="none"),
        kitchen.paths,
        sys.executable,
        kitchen.cache,
        chooser=choice,
    )


def test_what_is_not_used_is_gone_with_rule_reason_and_package(kitchen: Kitchen) -> None:
    found = slimmed(kitchen, Choice(UNUSED))
    by_path = {one.path: one for one in found.removals}
    assert {path for path, rule in gone(found).items() if rule == "traced/9"} == UNUSED
    assert {(by_path[path].package, by_path[path].reason) for path in UNUSED} == {
        ("one", "not used"),
        ("two", "not used"),
    }
    # The other rules go on with what is left.
    assert gone(found)["one/used/tests/test_it.py"].startswith("tests/")
    assert b"one/unused" not in kitchen.contents(found.tree)["one-1.0.dist-info/RECORD"]


def test_the_account_is_complete(kitchen: Kitchen) -> None:
    for mode in ("none", "beside", "sourceless"):
        found = slimmed(kitchen, Choice(UNUSED), msgspec.convert({"bytecode": mode}, SlimOptions))
        saved = sum(one.saved_unzipped for one in found.removals)
        added = sum(one.unzipped_bytes for one in found.additions)
        assert kitchen.raw.unzipped_bytes - saved + added == found.tree.unzipped_bytes
        saved = sum(one.saved_zipped for one in found.removals)
        added = sum(one.zipped_bytes for one in found.additions)
        assert kitchen.raw.zipped_bytes - saved + added == found.tree.zipped_bytes


def test_the_files_that_say_so_are_shipped_and_compiled(kitchen: Kitchen) -> None:
    found = slimmed(kitchen, Choice(UNUSED), SlimOptions(bytecode="sourceless"))
    added = {one.path: one for one in found.additions}
    assert added["_guard.py"].reason == "says so"
    assert (added["_guard.pth"].rule, added["_guard.pth"].package) == ("traced/9", "")
    assert added[f"__pycache__/_guard.{TAG}.pyc"].rule.startswith("bytecode/")
    contents = kitchen.contents(found.tree)
    assert contents["_guard.py"] == GUARD.encode()
    assert contents[f"__pycache__/_guard.{TAG}.pyc"][4:8] == b"\1\0\0\0", "not to be checked"


@pytest.mark.parametrize("mode", ["none", "beside", "sourceless"])
def test_what_is_left_runs(kitchen: Kitchen, tmp_path: Path, mode: str) -> None:
    options = msgspec.convert({"bytecode": mode}, SlimOptions)
    found = slimmed(kitchen, Choice(UNUSED), options)
    folder = kitchen.lay_out(found.tree, tmp_path / "task")
    code = "import site, sys, json; sys.path.insert(0, sys.argv[1]); site.addsitedir(sys.argv[1])\n"
    code += "import one.used; print(json.dumps([one.used.f(), sys.modules['_guard'].SAID]))"
    done = subprocess.run(
        [sys.executable, "-I", "-B", "-c", code, str(folder)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == [7, True]


def test_another_profile_is_another_outcome_and_the_same_is_not_asked_again(
    kitchen: Kitchen,
) -> None:
    first = slimmed(kitchen, Choice(UNUSED))
    again = Choice(UNUSED)
    assert slimmed(kitchen, again) == first
    assert again.asked == 0
    other = Choice(frozenset({"two.py"}), key="2")
    assert {path for path, rule in gone(slimmed(kitchen, other)).items() if "traced" in rule} == {
        "two.py"
    }
    assert other.asked == 1
    assert "traced/9" not in gone(kitchen.slim()).values()


def test_a_plan_knows_what_goes_and_is_exact_after_a_build(kitchen: Kitchen) -> None:
    def plan() -> Slimmed:
        return slim(
            kitchen.resolution, kitchen.own, SlimOptions(), kitchen.cache, chooser=Choice(UNUSED)
        )

    estimate = plan()
    assert not estimate.exact
    assert gone(estimate).keys() >= UNUSED
    built = slimmed(kitchen, Choice(UNUSED), SlimOptions())
    assert plan() == built
