"""The units that files of a package are kept or dropped by: whole sub-packages."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from wideload.trace.paths import as_source, module_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from wideload.values.tree import FileTree

# An empty module's byte-code: a header, one instruction or two, and the name of its file.
_EMPTY_BYTECODE = 256


class Units:
    """Which files of a tree belong together.

    A file belongs to the innermost Python package that it lies in, so a package's modules,
    extension modules and data go together, data in folders below it too. A package that holds
    no code at all, only data beside an empty ``__init__``, is a folder of data. Where no
    package is around (namespace packages, metadata, folders of shared libraries) a file
    belongs to the largest folder that has no package in it. A module at the root of the tree
    is a unit by itself.

    A unit's name is its folder's path, or for what lies at the root ``./`` and the name that
    the file is imported by, else its own.
    """

    def __init__(self, tree: FileTree) -> None:
        with_init: set[str] = set()
        with_code: set[str] = set()
        for entry in tree:
            folder, _, filename = as_source(entry.path).rpartition("/")
            name = module_name(filename)
            if name == "__init__":
                with_init.add(folder)
                if _is_empty(entry.path, entry.size):
                    continue
            if name:
                with_code.update(_upwards(folder))
        self._packages = frozenset(with_init & with_code - {""})
        # Folders that have a package somewhere below them.
        self._around = frozenset(
            above for package in self._packages for above in _upwards(package.rpartition("/")[0])
        )
        self._tree = tree

    @cached_property
    def entries(self) -> dict[str, list[str]]:
        """The units of the tree and the paths of their files."""
        found: dict[str, list[str]] = {}
        for entry in self._tree:
            found.setdefault(self.of(entry.path), []).append(entry.path)
        return found

    def of(self, path: str) -> str:
        """The unit of a file, whether the tree has it or not."""
        folder, _, filename = as_source(path).rpartition("/")
        return self.of_folder(folder) if folder else f"./{module_name(filename) or filename}"

    def of_folder(self, folder: str) -> str:
        """The unit that a file lying straight in this folder, not the root, belongs to."""
        largest = folder
        for each in _upwards(folder):
            if each in self._packages:
                return each
            if each and each not in self._around:
                largest = each
        return largest

    def above(self, unit: str) -> Iterator[str]:
        """The packages that have to be imported before anything of this unit can be."""
        for folder in _upwards(unit.rpartition("/")[0]):
            if folder in self._packages:
                yield folder

    def modules(self, unit: str) -> Iterator[str]:
        """What is imported of a unit, as paths without an ending: a package, or its modules."""
        if unit in self._packages:
            yield unit
            return
        for path in self.entries[unit]:
            folder, _, filename = as_source(path).rpartition("/")
            name = module_name(filename)
            if name:
                yield f"{folder}/{name}" if folder else name


def _upwards(folder: str) -> Iterable[str]:
    """The folder and all above it, the root (empty) last."""
    found = [folder]
    while folder:
        folder = folder.rpartition("/")[0]
        found.append(folder)
    return found


def _is_empty(path: str, size: int) -> bool:
    return size == 0 if path.endswith(".py") else path.endswith(".pyc") and size < _EMPTY_BYTECODE
