"""Finds the modules of a mounted directory by a list, and reads their code from few large files.

Each question to a file system of the network takes a round trip, and an import asks thousands:
which of some names is in a folder, how old is the source, what is in the byte-code. A directory
never changes once it is complete, so a list in the function's zip answers the first two; what
modules are run from lies a second time in one file for each distribution, its archive. All else
is as usual: paths, sources and data are those of the files themselves, and a process that does
not know the list finds everything by itself.
"""

# ruff: noqa: PTH123 - importing pathlib would take longer than all that is done here

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
from functools import partial
from importlib.machinery import (
    ExtensionFileLoader,
    SourceFileLoader,
    SourcelessFileLoader,
)
from importlib.util import cache_from_source

from .finding import Finder, find_module, in_order
from .garbage import Garbage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

    Ahead = Callable[[Sequence[tuple[str, int]]], None]


class Archive:
    """The modules of one distribution in one file.

    :param path: of the file.
    :param first: called when the first module is read.
    """

    def __init__(self, path: str, first: Callable[[], None]) -> None:
        self._path, self._first = path, first
        self._file = -1
        self._opening = threading.Lock()

    def read(self, offset: int, size: int) -> bytes:
        """What lies there.

        :raises OSError: it cannot be read.
        """
        with self._opening:
            if self._file < 0:
                self._first()
                self._file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        data = os.pread(self._file, size, offset)
        if len(data) != size:
            raise OSError(f"{self._path} ends before byte {offset + size}")
        return data


class Modules:
    """What is where in a mounted directory.

    :param listed: the function's ``modules.json``.
    :param root: the directory's folder with the packages.
    :param ahead: told which files, with their sizes, will soon be read: of a distribution of which
        a module is imported its archive and its shared libraries.
    """

    def __init__(self, listed: dict[str, Any], root: str, ahead: Ahead) -> None:
        self._prefix = prefix = f"{root}/"
        self._folders = frozenset(listed["folders"])
        self._files = set(listed["files"])
        self._where: dict[str, tuple[Archive, int, int]] = {}
        for one in listed["archives"]:
            path, at = prefix + one["path"], 0
            soon = [(path, sum(size for _, size in one["modules"]))]
            soon += [(prefix + library, size) for library, size in one["libraries"]]
            archive = Archive(path, partial(ahead, soon))
            for module, size in one["modules"]:
                self._where[prefix + module] = archive, at, size
                at += size
        self._loaders = in_order(
            partial(Extension, self), partial(Source, self), partial(Sourceless, self)
        )
        self.garbage = Garbage()

    @classmethod
    def read(cls, home: str, root: str, ahead: Ahead) -> Modules:
        """By the list in the loader's folder."""
        with open(f"{home}/modules.json", "rb") as file:
            return cls(json.loads(file.read()), root, ahead)

    def find(self, folder: str, name: str) -> ModuleSpec | None:
        """The module of this name in a folder, relative to the root."""
        return find_module(name, folder, self._files, self._folders, self._prefix, self._loaders)

    def holds(self, path: str) -> bool:
        """Whether an archive has this file."""
        return path in self._where

    def content(self, path: str) -> bytes:
        """Of a file that an archive has.

        :raises OSError: the archive cannot be read.
        """
        archive, offset, size = self._where[path]
        return archive.read(offset, size)

    def path_hook(self, path: str) -> Finder:
        """For `sys.path_hooks`: finders for the root and the folders in it."""
        if f"{path}/".startswith(self._prefix):
            folder = path[len(self._prefix) :]
            if folder in self._folders:
                return Finder(path, folder, self.find)
        raise ImportError

    def install(self) -> None:
        """Have Python ask here, for the root and all in it, wherever it stands on its path."""
        sys.path_hooks.insert(0, self.path_hook)
        for path in list(sys.path_importer_cache):
            # What Python itself looked into while it started.
            if f"{path}/".startswith(self._prefix):
                del sys.path_importer_cache[path]


class _Listed:
    """A loader of a module in the directory. To be mixed into one of Python's own."""

    def __init__(self, modules: Modules, name: str, path: str) -> None:
        super().__init__(name, path)  # type: ignore[call-arg] # of the loader beside it
        self._modules = modules

    def exec_module(self, module: ModuleType) -> None:
        """Run the module without looking for garbage meanwhile."""
        with self._modules.garbage:
            super().exec_module(module)  # type: ignore[misc]


class Extension(_Listed, ExtensionFileLoader):
    """An extension module."""


class _Code(_Listed):
    """A loader of Python code."""

    def get_data(self, path: str) -> bytes:
        """The content of a file, from an archive where that has it."""
        if self._modules.holds(path):
            with contextlib.suppress(OSError):
                return self._modules.content(path)
        found: bytes = super().get_data(path)  # type: ignore[misc]
        return found


class Source(_Code, SourceFileLoader):  # type: ignore[misc] # so are Python's own bases
    """A module whose source is there."""

    def path_stats(self, path: str) -> dict[str, Any]:
        """By what byte-code is judged. That of an archive does not ask for it.

        :raises OSError: there is no byte-code, or the source cannot be looked at.
        """
        if self._modules.holds(path):
            raise FileNotFoundError(path)
        if self._modules.holds(cache_from_source(path)):
            return {"mtime": 0, "size": 0}
        return dict(super().path_stats(path))

    def set_data(self, path: str, data: Any, *, _mode: int = 0o666) -> None:
        """Write no byte-code: the directory cannot be written to."""


class Sourceless(_Code, SourcelessFileLoader):
    """A module that is there compiled only."""
