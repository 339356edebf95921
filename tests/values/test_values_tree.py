"""Trees of files: sorted, each path once, no path outside; and how wheels are laid into one."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from made_values import entry, member, wheel_value
from wideload.errors import WideloadError
from wideload.values.layout import lay, wheel_entries
from wideload.values.packing import LARGEST_DEFLATED, is_deflatable, pack
from wideload.values.resolution import Member
from wideload.values.tree import FileTree, WheelMember, is_clean_path

SEGMENTS = st.sampled_from(["a", "b", "ab", "a-b", "a.b", "ä", "B"])
PATHS = st.lists(SEGMENTS, min_size=1, max_size=4).map("/".join)


@pytest.mark.parametrize("path", ["a", "a/b", "ä/日本", "a b", ".hidden", "a/...", "a:b"])
def test_clean_paths(path: str) -> None:
    assert is_clean_path(path)
    assert FileTree.of([entry(path)]).by_path.keys() == {path}


@pytest.mark.parametrize(
    "path", ["", "/a", "a/", "a//b", ".", "..", "a/../b", "./a", "a\\b", "a\0b", "../a"]
)
def test_unclean_paths_are_refused(path: str) -> None:
    assert not is_clean_path(path)
    with pytest.raises(ValueError, match="unclean path"):
        FileTree.of([entry(path)])


def test_a_path_stands_once() -> None:
    with pytest.raises(ValueError, match="path stands twice: 'a'"):
        FileTree.of([entry("a"), entry("a", 20)])


# "a-b" sorts between "a" and "a/b".
@pytest.mark.parametrize("paths", [["a", "a/b"], ["a", "a-b", "a/b"], ["x/a", "x/a/b/c"]])
def test_a_file_is_no_folder(paths: list[str]) -> None:
    with pytest.raises(ValueError, match="both a file and a folder"):
        FileTree.of(map(entry, paths))


@given(st.lists(PATHS, max_size=8, unique=True))
def test_a_tree_is_refused_exactly_when_a_file_is_a_folder(paths: list[str]) -> None:
    clash = any(other.startswith(f"{path}/") for path in paths for other in paths)
    if clash:
        with pytest.raises(ValueError, match="both a file and a folder"):
            FileTree.of(map(entry, paths))
    else:
        assert [one.path for one in FileTree.of(map(entry, paths))] == sorted(paths)


@given(st.lists(PATHS, max_size=8, unique=True), st.randoms())
def test_the_order_given_does_not_matter(paths: list[str], random: object) -> None:
    flat = [path.replace("/", "_") for path in paths]
    mixed = sorted(set(flat))
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert FileTree.of(map(entry, mixed)) == FileTree.of(map(entry, sorted(set(flat))))


@given(st.dictionaries(st.sampled_from("abcdefgh"), st.tuples(st.integers(0, 99), st.integers(0))))
def test_sizes_are_sums(files: dict[str, tuple[int, int]]) -> None:
    tree = FileTree.of(entry(path, size, packed) for path, (size, packed) in files.items())
    assert len(tree) == len(files)
    assert tree.unzipped_bytes == sum(size for size, _ in files.values())
    body = sum(packed + 30 + 46 + 2 for _, packed in files.values())
    zip64 = 76 if body >= 0xFFFFFFFF else 0
    assert tree.zipped_bytes == body + 22 + zip64


@given(st.lists(st.sampled_from("abcdefgh"), unique=True), st.sets(st.sampled_from("abcdefgh")))
def test_parts_make_the_whole_again(paths: list[str], some: set[str]) -> None:
    tree = FileTree.of(map(entry, paths))
    one = tree.where(lambda each: each.path in some)
    other = tree.where(lambda each: each.path not in some)
    assert one.beside(other) == tree == other.beside(one)
    assert one.unzipped_bytes + other.unzipped_bytes == tree.unzipped_bytes
    if len(one):
        with pytest.raises(ValueError, match="path stands twice"):
            tree.beside(one)


def test_trees_survive_json() -> None:
    tree = FileTree.of([entry("a/b.py", executable=True), entry("ä")])
    assert msgspec.json.decode(msgspec.json.encode(tree), type=FileTree) == tree


def test_a_wheels_entries_point_into_it() -> None:
    moved = Member("demo-1.0.data/scripts/run", "bin/run", 9, 5, 7, False, True)
    wheel = wheel_value("demo", members=[moved])
    (found,) = wheel_entries(wheel)
    assert (found.path, found.size, found.compressed_size, found.crc32) == ("bin/run", 9, 5, 7)
    assert (found.mode, found.stored) == (0o755, False)
    assert found.origin == WheelMember(wheel.sha256, "demo-1.0.data/scripts/run")


def test_later_wheels_and_then_the_users_files_win() -> None:
    shared = [member("shared/__init__.py", size) for size in (1, 2)]
    wheels = [wheel_value("b", members=shared[1:]), wheel_value("a", members=shared[:1])]
    assert lay(wheels, FileTree.of([])).by_path["shared/__init__.py"].size == 2
    own = FileTree.of([entry("shared/__init__.py", 3)])
    assert lay(wheels, own).by_path["shared/__init__.py"].size == 3


def test_what_does_not_fit_into_one_folder_is_refused() -> None:
    with pytest.raises(WideloadError, match="do not fit into one folder"):
        lay([wheel_value("demo")], FileTree.of([entry("demo")]))


def test_bytes_are_deflated_where_that_shrinks_them() -> None:
    assert pack(b"") == (b"", True)
    assert pack(b"x") == (b"x", True)
    stream, stored = pack(b"x" * 1000)
    assert not stored
    assert len(stream) < 20
    assert not is_deflatable(0)
    assert is_deflatable(LARGEST_DEFLATED)
    assert not is_deflatable(LARGEST_DEFLATED + 1)
