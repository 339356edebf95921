"""Where a module lies among files that are known, so that nobody has to look."""

from __future__ import annotations

import importlib.util
from importlib.machinery import (
    BYTECODE_SUFFIXES,
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    FileFinder,
    ModuleSpec,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from types import ModuleType
    from typing import Any

    Loaders = Iterable[tuple[str, Callable[[str, str], Any]]]


def in_order(
    extension: Callable[[str, str], Any],
    source: Callable[[str, str], Any],
    sourceless: Callable[[str, str], Any],
) -> list[tuple[str, Callable[[str, str], Any]]]:
    """Suffixes of modules with what makes their loaders of name and path, in the order in which
    Python itself tries them."""
    return [
        *((suffix, extension) for suffix in EXTENSION_SUFFIXES),
        *((suffix, source) for suffix in SOURCE_SUFFIXES),
        *((suffix, sourceless) for suffix in BYTECODE_SUFFIXES),
    ]


def folders_of(paths: Iterable[str]) -> set[str]:
    """All folders that files lie in, directly or not; the empty one is that of all."""
    folders = {""}
    for path in paths:
        folder = path.rpartition("/")[0]
        while folder not in folders:
            folders.add(folder)
            folder = folder.rpartition("/")[0]
    return folders


def find_module(
    name: str,
    folder: str,
    files: Collection[str],
    folders: Collection[str],
    prefix: str,
    loaders: Loaders,
) -> ModuleSpec | None:
    """The module of this name in a folder, as Python's own finder would find it.

    :param name: the module's full name.
    :param folder: relative to `prefix`; empty for that itself.
    :param files: relative paths of all that could be modules.
    :param prefix: an absolute path that ends with a slash.
    :param loaders: of :func:`in_order`.
    """
    tail = name.rpartition(".")[2]
    base = f"{folder}/{tail}" if folder else tail
    is_folder = base in folders
    if is_folder:
        for suffix, loader in loaders:
            path = f"{base}/__init__{suffix}"
            if path in files:
                return _spec(name, prefix + path, loader, [prefix + base])
    for suffix, loader in loaders:
        path = base + suffix
        if path in files:
            return _spec(name, prefix + path, loader, None)
    if is_folder:
        spec = ModuleSpec(name, None)
        spec.submodule_search_locations = [prefix + base]
        return spec
    return None


def _spec(
    name: str, path: str, loader: Callable[[str, str], Any], locations: list[str] | None
) -> ModuleSpec | None:
    return importlib.util.spec_from_file_location(
        name, path, loader=loader(name, path), submodule_search_locations=locations
    )


class Finder(FileFinder):
    """Finds in one folder. One of Python's own to whoever asks what it is.

    :param path: of the folder, absolute.
    :param folder: the same as `find` knows it.
    :param find: the module of a full name in a folder.
    """

    def __init__(
        self, path: str, folder: str, find: Callable[[str, str], ModuleSpec | None]
    ) -> None:
        super().__init__(path)
        self._folder, self._find = folder, find

    def find_spec(
        self,
        fullname: str,
        target: ModuleType | None = None,  # noqa: ARG002 - the base's
    ) -> ModuleSpec | None:
        """The module, if it is there."""
        return self._find(self._folder, fullname)
