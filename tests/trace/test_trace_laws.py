"""What holds of the rule `traced` for any tree and any profile."""

from __future__ import annotations

import posixpath

from hypothesis import given
from hypothesis import strategies as st
from trace_made import derived, own, packed, tree, used

from wideload.trace.keep import keep
from wideload.trace.units import Units
from wideload.values.tree import FileEntry, FileTree, LocalFile

FOLDERS = st.lists(st.sampled_from(["a", "b", "c", "data"]), max_size=3)
NAMES = st.sampled_from(
    ["__init__.py", "__init__.py", "x.py", "y.pyc", "_f.abi3.so", "t.json", "libz-1.so.2"]
)
PATHS = st.builds(lambda folders, name: "/".join([*folders, name]), FOLDERS, NAMES) | (
    st.sampled_from(
        ["a.libs/liba.so.1", "a-1.dist-info/METADATA", "a/__pycache__/x.cpython-313.pyc"]
    )
)
ENTRIES = st.tuples(
    PATHS, st.sampled_from([0, 10, 1000]), st.sampled_from(["a", "b", "A", "", "own"])
).map(lambda made: entry(*made))
TREES = st.lists(ENTRIES, max_size=25, unique_by=lambda each: each.path).map(FileTree.of)


def entry(path: str, size: int, of: str) -> FileEntry:
    if of == "own":
        return own(path)
    return packed(path, of, size) if of in ("a", "b") else derived(path, size, of.lower())


def part_of(whole: FileTree, data: st.DataObject) -> list[str]:
    paths = [each.path for each in whole]
    return data.draw(st.lists(st.sampled_from(paths), max_size=3)) if paths else []


@given(TREES, st.data())
def test_each_file_is_kept_or_dropped_and_neither_is_changed(
    whole: FileTree, data: st.DataObject
) -> None:
    kept = keep(whole, used(*part_of(whole, data)))
    assert sorted([*kept.tree, *kept.dropped], key=lambda each: each.path) == list(whole)


@given(TREES, st.data())
def test_what_is_used_asked_for_or_the_users_own_is_kept(
    whole: FileTree, data: st.DataObject
) -> None:
    wanted, asked = part_of(whole, data), part_of(whole, data)
    kept = keep(whole, used(*wanted), asked).tree.by_path
    assert {*wanted, *asked} <= kept.keys()
    assert all(each.path in kept for each in whole if isinstance(each.origin, LocalFile))


@given(TREES, st.data())
def test_keeping_twice_is_keeping_once(whole: FileTree, data: st.DataObject) -> None:
    profile = used(*part_of(whole, data))
    once = keep(whole, profile)
    assert keep(once.tree, profile).tree == once.tree


@given(TREES, st.data())
def test_more_use_never_keeps_less(whole: FileTree, data: st.DataObject) -> None:
    little = part_of(whole, data)
    more = [*little, *part_of(whole, data)]
    assert keep(whole, used(*little)).tree.by_path.keys() <= (
        keep(whole, used(*more)).tree.by_path.keys()
    )


@given(TREES, st.data())
def test_every_package_on_the_way_to_a_kept_module_is_there(
    whole: FileTree, data: st.DataObject
) -> None:
    kept = keep(whole, used(*part_of(whole, data))).tree.by_path.keys()
    for path in kept:
        folder = posixpath.dirname(path)
        while folder:
            for each in whole:
                if posixpath.dirname(each.path) == folder and "__init__" in each.path:
                    assert each.path in kept
            folder = posixpath.dirname(folder)


@given(TREES, st.data())
def test_what_is_said_to_be_gone_has_no_file_left_and_nothing_else_has_gone(
    whole: FileTree, data: st.DataObject
) -> None:
    result = keep(whole, used(*part_of(whole, data)))
    places = [one.name.replace(".", "/") for one in result.gone]
    for place in places:
        for path in result.tree.by_path.keys() - {"a.libs/liba.so.1"}:
            assert not path.startswith((f"{place}/", f"{place}.")), (place, path)
    for lost in result.dropped:
        named = lost.path.replace("__pycache__/", "")
        if lost.path.endswith((".py", ".pyc", "abi3.so")):
            assert any(named.startswith((f"{place}/", f"{place}.")) for place in places), lost.path
    assert not any(
        other.startswith(f"{place}/") for place in places for other in places if other != place
    )


@given(TREES)
def test_each_file_has_one_unit(whole: FileTree) -> None:
    units = Units(whole)
    listed = [path for paths in units.entries.values() for path in paths]
    assert sorted(listed) == [each.path for each in whole]
    assert all(units.of(path) == unit for unit, paths in units.entries.items() for path in paths)


def test_an_empty_tree_stays_empty() -> None:
    assert keep(tree(), used()).tree == tree()
