"""The tree while it is put together: every change is accounted for, and none makes it larger."""

from __future__ import annotations

import pytest

from wideload.slim.parts import Parts
from wideload.values.tree import Derived, FileEntry, WheelMember

WHEEL = "w" * 64


def packed(path: str, size: int, compressed: int) -> FileEntry:
    return FileEntry(path, size, compressed, 1, 0o644, False, WheelMember(WHEEL, path))


def made(path: str, size: int, compressed: int) -> FileEntry:
    return FileEntry(path, size, compressed, 2, 0o644, False, Derived("d" * 64, "elf/1"))


def parts(*entries: FileEntry) -> Parts:
    return Parts({one.path: one for one in entries}, [], [], [], {"shelf": WHEEL})


def test_what_is_made_smaller_is_in_the_ledger_and_known_to_be_of_its_wheel() -> None:
    one = parts(packed("a.so", 100, 50))
    assert one.change(made("a.so", 90, 50), "elf/1", "why", "shelf")
    (line,) = one.removals
    assert (line.path, line.rule, line.package) == ("a.so", "elf/1", "shelf")
    assert (line.saved_unzipped, line.saved_zipped) == (10, 0)
    assert one.entries["a.so"].wheel == WHEEL
    assert one.size == 90


@pytest.mark.parametrize(("size", "compressed"), [(101, 40), (90, 51)])
def test_what_would_be_larger_unzipped_or_zipped_is_left_as_it_is(
    size: int, compressed: int
) -> None:
    before = packed("a.so", 100, 50)
    one = parts(before)
    assert not one.change(made("a.so", size, compressed), "elf/1", "why", "shelf")
    assert one.entries == {"a.so": before}
    assert one.removals == []


def test_what_goes_and_what_comes_is_in_the_ledger() -> None:
    one = parts(packed("a.py", 100, 50))
    one.remove("a.py", "bytecode/2", "compiled", "shelf")
    one.add(made("a.pyc", 120, 60), "bytecode/2", "compiled", "shelf")
    assert [line.path for line in one.removals] == ["a.py"]
    assert [line.path for line in one.additions] == ["a.pyc"]
    assert one.entries["a.pyc"].wheel == WHEEL


def test_a_file_is_never_put_over_another_unseen() -> None:
    one = parts(packed("a.pyc", 1, 1))
    with pytest.raises(ValueError, match=r"a\.pyc"):
        one.add(made("a.pyc", 1, 1), "bytecode/2", "compiled", "shelf")


def test_what_is_left_alone_is_told_by_its_reason_and_only_some_by_name() -> None:
    one = parts()
    one.note_left("left", [(f"{name}.so", "odd") for name in "edcba"] + [("z.so", "sealed")])
    assert one.notes == [
        "left: a.so, b.so, c.so and 2 more (odd)",
        "left: z.so (sealed)",
    ]
