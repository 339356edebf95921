"""Contents of files on their way into what is made of them, each checked as it is read."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self

from wideload.own_files import read_unchanged
from wideload.slim.derived import take
from wideload.slim.wheel_archive import WheelArchive
from wideload.values.tree import Derived, LocalFile, WheelMember

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType

    from wideload.cache import Cache
    from wideload.values.tree import FileEntry


class Contents:
    """Reads files wherever they come from. A context manager.

    :param paths: where the wheels lie, by sha256.
    """

    def __init__(self, paths: Mapping[str, Path], cache: Cache) -> None:
        self._paths = paths
        self._cache = cache
        self._archives: dict[str, WheelArchive] = {}
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
            archive.__exit__(kind, error, trace)

    def read(self, entry: FileEntry) -> bytes:
        """The content of a file.

        :raises WideloadError: a wheel is broken inside, or a file of the user's changed.
        """
        match entry.origin:
            case WheelMember(wheel, name):
                return self._archive(self._paths[wheel]).read(name)
            case Derived() as origin:
                return take(entry, origin, self._cache)
            case LocalFile() as origin:
                return read_unchanged(entry.path, origin)

    def _archive(self, path: Path) -> WheelArchive:
        with self._lock:
            if str(path) not in self._archives:
                self._archives[str(path)] = WheelArchive(path, path.name)
            return self._archives[str(path)]
