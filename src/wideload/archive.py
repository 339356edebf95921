"""Writing zips of streams that are deflated already: the same input gives the same bytes.

`zipfile` compresses what it writes; splicing needs the opposite, so the records of PKWARE's
APPNOTE 6.3 are written here. No dates, no extra fields, no trace of the machine.
"""

from __future__ import annotations

import struct
from typing import Protocol

_LOCAL = struct.Struct("<IHHHHHIIIHH")
_CENTRAL = struct.Struct("<IHHHHHHIIIHHHHHII")
_END = struct.Struct("<IHHHHIIH")
_ZIP64_END = struct.Struct("<IQHHIIQQQQ")
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


class ZipWriter:
    """Writes entries in the order in which they are added.

    :param file: written from its present position on, which must be its start.
    """

    def __init__(self, file: Sink) -> None:
        self._file = file
        self._offset = 0
        self._directory: list[bytes] = []

    def add(
        self,
        path: str,
        stream: bytes | memoryview,
        *,
        size: int,
        crc32: int,
        mode: int,
        stored: bool,
    ) -> None:
        """One file.

        :param stream: the bytes that go into the zip: raw deflate, or the content itself.
        :param size: of the content.
        :param crc32: of the content.
        :raises TooBigError: the file or its place is beyond 4 GiB.
        """
        name = path.encode()
        flags = 0 if path.isascii() else _UTF8
        method = 0 if stored else 8
        length = len(stream)
        if max(size, length, self._offset) >= _MAX_32:
            raise TooBigError(path)
        self._file.write(
            _LOCAL.pack(
                *(0x04034B50, _VERSION, flags, method, 0, _DATE, crc32, length, size),
                *(len(name), 0),
            )
            + name
        )
        self._file.write(stream)
        self._directory.append(
            _CENTRAL.pack(
                *(0x02014B50, _VERSION | _UNIX, _VERSION, flags, method, 0, _DATE, crc32),
                *(length, size, len(name), 0, 0, 0, 0),
                *((_REGULAR | mode) << 16, self._offset),
            )
            + name
        )
        self._offset += _LOCAL.size + len(name) + length

    def finish(self) -> int:
        """Write the central directory. Returns the size of the whole zip."""
        directory = b"".join(self._directory)
        count = len(self._directory)
        end = b""
        # The same condition as FileTree.zipped_bytes.
        if count >= _MAX_16 or self._offset + len(directory) >= _MAX_32:
            at = self._offset + len(directory)
            end += _ZIP64_END.pack(
                *(0x06064B50, _ZIP64_END.size - 12, _VERSION_64 | _UNIX, _VERSION_64, 0, 0),
                *(count, count, len(directory), self._offset),
            )
            end += _ZIP64_LOCATOR.pack(0x07064B50, 0, at, 1)
        end += _END.pack(
            *(0x06054B50, 0, 0, min(count, _MAX_16), min(count, _MAX_16)),
            *(min(len(directory), _MAX_32), min(self._offset, _MAX_32), 0),
        )
        self._file.write(directory + end)
        return self._offset + len(directory) + len(end)
