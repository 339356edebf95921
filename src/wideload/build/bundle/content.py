"""The bytes of a tree's files, as they will lie in /tmp: inflated, and checked."""

from __future__ import annotations

import contextlib
import hashlib
import threading
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Self, assert_never

from wideload.build.block import derived_stream
from wideload.build.bundle.format import FRAME
from wideload.build.wheelfile import WheelFile
from wideload.errors import WideloadError
from wideload.own_files import read_unchanged
from wideload.values.tree import Derived, FileEntry, LocalFile, WheelMember

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from wideload.cache import Cache
    from wideload.values.resolution import Wheel


class Contents:
    """Reads files of a tree, from several threads at once. A context manager.

    :param wheels: by sha256.
    :param paths: where these wheels lie.
    """

    def __init__(
        self, wheels: Mapping[str, Wheel], paths: Mapping[str, Path], cache: Cache
    ) -> None:
        self._wheels = wheels
        self._paths = paths
        self._cache = cache
        self._lock = threading.Lock()
        self._reading_large = threading.Lock()
        self._large: tuple[FileEntry, bytes, str] | None = None
        self._open: dict[str, WheelFile] = {}
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._large = None
        self._stack.close()

    def _wheel(self, sha256: str) -> WheelFile:
        with self._lock:
            if sha256 not in self._open:
                file = WheelFile(self._paths[sha256], self._wheels[sha256], self._cache)
                self._open[sha256] = self._stack.enter_context(file)
            return self._open[sha256]

    def read(self, entry: FileEntry) -> tuple[bytes, str]:
        """The content of a file, and its sha256.

        A file of several frames is read by one thread, and held until the next one: its frames
        follow each other.

        :raises WideloadError: a wheel is broken inside, a file changed or cannot be read, or
            the cache lost what was derived.
        """
        if entry.size <= FRAME:
            data = self._read(entry)
            return data, hashlib.sha256(data).hexdigest()
        with self._reading_large:
            held = self._large
            if held is None or held[0] != entry:
                # Never two of them in memory.
                self._large = held = None
                data = self._read(entry)
                self._large = held = entry, data, hashlib.sha256(data).hexdigest()
            return held[1:]

    def _read(self, entry: FileEntry) -> bytes:
        match entry.origin:
            case WheelMember(sha256, name):
                with self._wheel(sha256).stream(name) as stream:
                    data = _inflated(stream, entry)
            case Derived():
                data = _inflated(derived_stream(entry, entry.origin, self._cache), entry)
            case LocalFile() as origin:
                data = read_unchanged(entry.path, origin)
            case _:
                assert_never(entry.origin)
        if (len(data), zlib.crc32(data)) != (entry.size, entry.crc32):
            raise WideloadError(
                f"{entry.path} is not what was planned",
                why=f"it has {len(data)} bytes, or another checksum, where {entry.size} were told",
                hint="build again; where that does not help, empty the cache",
            )
        return data


def _inflated(stream: bytes | memoryview, entry: FileEntry) -> bytes:
    if entry.stored:
        return bytes(stream)
    try:
        return zlib.decompress(stream, -zlib.MAX_WBITS, max(entry.size, 1))
    except zlib.error as error:
        raise WideloadError(
            f"{entry.path} cannot be unpacked", why=str(error), hint="empty the cache"
        ) from error
