"""Reading files of the user's own, held to what they were when the function was read."""

from __future__ import annotations

import hashlib
import zlib
from pathlib import Path

import msgspec

from wideload.errors import WideloadError
from wideload.values.tree import FileEntry, FileTree, LocalFile

UNREAD = ""
"""Stands for the sha256 of a file that is too big to be read before it is known to be packed."""
_CHUNK = 1 << 20


def digest_of(path: str) -> tuple[int, int, str]:
    """Size, crc32 and sha256 of a file, read in small pieces.

    :raises OSError: it cannot be read.
    """
    size, crc32, digest = 0, 0, hashlib.sha256()
    with Path(path).open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            size += len(chunk)
            crc32 = zlib.crc32(chunk, crc32)
            digest.update(chunk)
    return size, crc32, digest.hexdigest()


def read_whole(tree: FileTree) -> FileTree:
    """The same tree, with those files read now that were too big to be when it was weighed.

    :raises WideloadError: one cannot be read, or has another size by now.
    """
    if not any(_is_unread(entry) for entry in tree):
        return tree
    return FileTree(tuple(_read(entry) if _is_unread(entry) else entry for entry in tree))


def _is_unread(entry: FileEntry) -> bool:
    return isinstance(entry.origin, LocalFile) and entry.origin.sha256 == UNREAD


def _read(entry: FileEntry) -> FileEntry:
    if not isinstance(entry.origin, LocalFile):
        raise TypeError(f"{entry.path} is no file of the user's")
    try:
        size, crc32, sha256 = digest_of(entry.origin.path)
    except OSError as error:
        raise WideloadError(f"{entry.path} cannot be read", why=str(error)) from error
    if size != entry.size:
        raise changed_meanwhile(entry.path)
    origin = LocalFile(entry.origin.path, sha256)
    return msgspec.structs.replace(entry, crc32=crc32, origin=origin)


def read_unchanged(name: str, origin: LocalFile) -> bytes:
    """The content of a file.

    :param name: what messages call it.
    :raises WideloadError: it cannot be read, or changed since.
    """
    try:
        data = Path(origin.path).read_bytes()
    except OSError as error:
        raise WideloadError(f"{name} cannot be read", why=str(error)) from error
    if hashlib.sha256(data).hexdigest() != origin.sha256:
        raise changed_meanwhile(name)
    return data


def changed_meanwhile(name: str) -> WideloadError:
    """The error to raise where a file of the user's is another than when it was scanned."""
    return WideloadError(
        f"{name} changed while it was being packed",
        why="its content is another than when the build began",
        hint="build again",
    )
