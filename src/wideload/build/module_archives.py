"""What spares a function the round trips of an import from a mounted directory: for each
distribution one file with what its modules are run from, and a list of what is where."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec

from wideload.build.bundle.content import Contents
from wideload.build.bundle.loader_files import derived_file
from wideload.build.bundle.owners import source_of
from wideload.cache import write_atomically
from wideload.derived_streams import DERIVED
from wideload.values.tree import FileEntry, FileTree, LocalFile, folders_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from wideload.build.bundle.owners import Divided
    from wideload.cache import Cache
    from wideload.values.resolution import Wheel
    from wideload.values.target import Target

FOLDER = ".wideload"
"""Of a mounted directory, with the archives. No module can have such a name."""
MAKER = "modules/2"

_NOTES = "archived-modules"
_CACHES = "__pycache__/"
_UNCHECKED = b"\x01\0\0\0"
"""Flags of byte-code that does not ask for its source (PEP 552)."""
_FLAGS = slice(4, 8)
ZIPPED = 0.22
"""Of an archive's bytes what a bundle keeps: the recommender's, 8.7 of 39.0 MB."""


class Archive(msgspec.Struct, frozen=True):
    """Of one distribution."""

    path: str
    """In the directory."""
    modules: tuple[tuple[str, int], ...]
    """Files whose contents follow each other in the archive: paths and bytes."""
    libraries: tuple[tuple[str, int], ...] = ()
    """Shared libraries of the distribution, those that others need first."""


class Listed(msgspec.Struct, frozen=True):
    """What the function's zip knows of its directory."""

    archives: tuple[Archive, ...]
    files: tuple[str, ...]
    """All files that could be modules."""
    folders: tuple[str, ...]
    """All folders; the empty one is the directory's own."""

    def encode(self) -> bytes:
        """As JSON."""
        return msgspec.json.encode(self)


class _Made(msgspec.Struct, frozen=True, array_like=True):
    archive: Archive
    entry: FileEntry


def archived(
    divided: Divided,
    wheels: Mapping[str, Wheel],
    paths: Mapping[str, Path],
    target: Target,
    cache: Cache,
) -> tuple[Divided, Listed]:
    """The same with the archives among what is in the directory, and the list.

    An archive is made once for the same files of a distribution, and is the same on any machine.

    :param wheels: by sha256, all that the files came of.
    :param paths: where these lie.
    :raises WideloadError: something cannot be read.
    """
    modules: dict[str, list[FileEntry]] = {}
    libraries: dict[str, list[FileEntry]] = {}
    for entry in divided.bundled:
        owner = divided.owners[entry.path]
        if owner and _is_module(entry.path, target):
            modules.setdefault(owner, []).append(entry)
        elif owner and (entry.path.endswith(".so") or ".so." in entry.path):
            libraries.setdefault(owner, []).append(entry)
    archives, entries, owners = [], [], dict(divided.owners)
    with Contents(wheels, paths, cache) as contents:
        for owner, found in sorted(modules.items(), key=lambda item: wheels[item[0]].name):
            made = _made(_run_from(found), wheels[owner], contents, cache)
            if made is not None:
                linked = tuple(
                    (each.path, each.size)
                    for each in sorted(libraries.get(owner, ()), key=_needed_first)
                )
                archives.append(msgspec.structs.replace(made.archive, libraries=linked))
                entries.append(made.entry)
                owners[made.entry.path] = owner
    files = [entry.path for entry in divided.bundled if _could_be_module(entry.path)]
    folders = ("", *sorted(folders_of(entry.path for entry in divided.bundled)))
    bundled = divided.bundled.beside(FileTree.of(entries))
    with_archives = msgspec.structs.replace(divided, bundled=bundled, owners=owners)
    return with_archives, Listed(tuple(archives), tuple(files), folders)


def archived_bytes(tree: FileTree) -> int:
    """What archives of a tree's packages would take."""
    modules = [
        entry
        for entry in tree
        if entry.path.endswith((".py", ".pyc")) and not isinstance(entry.origin, LocalFile)
    ]
    return sum(entry.size for entry in _run_from(modules))


def _is_module(path: str, target: Target) -> bool:
    if path.endswith(".pyc") and _CACHES in path:
        major, minor = target.python
        return path.endswith(f".cpython-{major}{minor}.pyc")
    return path.endswith((".py", ".pyc"))


def _could_be_module(path: str) -> bool:
    return path.endswith((".py", ".so")) or (path.endswith(".pyc") and _CACHES not in path)


def _run_from(modules: list[FileEntry]) -> list[FileEntry]:
    """Of a source and its byte-code the byte-code."""
    compiled = {source_of(entry.path) for entry in modules if entry.path.endswith(".pyc")}
    return [entry for entry in modules if entry.path not in compiled]


def _made(modules: list[FileEntry], wheel: Wheel, contents: Contents, cache: Cache) -> _Made | None:
    """The archive; nothing where nothing is to be in it."""
    digest = hashlib.sha256(f"{MAKER} {wheel.sha256}\n".encode())
    for entry in modules:
        digest.update(f"{entry.path}\0{' '.join(entry.identity)}\0".encode())
    note = cache.path(_NOTES, digest.hexdigest(), ".msgpack")
    try:
        made = msgspec.msgpack.decode(note.read_bytes(), type=_Made)
        kept = cache.path(DERIVED, made.entry.identity[0])
        if kept.stat().st_size == made.entry.compressed_size:
            return made
    except (FileNotFoundError, msgspec.MsgspecError):
        pass
    taken, parts = [], []
    for entry in modules:
        data = contents.read(entry)[0]
        # Byte-code that is judged by its source is none that can be read without it.
        if _CACHES not in entry.path or data[_FLAGS] == _UNCHECKED:
            taken.append((entry.path, len(data)))
            parts.append(data)
    if not taken:
        return None
    path = f"{FOLDER}/{wheel.name}"
    entry = derived_file(path, b"".join(parts), cache, maker=MAKER, wheel=wheel.sha256)
    made = _Made(Archive(path, tuple(taken)), entry)
    write_atomically(note, msgspec.msgpack.encode(made))
    return made


def _needed_first(library: FileEntry) -> tuple[bool, str]:
    return ".libs/" not in library.path, library.path
