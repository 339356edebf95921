"""The rule `traced`: what no traced run used is left out, a whole sub-package at a time."""

from __future__ import annotations

import fnmatch
import re
from typing import TYPE_CHECKING

import msgspec

from wideload.trace.units import Units
from wideload.values.tree import FileEntry, FileTree, LocalFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from wideload.values.profile import Profile

RULE = "traced/1"
REASON = "no traced event uses it"

# Its files are on most machines besides, and are not in every runtime: that they were not
# used here says nothing about Lambda.
_ALWAYS = ("tzdata",)
_METADATA = re.compile(r"[^/]+\.dist-info")
_LIBRARIES = re.compile(r"[^/]+\.libs")


class Gone(msgspec.Struct, frozen=True, order=True):
    """A module that cannot be imported any more, nor what is below it."""

    name: str
    """Dotted."""
    pattern: str
    """For the key ``keep``, to have it back."""


class Kept(msgspec.Struct, frozen=True):
    """What the rule makes of a tree."""

    tree: FileTree
    dropped: tuple[FileEntry, ...]
    """All other entries, by path."""
    gone: tuple[Gone, ...]
    """By name; of a package and its sub-packages only the topmost that is gone."""


def keep(tree: FileTree, profile: Profile, patterns: Sequence[str] = ()) -> Kept:
    """Keep each sub-package of which a file was used, and what it cannot do without.

    Kept are the units (see :class:`Units`) of files that were opened, run or looked at, and
    of folders that were listed; the user's own files and what a pattern matches, with their
    units; the packages above all these; and of each distribution of which code is kept its
    metadata and its folder of shared libraries. The time zones of `tzdata` always are.

    :param profile: must not be outdated by the tree's packages (`Profile.outdated_by`).
    :param patterns: shell patterns of paths, as of the key ``keep``; ``*`` matches ``/`` too.
    """
    units = Units(tree)
    wanted = {units.of(path) for path in profile.files}
    wanted |= {units.of_folder(folder) for folder in profile.folders if folder}
    asked = re.compile("|".join(map(fnmatch.translate, patterns))) if patterns else None
    for entry in tree:
        if isinstance(entry.origin, LocalFile) or (asked and asked.match(entry.path)):
            wanted.add(units.of(entry.path))
    wanted |= {unit for unit in units.entries if unit.split("/")[0] in _ALWAYS}
    for unit in tuple(wanted):
        wanted.update(units.above(unit))
    wanted |= _companions(tree, units, wanted)
    kept = tree.where(lambda entry: units.of(entry.path) in wanted)
    dropped = tree.where(lambda entry: units.of(entry.path) not in wanted)
    return Kept(kept, dropped.entries, _gone(units, wanted, kept))


def _companions(tree: FileTree, units: Units, wanted: set[str]) -> set[str]:
    """Metadata and shared libraries of the distributions that wanted code is of."""
    owners = {entry.path: entry.wheel for entry in tree}
    used = {
        entry.wheel
        for entry in tree
        if units.of(entry.path) in wanted and not _METADATA.match(entry.path)
    }
    return {
        unit
        for unit, paths in units.entries.items()
        if (_METADATA.fullmatch(unit) or _LIBRARIES.fullmatch(unit))
        # What belongs to nobody known might belong to anybody.
        and any(owners[path] in used or not owners[path] for path in paths)
    }


def _above(path: str) -> Iterable[str]:
    """The folders that a path lies in, the root not counted, the nearest first."""
    while path := path.rpartition("/")[0]:
        yield path


def _gone(units: Units, wanted: set[str], kept: FileTree) -> tuple[Gone, ...]:
    left = {folder for entry in kept for folder in _above(entry.path)}
    found = set()
    for unit in units.entries.keys() - wanted:
        for module in units.modules(unit):
            # A folder of which nothing is left is gone as a package, with all in it.
            emptied = [folder for folder in _above(module) if folder not in left]
            path = emptied[-1] if emptied else module
            # A folder of the same name is still there to be imported.
            if path not in left and all(part.isidentifier() for part in path.split("/")):
                is_folder = bool(emptied) or unit == module
                found.add(Gone(path.replace("/", "."), path + ("/**" if is_folder else ".*")))
    return tuple(sorted(found))
