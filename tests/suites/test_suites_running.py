"""A suite is run in a box, every outcome kept, a crash being one, and goes on where it stopped."""

from __future__ import annotations

import compileall
import json
import sys
from pathlib import Path

import pytest
from suites.recorder import is_chosen
from suites.running import Box, Outcome, Unit, is_done, read, run, units

from wideload.interpreters import Interpreter, find_interpreter

pytestmark = pytest.mark.sandbox

BOOKS = """
import pytest
from shelf import books
from shelf.tests.helper import nothing

def test_passes(): assert books.count() == 3
def test_fails(): assert books.count() == 4
def test_skips(): pytest.skip("no shelf")
@pytest.mark.xfail
def test_expected(): assert False
@pytest.fixture
def broken(): raise OSError("dusty")
def test_cannot_begin(broken): pass
@pytest.mark.slow
def test_slow(): pass
"""
CRASH = """
import os
def test_before(): pass
def test_crashes(): os.abort()
def test_after(): pass
"""
BOX = """
import shutil, socket
import pytest
def test_no_compiler(): assert not any(map(shutil.which, ("cc", "gcc", "clang", "git")))
def test_no_network():
    with pytest.raises(OSError):
        socket.create_connection(("192.0.2.1", 80), timeout=5)
def test_packages_cannot_be_written():
    with pytest.raises(OSError):
        open("/var/task/shelf/new.py", "w")
"""


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Box:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    python: Interpreter = find_interpreter(version, tmp_path_factory.mktemp("python"))
    # What runs this test has pytest and hypothesis.
    return Box(python, Path(pytest.__file__).parents[1])


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for path, text in {
        "shelf/__init__.py": "",
        "shelf/books.py": "def count():\n    return 3\n",
        "shelf/tests/__init__.py": "",
        "shelf/tests/helper.py": "nothing = None\n",
        "shelf/tests/test_books.py": BOOKS,
        "shelf/tests/deep/test_crash.py": CRASH,
        "shelf/inner/tests/test_box.py": BOX,
        "shelf/inner/test_helpers.py": "def test_nothing(): pass\n",
    }.items():
        file = tmp_path / "tree" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path / "tree"


def short(outcomes: dict[str, Outcome]) -> dict[str, str]:
    return {test.rpartition("::")[2]: one.outcome for test, one in outcomes.items()}


def test_units_are_the_parts_that_have_tests(tree: Path) -> None:
    assert units(tree, "shelf") == [
        Unit("shelf", "inner", ("shelf/inner/tests",)),
        Unit("shelf", "tests/deep", ("shelf/tests/deep",)),
        Unit("shelf", "tests", ("shelf/tests/test_books.py",)),
    ]


def test_every_outcome_is_kept(box: Box, tree: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept" / "books.jsonl"
    found = run(box, tree, ["shelf/tests/test_books.py"], kept, marks="not slow")
    assert short(found) == {
        "test_passes": "passed",
        "test_fails": "failed",
        "test_skips": "skipped",
        "test_expected": "xfailed",
        "test_cannot_begin": "error in setup",
    }
    assert "shelf/tests/test_books.py::test_passes" in found
    assert "assert 3 == 4" in found["shelf/tests/test_books.py::test_fails"].message
    assert is_done(kept)
    # All is known: nothing is run again.
    (tree / "shelf/tests/test_books.py").unlink()
    assert run(box, tree, ["shelf/tests/test_books.py"], kept) == found


def test_a_package_without_sources_is_tested_alike(box: Box, tree: Path, tmp_path: Path) -> None:
    asked = ["shelf/tests/test_books.py"]
    before = run(box, tree, asked, tmp_path / "kept" / "before.jsonl")
    compileall.compile_dir(tree / "shelf", quiet=1, legacy=True, maxlevels=0)
    for source in (tree / "shelf").glob("*.py"):
        source.unlink()
    after = run(box, tree, asked, tmp_path / "kept" / "after.jsonl")
    assert short(after) == short(before)
    assert "passed" in short(after).values()


def test_a_crash_is_an_outcome_and_the_rest_is_run(box: Box, tree: Path, tmp_path: Path) -> None:
    found = run(box, tree, ["shelf/tests/deep/test_crash.py"], tmp_path / "kept" / "c.jsonl")
    assert short(found) == {
        "test_before": "passed",
        "test_crashes": "crashed",
        "test_after": "passed",
    }


def test_a_run_that_was_stopped_goes_on(box: Box, tree: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept" / "books.jsonl"
    kept.parent.mkdir()
    known = {"id": "shelf/tests/test_books.py::test_passes", "outcome": "known before"}
    kept.write_text(json.dumps(known) + "\n")
    found = short(run(box, tree, ["shelf/tests/test_books.py"], kept))
    assert found["test_passes"] == "known before"
    assert found["test_fails"] == "failed"


def test_one_in_so_many_is_a_part_of_all(box: Box, tree: Path, tmp_path: Path) -> None:
    asked, kept = ["shelf/tests/test_books.py"], tmp_path / "kept" / "some.jsonl"
    some = run(box, tree, asked, kept, every=2)
    assert is_done(kept, 2)
    assert not is_done(kept)
    assert read(kept) == some, "no other was run"
    everything = run(box, tree, asked, kept)
    assert 0 < len(some) < len(everything) == 6
    assert run(box, tree, asked, kept, every=2) == some


def test_one_file_in_so_many_is_looked_into(box: Box, tree: Path, tmp_path: Path) -> None:
    for number in range(8):
        (tree / f"shelf/tests/test_{number}.py").write_text("def test_it(): pass\n")
    kept = tmp_path / "kept" / "files.jsonl"
    some = run(box, tree, ["shelf/tests"], kept, files=2)
    files = {test.partition("::")[0] for test in some}
    there = {path.relative_to(tree).as_posix() for path in tree.glob("shelf/tests/**/test_*.py")}
    assert files == {file for file in there if is_chosen(file, 2)}
    assert files
    assert files < there


def test_a_folder_may_skip_itself(box: Box, tree: Path, tmp_path: Path) -> None:
    skip = 'import pytest\npytest.importorskip("no_such_module")\n'
    (tree / "shelf/tests/deep/conftest.py").write_text(skip)
    unit = next(one for one in units(tree, "shelf") if one.name == "tests/deep")
    (tree / "shelf/tests/deep/er").mkdir()
    (tree / "shelf/tests/deep/conftest.py").rename(tree / "shelf/tests/deep/er/conftest.py")
    (tree / "shelf/tests/deep/er/test_er.py").write_text("def test_er(): pass\n")
    found = run(box, tree, unit.tests, tmp_path / "kept" / "s.jsonl")
    assert found["shelf/tests/deep/er"].outcome == "collection skipped"
    assert "test_after" in short(found)


def test_only_some_tests(box: Box, tree: Path, tmp_path: Path) -> None:
    only = ["shelf/tests/test_books.py::test_fails"]
    kept = tmp_path / "kept" / "only.jsonl"
    found = run(box, tree, ["shelf/tests/test_books.py"], kept, only=only)
    assert short(found) == {"test_fails": "failed"}


def test_the_box(box: Box, tree: Path, tmp_path: Path) -> None:
    found = run(box, tree, ["shelf/inner/tests/test_box.py"], tmp_path / "kept" / "b.jsonl")
    assert short(found) == {
        "test_no_compiler": "passed",
        "test_no_network": "passed",
        "test_packages_cannot_be_written": "passed",
    }


def test_pytest_that_cannot_start_is_no_outcome(box: Box, tree: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="pytest ended with 4"):
        run(box, tree, ["shelf/tests/test_missing.py"], tmp_path / "kept" / "m.jsonl")
