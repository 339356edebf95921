"""The bytes of a tree's files, as they will lie in /tmp: inflated, and checked."""

from __future__ import annotations

import contextlib
import hashlib
import threading
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Self, assert_never

from wideload.build.block import derived_stream
from wideload.build.wheelfile import WheelFile
from wideload.errors import WideloadError
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
        self._stack.close()

    def _wheel(self, sha256: str) -> WheelFile:
        with self._lock:
            if sha256 not in self._open:
                file = WheelFile(self._paths[sha256], self._wheels[sha256], self._cache)
                self._open[sha256] = self._stack.enter_context(file)
            return self._open[sha256]

    def read(self, entry: FileEntry) -> bytes:
        """The content of a file.

        :raises WideloadError: a wheel is broken inside, a file changed or cannot be read, or
            the cache lost what was derived.
        """
        match entry.origin:
            case WheelMember(sha256, name):
                with self._wheel(sha256).stream(name) as stream:
                    data = _inflated(stream, entry)
            case Derived():
                data = _inflated(derived_stream(entry, entry.origin, self._cache), entry)
            case LocalFile(path, sha256):
                try:
                    data = Path(path).read_bytes()
                except OSError as error:
                    raise WideloadError(f"{entry.path} cannot be read", why=str(error)) from error
                if hashlib.sha256(data).hexdigest() != sha256:
                    raise WideloadError(
                        f"{entry.path} changed while it was being packed",
                        why="its content is another than when the build began",
                        hint="build again",
                    )
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
