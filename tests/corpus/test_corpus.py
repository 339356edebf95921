"""The corpus of packages: each has a use, and the page of what came of them names them all."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import msgspec
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "bench" / "corpus"))
sys.path.append(str(ROOT / "tests" / "slim" / "elf"))

from corpus_entries import USES, Entry, read_entries  # noqa: E402
from corpus_results import Checked, Ran, Result, Results, Size, key_of  # noqa: E402
from corpus_running import Imports, differing_imports  # noqa: E402
from corpus_static import differences  # noqa: E402
from corpus_table import DOCUMENT, page  # noqa: E402
from elf_maker import AARCH64, Spec, make  # noqa: E402

from wideload.slim.elf.relay import relay  # noqa: E402
from wideload.values.tree import Derived, FileEntry, FileTree  # noqa: E402

ENTRIES = read_entries()
SIZES = (Size(2_000_000, 900_000), Size(1_500_000, 800_000), Size(1_800_000, 850_000))


def test_there_are_enough() -> None:
    assert len(ENTRIES) >= 60
    assert len({entry.field for entry in ENTRIES}) >= 9


def test_each_has_a_use_and_each_use_an_entry() -> None:
    assert {entry.use for entry in ENTRIES} == set(USES.glob("*.py"))


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_a_use_says_what_it_does_and_answers(entry: Entry) -> None:
    tree = ast.parse(entry.use.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    uses = [one for one in tree.body if isinstance(one, ast.FunctionDef) and one.name == "use"]
    assert len(uses) == 1
    assert any(isinstance(one, ast.Return) and one.value for one in ast.walk(uses[0]))


def test_the_page_is_of_these_packages_and_tells_of_no_breakage() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    first, second = text.split("\n## arm64\n")
    named = [
        re.findall(r"^\| ([a-z0-9-]+) \| .*\d", part, re.MULTILINE) for part in (first, second)
    ]
    assert named[0] == [entry.name for entry in ENTRIES]
    assert named[1] == [entry.name for entry in ENTRIES if not entry.arm64]
    assert f"{len(ENTRIES)} packages" in text
    assert re.search(r"\b0 breakages", text)


def results(folder: Path, *, broken: bool = False) -> Results:
    """Results of all packages, all alike."""
    made = Results(folder)
    ran = Ran("k", "broken" if broken else "same", "1.0", 1, SIZES[0], SIZES[1], SIZES[2], 1234)
    checked = Checked("k", "same", SIZES[0], SIZES[1], 5, 3)
    for entry in ENTRIES:
        made.write(entry.name, Result(ran, None if entry.arm64 else checked))
    return made


def test_a_page_has_a_row_for_each_and_counts_what_broke(tmp_path: Path) -> None:
    text = page(ENTRIES, results(tmp_path / "a"))
    assert text is not None
    assert text.count("| 2.0 / 0.9 |") >= 2 * len(ENTRIES) - sum(bool(e.arm64) for e in ENTRIES)
    assert "-25 %" in text
    assert " 0 breakages" in text
    worse = page(ENTRIES, results(tmp_path / "b", broken=True))
    assert worse is not None
    assert f" {len(ENTRIES)} breakages" in worse


def test_there_is_no_page_before_all_are_run(tmp_path: Path) -> None:
    made = results(tmp_path)
    made.write(ENTRIES[0].name, Result())
    assert page(ENTRIES, made) is None


def test_what_was_found_is_found_again_under_the_same_key_only(tmp_path: Path) -> None:
    made = results(tmp_path)
    kept = made.read(ENTRIES[0].name)
    assert kept.ran is not None
    assert kept.ran.modules == 1234
    assert made.read("unheard-of") == Result()


def test_a_package_is_run_again_when_its_use_or_its_content_changed() -> None:
    entry = ENTRIES[0]
    tree = FileTree.of([FileEntry("a.py", 9, 8, 7, 0o644, False, Derived("ab", "elf/1"))])
    packed = FileTree.of([FileEntry("a.py", 9, 6, 7, 0o644, False, Derived("ab", "elf/2"))])
    changed = FileTree.of([FileEntry("a.py", 9, 8, 7, 0o644, False, Derived("cd", "elf/1"))])
    moved = FileTree.of([FileEntry("b.py", 9, 8, 7, 0o644, False, Derived("ab", "elf/1"))])
    key = key_of(entry, tree)
    assert key_of(entry, packed) == key
    compiled = [
        FileTree.of([FileEntry("a.pyc", 9, 8, 7, 0o644, False, Derived(sha, "bytecode/2"))])
        for sha in ("ab", "cd")
    ]
    assert key_of(entry, compiled[0]) == key_of(entry, compiled[1])
    other = msgspec.structs.replace(entry, requires=("another",))
    keys = {key, key_of(other, tree), key_of(entry, changed), key_of(entry, moved)}
    assert len({*keys, key_of(entry, tree, tree)}) == 5


def test_a_module_that_never_imported_is_no_breakage() -> None:
    raw = Imports({"a": "ImportError"}, {"b": "crashed"})
    slimmed = Imports({"a": "ImportError", "c": "ImportError: no data"}, {"b": "crashed", "d": "x"})
    assert differing_imports(raw, slimmed) == ["import c: ImportError: no data", "import d: x"]


@pytest.mark.parametrize("machine", [62, AARCH64])
@pytest.mark.parametrize("align", [0x1000, 0x10000])
def test_a_library_laid_anew_shows_no_difference(machine: int, align: int) -> None:
    before = make(Spec(machine=machine, align=align))
    after = relay(before, page=4096)
    assert after.changed
    assert list(differences(before, after.data)) == []


def test_a_damaged_library_does() -> None:
    before = make(Spec())
    after = bytearray(relay(before, page=4096).data)
    for at in range(4096, len(after)):  # past the headers: a byte that is loaded
        if after[at]:
            after[at] ^= 1
            break
    assert any("bytes" in what for what in differences(before, bytes(after)))
    after = bytearray(relay(before, page=4096).data)
    first = int.from_bytes(after[32:40], "little")
    after[first + 56 + 8] ^= 1  # p_offset of the second segment
    assert list(differences(before, bytes(after)))
