"""Contents of files on their way into what is made of them, each checked as it is read."""

from __future__ import annotations

import os
import struct
import threading
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Self

import deflate

from wideload.errors import WideloadError
from wideload.own_files import read_unchanged
from wideload.slim.derived import take
from wideload.values.packing import is_deflatable
from wideload.values.tree import Derived, LocalFile, WheelMember

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from wideload.cache import Cache
    from wideload.values.tree import FileEntry

_LOCAL_HEADER = 30
_NAME_AND_EXTRA = struct.Struct("<HH")
_BROKEN = (
    *(zipfile.BadZipFile, zlib.error, deflate.DeflateError, struct.error),
    *(KeyError, OSError, NotImplementedError),
)


class _Archive:
    """One wheel, its table of contents read once; any number of threads read members.

    Not by zipfile, whose reading holds the interpreter and takes twice as long.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with zipfile.ZipFile(path) as archive:
            self._infos = {info.filename: info for info in archive.infolist()}
        self._file = os.open(path, os.O_RDONLY)

    def close(self) -> None:
        os.close(self._file)

    def read(self, name: str) -> bytes:
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


class Contents:
    """Reads files wherever they come from. A context manager.

    :param paths: where the wheels lie, by sha256.
    """

    def __init__(self, paths: Mapping[str, Path], cache: Cache) -> None:
        self._paths = paths
        self._cache = cache
        self._archives: dict[str, _Archive] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for archive in self._archives.values():
            archive.close()

    def read(self, entry: FileEntry) -> bytes:
        """The content of a file.

        :raises WideloadError: a wheel is broken inside, or a file of the user's changed.
        """
        match entry.origin:
            case WheelMember(wheel, name):
                path = self._paths[wheel]
                try:
                    return self._archive(path).read(name)
                except _BROKEN as error:
                    raise WideloadError(
                        f"corrupt wheel {path.name}", why=str(error), hint="fetch it again"
                    ) from error
            case Derived() as origin:
                return take(entry, origin, self._cache)
            case LocalFile() as origin:
                return read_unchanged(entry.path, origin)

    def _archive(self, path: Path) -> _Archive:
        with self._lock:
            if str(path) not in self._archives:
                self._archives[str(path)] = _Archive(path)
            return self._archives[str(path)]
