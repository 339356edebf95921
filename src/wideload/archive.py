"""Writing zips of streams that are deflated already: the same input gives the same bytes.

`zipfile` compresses what it writes; splicing needs the opposite, so the records of PKWARE's
APPNOTE 6.3 are written here. No dates, no extra fields, no trace of the machine.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

_LOCAL = struct.Struct("<IHHHHHIIIHH")
_CENTRAL = struct.Struct("<IHHHHHHIIIHHHHHII")
_END = struct.Struct("<IHHHHIIH")
_ZIP64_END = struct.Struct("<IQHHIIQQQQ")
_OFFSET = struct.Struct("<I")
_OFFSET_FIELD = 42
"""Where a record of the central directory says where the file begins."""
_ZIP64_LOCATOR = struct.Struct("<IIQI")

_DATE = (0 << 9) | (1 << 5) | 1
"""1980-01-01, the earliest date that a zip can hold."""
_UTF8 = 0x800
_UNIX = 3 << 8
_VERSION = 20
_VERSION_64 = 45
_MAX_16 = 0xFFFF
_MAX_32 = 0xFFFFFFFF
_REGULAR = 0o100000


class TooBigError(ValueError):
    """A file or offset is beyond 4 GiB: no Lambda package can be that big."""


class Sink(Protocol):
    """Where a zip is written to."""

    def write(self, data: bytes | memoryview, /) -> int:
        """Take all of the bytes."""
        ...


class Entry(Protocol):
    """What the records of a file say; a `FileEntry` fits."""

    @property
    def path(self) -> str:
        """Relative, with ``/``."""

    @property
    def size(self) -> int:
        """Bytes of the content."""

    @property
    def crc32(self) -> int:
        """Of the content."""

    @property
    def mode(self) -> int:
        """Permission bits."""

    @property
    def stored(self) -> bool:
        """Whether the stream is the content itself instead of raw deflate."""


class ZipWriter:
    """Writes entries in the order in which they are added.

    :param sink: written from its present position on, which must be its start.
    """

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.offset = 0
        """Bytes of local headers and streams so far."""
        self.records: list[bytes] = []
        """Of the central directory, one an entry."""

    def add(self, entry: Entry, stream: bytes | memoryview) -> None:
        """One file.

        :param stream: the bytes that go into the zip: raw deflate, or the content itself.
        :raises TooBigError: the file or its place is beyond 4 GiB.
        """
        name = entry.path.encode()
        flags = 0 if entry.path.isascii() else _UTF8
        method = 0 if entry.stored else 8
        size, crc32, length = entry.size, entry.crc32, len(stream)
        if max(size, length, self.offset) >= _MAX_32:
            raise TooBigError(entry.path)
        self._sink.write(
            _LOCAL.pack(
                *(0x04034B50, _VERSION, flags, method, 0, _DATE, crc32, length, size),
                *(len(name), 0),
            )
            + name
        )
        self._sink.write(stream)
        self.records.append(
            _CENTRAL.pack(
                *(0x02014B50, _VERSION | _UNIX, _VERSION, flags, method, 0, _DATE, crc32),
                *(length, size, len(name), 0, 0, 0, 0),
                *((_REGULAR | entry.mode) << 16, self.offset),
            )
            + name
        )
        self.offset += _LOCAL.size + len(name) + length

    def skip(self, length: int, records: Sequence[bytes]) -> None:
        """Account for entries that another writer made and that the caller copies.

        :param length: of their local headers and streams.
        :param records: of the central directory, with offsets from the start of the copy.
        :raises TooBigError: they end beyond 4 GiB.
        """
        if self.offset + length >= _MAX_32:
            raise TooBigError("the zip")
        base, at, unpack, pack = self.offset, _OFFSET_FIELD, _OFFSET.unpack_from, _OFFSET.pack
        self.records.extend(
            [
                record[:at] + pack(unpack(record, at)[0] + base) + record[at + 4 :]
                for record in records
            ]
        )
        self.offset += length

    def finish(self) -> int:
        """Write the central directory. Returns the size of the whole zip."""
        directory = b"".join(self.records)
        count = len(self.records)
        end = b""
        # The same condition as FileTree.zipped_bytes.
        if count >= _MAX_16 or self.offset + len(directory) >= _MAX_32:
            at = self.offset + len(directory)
            end += _ZIP64_END.pack(
                *(0x06064B50, _ZIP64_END.size - 12, _VERSION_64 | _UNIX, _VERSION_64, 0, 0),
                *(count, count, len(directory), self.offset),
            )
            end += _ZIP64_LOCATOR.pack(0x07064B50, 0, at, 1)
        end += _END.pack(
            *(0x06054B50, 0, 0, min(count, _MAX_16), min(count, _MAX_16)),
            *(min(len(directory), _MAX_32), min(self.offset, _MAX_32), 0),
        )
        self._sink.write(directory + end)
        return self.offset + len(directory) + len(end)
