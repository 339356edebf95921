"""Laws of the package: its size is predicted to the byte, and unzipping gives what was zipped."""

from __future__ import annotations

import io
import zipfile
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wideload.archive import TooBigError, ZipWriter
from wideload.values.packing import pack
from wideload.values.tree import Derived, FileEntry, FileTree

NAMES = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="/\\\0"), min_size=1, max_size=12
).filter(lambda name: name not in (".", ".."))
# Files lie in folders d1, d2, …, so that no file is where another needs a folder.
PATHS = st.builds(
    lambda folders, name: "/".join([*folders, f"{name}.x"]),
    st.lists(st.sampled_from(["d1", "d2", "größe", "日本"]), max_size=3),
    NAMES,
)
CONTENT = st.one_of(st.binary(max_size=300), st.builds(bytes, st.integers(0, 5000)))
FILES = st.dictionaries(PATHS, st.tuples(CONTENT, st.sampled_from([0o644, 0o755])), max_size=30)


def entry_of(path: str, data: bytes, mode: int = 0o644) -> tuple[FileEntry, bytes]:
    stream, stored = pack(data)
    origin = Derived("0" * 64, "test/1")
    entry = FileEntry(path, len(data), len(stream), zlib.crc32(data), mode, stored, origin)
    return entry, stream


def zip_of(tree: FileTree, streams: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    writer = ZipWriter(out)
    for entry in tree:
        writer.add(entry, streams[entry.path])
    assert writer.finish() == len(out.getvalue())
    return out.getvalue()


@settings(max_examples=150)
@given(FILES)
def test_size_is_predicted_and_unzipping_is_the_identity(
    files: dict[str, tuple[bytes, int]],
) -> None:
    made = [entry_of(path, data, mode) for path, (data, mode) in files.items()]
    tree = FileTree.of(entry for entry, _ in made)
    data = zip_of(tree, {entry.path: stream for entry, stream in made})
    assert len(data) == tree.zipped_bytes
    assert tree.unzipped_bytes == sum(len(content) for content, _ in files.values())
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == sorted(files)
        for info in archive.infolist():
            content, mode = files[info.filename]
            assert archive.read(info) == content
            assert info.external_attr >> 16 == 0o100000 | mode


@given(FILES, st.randoms())
def test_the_order_in_which_files_are_found_does_not_matter(
    files: dict[str, tuple[bytes, int]], random: object
) -> None:
    made = [entry_of(path, data, mode) for path, (data, mode) in files.items()]
    streams = {entry.path: stream for entry, stream in made}
    mixed = list(made)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert zip_of(FileTree.of(entry for entry, _ in made), streams) == zip_of(
        FileTree.of(entry for entry, _ in mixed), streams
    )


@settings(max_examples=50)
@given(FILES, FILES)
def test_a_copied_part_is_as_if_it_were_written(
    first: dict[str, tuple[bytes, int]], second: dict[str, tuple[bytes, int]]
) -> None:
    at_once, copied, part = io.BytesIO(), io.BytesIO(), io.BytesIO()
    whole, outer, inner = ZipWriter(at_once), ZipWriter(copied), ZipWriter(part)
    for path, (data, mode) in first.items():
        entry, stream = entry_of(f"a/{path}", data, mode)
        whole.add(entry, stream)
        outer.add(entry, stream)
    for path, (data, mode) in second.items():
        entry, stream = entry_of(f"b/{path}", data, mode)
        whole.add(entry, stream)
        inner.add(entry, stream)
    copied.write(part.getvalue())
    outer.skip(inner.offset, inner.records)
    whole.finish()
    outer.finish()
    assert copied.getvalue() == at_once.getvalue()


@pytest.mark.parametrize("count", [65_534, 65_535])
def test_more_entries_than_16_bits_count(count: int) -> None:
    entry, stream = entry_of("x", b"")
    writer = ZipWriter(out := io.BytesIO())
    entries = []
    for number in range(count):
        path = f"{number:05}"
        one = FileEntry(path, 0, 0, 0, 0o644, True, entry.origin)
        entries.append(one)
        writer.add(one, stream)
    assert writer.finish() == FileTree(tuple(entries)).zipped_bytes
    with zipfile.ZipFile(out) as archive:
        assert len(archive.namelist()) == count
        assert archive.namelist()[-1] == f"{count - 1:05}"
    assert (b"PK\x06\x06" in out.getvalue()) is (count >= 65_535)


class Hole(io.RawIOBase):
    """Takes bytes without keeping them."""

    def writable(self) -> bool:
        return True

    def write(self, data: object, /) -> int:
        return len(data)  # type: ignore[arg-type]


def test_what_is_beyond_4_gib_is_refused() -> None:
    writer = ZipWriter(Hole())
    entry, stream = entry_of("a", b"x")
    writer.skip(0xFFFFFFFF - 100, [])
    writer.add(entry, stream)
    writer.skip(60, [])
    with pytest.raises(TooBigError):
        writer.skip(100, [])
    writer.skip(7, [])
    writer.add(entry, stream)
    with pytest.raises(TooBigError):
        writer.add(entry, stream)
