"""Which wheel each file of a tree came from, and which files are the user's own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from wideload.values.tree import Derived, FileEntry, FileTree, LocalFile, WheelMember

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wideload.values.resolution import Wheel

LARGE = 1 << 20
"""Bytes, compressed, above which a file of the user's own goes into the bundle: a model, a
table. The rest changes often, is small, and stays in the function's zip."""
OWN_IN_ZIP = 32 * 1024**2
"""Bytes, compressed, that the user's own files may take of the function's zip together."""

_BESIDE = re.compile(r"(?P<folder>.*/)?__pycache__/(?P<stem>[^/]+)\.cpython-\d+\.pyc")


class Divided(msgspec.Struct, frozen=True):
    """A tree in two: what the function's zip holds, and what the bundle holds."""

    zipped: FileTree
    bundled: FileTree
    owners: dict[str, str]
    """For each path of the bundle, the sha256 of its wheel; empty for the user's own."""
    beside: tuple[str, ...]
    """Paths of the zip that the loader must lay beside the bundle's files, because they
    would not find these, or not be found, where they are: see :func:`divide`."""


def source_of(path: str) -> str:
    """The path of the module that a compiled module was made of; other paths as they are."""
    match = _BESIDE.fullmatch(path)
    if match:
        return f"{match['folder'] or ''}{match['stem']}.py"
    return path[:-1] if path.endswith(".pyc") else path


def divide(tree: FileTree, wheels: Mapping[str, Wheel]) -> Divided:
    """Part the user's own files from the packages'.

    All that came of a wheel goes into the bundle, and of the user's own what is large. Where
    that leaves files of the user's own apart from each other, or where they lie in a folder
    that a package has modules in, all of them are to be laid beside the bundle's.

    :param wheels: by sha256, all whose files may be in the tree.
    """
    members = {
        member.path: wheel.sha256
        for wheel in sorted(wheels.values(), key=lambda wheel: wheel.name)
        for member in wheel.members
    }
    local = {entry.path for entry in tree if isinstance(entry.origin, LocalFile)}
    owners = {entry.path: _owner(entry, members, local) for entry in tree}
    large = large_files([entry for entry in tree if not owners[entry.path]])
    zipped = tree.where(lambda entry: not owners[entry.path] and entry.path not in large)
    bundled = tree.where(lambda entry: bool(owners[entry.path]) or entry.path in large)
    shared = {_top(entry.path) for entry in zipped} & {_top(entry.path) for entry in bundled}
    # Compiled modules are found by the folder of their sources.
    together = bool(large) or bool(shared - {"", "__pycache__"})
    return Divided(
        zipped,
        bundled,
        {entry.path: owners[entry.path] for entry in bundled},
        tuple(entry.path for entry in zipped) if together else (),
    )


def _owner(entry: FileEntry, members: Mapping[str, str], local: set[str]) -> str:
    match entry.origin:
        case WheelMember(wheel, _):
            return wheel
        case LocalFile():
            return ""
        case Derived(_, _, wheel):
            source = source_of(entry.path)
            if wheel:
                return wheel
            # The user's own files lie on top of a wheel's.
            return "" if source in local else members.get(source, "")


def large_files(own: list[FileEntry]) -> set[str]:
    """Paths of the user's own files that go into the bundle; see `LARGE` and `OWN_IN_ZIP`."""
    by_size = sorted(own, key=lambda entry: (entry.compressed_size, entry.path))
    total, large = 0, set()
    for entry in by_size:
        total += entry.compressed_size
        if entry.compressed_size > LARGE or total > OWN_IN_ZIP:
            large.add(entry.path)
    return large


def _top(path: str) -> str:
    folder, slash, _ = path.partition("/")
    return folder if slash else ""
