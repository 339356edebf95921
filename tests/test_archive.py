"""The zip writer against zipfile, record by record."""

from __future__ import annotations

import io
import zipfile
import zlib

from wideload.archive import ZipWriter
from wideload.values.tree import Derived, FileEntry

ORIGIN = Derived("0" * 64, "test/1")


def written(*files: tuple[str, bytes, int]) -> bytes:
    out = io.BytesIO()
    writer = ZipWriter(out)
    for path, data, mode in files:
        entry = FileEntry(path, len(data), len(data), zlib.crc32(data), mode, True, ORIGIN)
        writer.add(entry, data)
    writer.finish()
    return out.getvalue()


def test_an_empty_zip() -> None:
    assert written() == b"PK\x05\x06" + bytes(18)


def test_it_is_what_zipfile_writes_of_the_same() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path, data, mode in (("a", b"one", 0o644), ("ä/b", b"", 0o755)):
            info = zipfile.ZipInfo(path)
            info.external_attr = (0o100000 | mode) << 16
            archive.writestr(info, data)
    assert written(("a", b"one", 0o644), ("ä/b", b"", 0o755)) == out.getvalue()


def test_deflated_streams_are_copied_as_they_are() -> None:
    data = b"hello " * 100
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    stream = deflater.compress(data) + deflater.flush()
    out = io.BytesIO()
    writer = ZipWriter(out)
    entry = FileEntry("a", len(data), len(stream), zlib.crc32(data), 0o644, False, ORIGIN)
    writer.add(entry, memoryview(stream))
    writer.finish()
    assert stream in out.getvalue()
    with zipfile.ZipFile(out) as archive:
        assert archive.read("a") == data


def test_names_that_are_not_ascii_say_that_they_are_utf_8() -> None:
    with zipfile.ZipFile(io.BytesIO(written(("a", b"", 0o644), ("ä", b"", 0o644)))) as archive:
        assert [info.flag_bits for info in archive.infolist()] == [0, 0x800]
