"""Reads the members of a wheel, whole and checked, from any number of threads."""

from __future__ import annotations

import contextlib
import os
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING, Self

import deflate

from wideload.errors import WideloadError
from wideload.values.packing import is_deflatable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

_LOCAL_HEADER = 30
_NAME_AND_EXTRA = struct.Struct("<HH")
_BROKEN = (
    *(zipfile.BadZipFile, zlib.error, deflate.DeflateError, struct.error),
    *(KeyError, OSError, NotImplementedError),
)


class WheelArchive:
    """One wheel, its table of contents read once. A context manager.

    Not by zipfile, whose reading holds the interpreter and takes twice as long.

    :param filename: of the wheel, for messages.
    :raises WideloadError: it is broken.
    """

    def __init__(self, path: Path, filename: str) -> None:
        self._filename = filename
        with _told(filename):
            with zipfile.ZipFile(path) as archive:
                self._infos = {info.filename: info for info in archive.infolist()}
            self._file = os.open(path, os.O_RDONLY)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._file)

    def read(self, name: str) -> bytes:
        """The content of a member.

        :raises WideloadError: it is not there, or not what the table of contents says.
        """
        with _told(self._filename):
            return self._read(name)

    def _read(self, name: str) -> bytes:
        info = self._infos[name]
        head = os.pread(self._file, _LOCAL_HEADER, info.header_offset)
        start = info.header_offset + _LOCAL_HEADER + sum(_NAME_AND_EXTRA.unpack_from(head, 26))
        stream = os.pread(self._file, info.compress_size, start)
        if info.compress_type == zipfile.ZIP_STORED:
            data = stream
        elif info.compress_type != zipfile.ZIP_DEFLATED:
            raise NotImplementedError(f"{name} is packed by method {info.compress_type}")
        elif not info.file_size:
            data = b""
        elif is_deflatable(info.file_size):
            data = bytes(deflate.deflate_decompress(stream, info.file_size))
        else:
            data = zlib.decompress(stream, -zlib.MAX_WBITS)
        if len(data) != info.file_size or zlib.crc32(data) != info.CRC:
            raise zipfile.BadZipFile(f"{name} is not what the table of contents says")
        return data


@contextlib.contextmanager
def _told(filename: str) -> Iterator[None]:
    try:
        yield
    except _BROKEN as error:
        raise WideloadError(
            f"corrupt wheel {filename}", why=str(error), hint="fetch it again"
        ) from error
