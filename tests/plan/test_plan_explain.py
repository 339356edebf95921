from __future__ import annotations

import pytest

from wideload.errors import WideloadError
from wideload.plan.explain import explain
from wideload.values.account import Account
from wideload.values.layout import lay
from wideload.values.proposal import Removal
from wideload.values.resolution import Member, Resolution, Wheel
from wideload.values.slimmed import Addition, Provided, Slimmed
from wideload.values.target import Target
from wideload.values.tree import Derived, FileEntry, FileTree, LocalFile


def wheel(name: str, size: int, *requires: str) -> Wheel:
    member = Member(f"{name}/__init__.py", f"{name}/__init__.py", size, size // 2, 1, False, False)
    return Wheel(
        name, "1.0", f"{name}-1.0-py3-none-any.whl", "", name * 8, size, (member,), requires
    )


def resolution(*wheels: Wheel, roots: tuple[str, ...]) -> Resolution:
    return Resolution(Target.parse("python3.13", "x86_64"), wheels, roots)


# a → b → c, a → d, e → c
GRAPH = resolution(
    wheel("a", 1000, "b>=1", "d"),
    wheel("b", 2000, "c<2"),
    wheel("c", 4000),
    wheel("d", 8000),
    wheel("e", 16000, "C"),
    roots=("a", "e"),
)
WHOLE = Slimmed(lay(GRAPH.wheels, FileTree(())))


def test_paths_lead_from_the_requirements_the_shortest_first() -> None:
    assert explain("c", GRAPH, WHOLE).paths == (("e", "C"), ("a", "b>=1", "c<2"))
    assert explain("a", GRAPH, WHOLE).paths == (("a",),)


def test_what_goes_with_it_is_what_nothing_else_needs() -> None:
    found = explain("a", GRAPH, WHOLE)
    assert found.freed == ("a", "b", "d")
    assert found.freed_unzipped == 11000
    assert explain("b", GRAPH, WHOLE).freed == ("b",)


def test_byte_code_counts_for_its_package() -> None:
    made = Derived("x", "pyc/1", "d" * 8)
    code = FileEntry("d/__pycache__/__init__.cpython-313.pyc", 500, 100, 2, 0o644, False, made)
    slimmed = Slimmed(WHOLE.tree.beside(FileTree.of([code])))
    assert explain("d", GRAPH, slimmed).packed_unzipped == 8500


def test_a_file_of_the_users_own_in_the_place_of_a_packages_is_not_the_packages() -> None:
    own = FileEntry("d/__init__.py", 7, 7, 2, 0o644, True, LocalFile("/home/x/__init__.py", "y"))
    slimmed = Slimmed(lay(GRAPH.wheels, FileTree.of([own])))
    assert explain("d", GRAPH, slimmed).packed_unzipped == 0


def test_the_ledger_is_of_the_package_alone_and_adds_up() -> None:
    made = Derived("x", "elf/1", "d" * 8)
    slimmed = Slimmed(
        FileTree.of([FileEntry("d/x.so", 90, 50, 2, 0o755, False, made)]),
        removals=(
            Removal("d/tests/a.py", "tests/1", "a suite", "d", 300, 100),
            Removal("d/tests/b.py", "tests/1", "a module of tests", "d", 500, 200),
            Removal("d/x.so", "elf/1", "not loaded", "d", 40, 10),
            Removal("c/x.so", "elf/1", "not loaded", "c", 4000, 1000),
        ),
        additions=(
            Addition("d/__init__.pyc", "bytecode/2", "compiled", "d", 60, 50),
            Addition("app.pyc", "bytecode/2", "compiled", "", 6000, 5000),
        ),
    )
    assert explain("d", GRAPH, slimmed).ledger == (
        Account("tests/1", "left out", "a module of tests", 2, 800, 300),
        Account("elf/1", "made smaller", "not loaded", 1, 40, 10),
        Account("bytecode/2", "added", "compiled", 1, -60, -50),
    )


def test_what_the_runtime_provides_ships_nothing() -> None:
    slimmed = Slimmed(
        WHOLE.tree.where(lambda entry: not entry.path.startswith("d/")),
        provided=(Provided("d", "runtime"),),
    )
    found = explain("D", GRAPH, slimmed)
    assert (found.provided_by, found.packed_unzipped, found.raw_unzipped) == ("runtime", 0, 8000)


def test_an_unknown_name_is_told_with_the_nearest() -> None:
    circle = resolution(wheel("pandas", 1, "numpy"), wheel("numpy", 1, "pandas"), roots=("pandas",))
    assert explain("numpy", circle, WHOLE).paths == (("pandas", "numpy"),)
    with pytest.raises(WideloadError) as caught:
        explain("pandsa", circle, WHOLE)
    assert "did you mean 'pandas'?" in caught.value.hint
