"""Finds the modules of the bundle without looking, and holds them back until they are there."""

# ruff: noqa: PTH109, PTH118 - importing pathlib would take longer than all that is done here

from __future__ import annotations

import contextlib
import os
import sys
from functools import partial
from importlib.machinery import (
    ExtensionFileLoader,
    SourceFileLoader,
    SourcelessFileLoader,
)

from .finding import Finder, find_module, folders_of, in_order
from .garbage import Garbage
from .index import Index
from .looking import watch, watch_processes
from .metrics import Running
from .waiting import Waiting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager
    from importlib.machinery import ModuleSpec
    from types import CodeType, ModuleType
    from typing import Any

# What starts another process that may want to read the tree.
_PROCESSES = frozenset(
    (
        "os.fork",
        "os.forkpty",
        "os.exec",
        "os.posix_spawn",
        "os.spawn",
        "os.system",
        "subprocess.Popen",
    )
)
# Of these the first argument is the program.
_PROGRAMS = frozenset(("os.exec", "os.posix_spawn"))
_ANOTHER = "(another process)"
_NOTHING: AbstractContextManager[None] = contextlib.nullcontext()
_LISTED = frozenset(("os.listdir", "os.scandir"))
_OTHER_NAMES = frozenset(("os.link", "os.rename", "os.symlink"))
_PATHS = _LISTED | _OTHER_NAMES | {"open", "ctypes.dlopen", "sqlite3.connect"}
_GUARDED = _PATHS | _PROCESSES


class Modules:
    """The modules and files of the tree, and when they may be used."""

    def __init__(self, tree: str, index: Index, waiting: Waiting) -> None:
        self.tree = tree
        self._prefix = f"{tree}/"
        # No path without it leads into the tree, but a relative one.
        self._name = tree.split("/")[-2]
        self._waiting = waiting
        self._units = index.units
        self._first = index.first
        self._unit_of = {file[0]: file[5] for file in index.files}
        self._units_in: dict[str, set[int]] = {}
        for path, unit in self._unit_of.items():
            self._units_in.setdefault(path.rpartition("/")[0], set()).add(unit)
        self._files = set(self._unit_of).union(index.own)
        self._folders = folders_of(self._files)
        self._loaders = in_order(
            partial(Extension, self), partial(Source, self), partial(Sourceless, self)
        )
        self._ready: set[int] = set()
        self._garbage = Garbage()
        self._running: AbstractContextManager[None] = self._garbage
        if index.has_cold:
            self._running = Running(waiting.metrics, self._garbage)
        self._cold = {file[0] for file in index.files if file[1] >= index.hot}
        self._is_child = False

    def hold(self, path: str) -> None:
        """Return when all is there that a file of the tree must not be without.

        :param path: relative to the tree.
        """
        unit = self._unit_of.get(path)
        if unit is not None and unit not in self._ready and not self._is_child:
            self._waiting.until(self._units[unit], path)
            self._ready.add(unit)

    def collecting(self, path: str) -> AbstractContextManager[None]:
        """What to run a module in.

        :param path: relative to the tree.
        """
        return self._running if path in self._unit_of else _NOTHING

    def find(self, folder: str, name: str) -> ModuleSpec | None:
        """The module of this name in a folder, as Python's own finder would find it.

        :param folder: relative to the tree; empty for the tree itself.
        :param name: the module's full name.
        """
        return find_module(name, folder, self._files, self._folders, self._prefix, self._loaders)

    def path_hook(self, path: str) -> Finder:
        """For `sys.path_hooks`: finders for the tree and the folders in it."""
        folder = self._within(path)
        if folder is not None and folder in self._folders:
            return Finder(path, folder, self.find)
        if folder is not None and not self._waiting.complete:
            # A zip, which another hook may look at.
            self.hold(folder)
        raise ImportError

    def relative(self, path: str) -> str | None:
        """A path within the tree, relative to it; of others nothing."""
        if path == self.tree:
            return ""
        if not path.startswith(self._prefix):
            return None
        return path[len(self._prefix) :]

    def guard(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Hold back what is about to be read without being imported.

        :param event: one of `_GUARDED`.
        """
        if self._waiting.complete or self._is_child:
            return
        if event in _PROCESSES:
            self.before_a_process(_programs(event, arguments))
            return
        path = arguments[0] if arguments else None
        if path is None and event != "ctypes.dlopen":
            path = "."
        if event == "sqlite3.connect" and type(path) is str and path.startswith("file:"):
            path = _of_uri(path)
        relative = self._within(path)
        if relative is not None:
            self._guard(event, relative)
            self._waiting.metrics.settled()

    def before_a_process(self, programs: Sequence[Any] | None = None) -> None:
        """Hold back another process, which could not be held back by itself.

        :param programs: paths, of which the process is to run the first that is there: where none
            is there will be no process.
        """
        if self._waiting.complete or self._is_child or self._waiting.is_launching():
            return
        if programs is None or any(map(self._may_be_there, programs)):
            self._waiting.everything(_ANOTHER)
            self._waiting.metrics.settled()

    def _may_be_there(self, program: Any) -> bool:
        if not isinstance(program, str | bytes | os.PathLike):
            # A descriptor.
            return True
        path = os.fsdecode(program)
        # A relative one is so to where the process will be.
        return path[:1] != "/" or self._within(path) is not None or os.path.lexists(path)

    def look(self, path: Any) -> None:
        """Hold back what is about to be looked at, where it is cold."""
        if self._waiting.complete or self._is_child:
            return
        relative = self._within(path)
        if relative is not None and relative in self._cold:
            self.hold(relative)
            self._waiting.metrics.settled()

    def forked(self) -> None:
        """In the child of a fork nothing is held back. It is the process that unpacks, or the
        parent was held back until all was there."""
        self._is_child = True

    def _within(self, path: Any) -> str | None:
        """A path that Python's code named, relative to the tree if it lies in it."""
        if type(path) is not str:
            if not isinstance(path, bytes | os.PathLike):
                return None
            path = os.fsdecode(path)
        if path[:1] != "/":
            try:
                path = os.path.join(os.getcwd(), path)
            except OSError:
                # The working directory is gone: it leads nowhere.
                return None
        elif self._name not in path:
            return None
        return self.relative("/" + os.path.normpath(path).lstrip("/"))

    def _guard(self, event: str, relative: str) -> None:
        if event in _LISTED:
            if not relative:
                self._waiting.until(self._first, ".")
                return
            for unit in self._units_in.get(relative, ()):
                self._waiting.until(self._units[unit], relative)
        elif relative in self._folders:
            # By a descriptor, or another name of it, all that lies in it can be had unseen.
            within = f"{relative}/" if relative else ""
            for path in self._unit_of:
                if path.startswith(within):
                    self.hold(path)
        else:
            self.hold(relative)


def _programs(event: str, arguments: tuple[Any, ...]) -> Sequence[Any] | None:
    """The programs that an event of `_PROCESSES` tries one after the other, where it tells."""
    if event in _PROGRAMS:
        return arguments[:1]
    if event != "subprocess.Popen":
        return None
    name, environ = os.fsdecode(arguments[0]), arguments[3]
    if "/" in name:
        return [name]
    return [os.path.join(folder, name) for folder in os.get_exec_path(environ)]


def _of_uri(uri: str) -> str:
    """The path that an SQLite URI names."""
    from urllib.parse import unquote, urlsplit  # noqa: PLC0415 - rarely wanted

    return unquote(urlsplit(uri).path)


class _Held:
    """A loader whose module is held back until it and all around it are there.

    To be mixed into one of Python's own.
    """

    def __init__(self, modules: Modules, name: str, path: str) -> None:
        super().__init__(name, path)  # type: ignore[call-arg] # of the loader beside it
        self._modules, self._held = modules, modules.relative(path) or ""

    def exec_module(self, module: ModuleType) -> None:
        """Run the module, of a package without looking for garbage meanwhile."""
        with self._modules.collecting(self._held):
            super().exec_module(module)  # type: ignore[misc]


class Extension(_Held, ExtensionFileLoader):
    """An extension module of the bundle."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Load the library, once it and all around it are there."""
        self._modules.hold(self._held)
        return super().create_module(spec)


class _Code(_Held):
    """A loader of Python code."""

    def get_code(self, fullname: str) -> CodeType | None:
        """The code, once it and all around it are there."""
        self._modules.hold(self._held)
        found: CodeType | None = super().get_code(fullname)  # type: ignore[misc]
        return found

    def get_data(self, path: str) -> bytes:
        """A file beside the module."""
        self._modules.hold(self._held)
        found: bytes = super().get_data(path)  # type: ignore[misc]
        return found


class Source(_Code, SourceFileLoader):  # type: ignore[misc] # so are Python's own bases
    """A module of the bundle whose source is there."""

    def set_data(self, path: str, data: Any, *, _mode: int = 0o666) -> None:
        """Write no byte-code: /var/task could not be written to either, and what lies in the
        tree is the bundle's."""


class Sourceless(_Code, SourcelessFileLoader):
    """A module of the bundle that is there compiled only."""


def install(modules: Modules, at: int, *, has_cold: bool = False) -> None:
    """Put the tree on Python's path.

    :param at: its place in `sys.path`.
    :param has_cold: whether something of it may come as late as in an invocation.
    """
    sys.path_hooks.insert(0, modules.path_hook)
    sys.path.insert(at, modules.tree)

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        # Called some fifty thousand times while large packages are imported: first of all
        # this must be quick.
        if event in _GUARDED:
            modules.guard(event, arguments)

    sys.addaudithook(audit)
    watch_processes(modules.before_a_process)
    if has_cold:
        os.register_at_fork(after_in_child=modules.forked)
        watch(modules.look)
