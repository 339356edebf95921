"""What slimming made of files, and notes of it."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import msgspec

from wideload.cache import write_atomically
from wideload.derived_streams import DERIVED, keep
from wideload.values.tree import Derived, FileEntry

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wideload.cache import Cache

_NOTES = "slimmed"


class Made(msgspec.Struct, frozen=True, array_like=True):
    """A derived file: all that its entry needs but the path."""

    source: str
    """Path of the file that it was made of."""
    sha256: str
    """Of the content; empty where there is none, since it could not be made."""
    size: int
    compressed_size: int
    crc32: int
    stored: bool
    reason: str = ""
    """What was done, or why nothing was."""

    @property
    def done(self) -> bool:
        """Whether there is a derived file."""
        return bool(self.sha256)

    def entry(self, path: str, mode: int, maker: str) -> FileEntry:
        """The file at a place of the tree."""
        return FileEntry(
            path=path,
            size=self.size,
            compressed_size=self.compressed_size,
            crc32=self.crc32,
            mode=mode,
            stored=self.stored,
            origin=Derived(self.sha256, maker),
        )


def undone(source: str, reason: str) -> Made:
    """The note that a file stays as it is."""
    return Made(source, "", 0, 0, 0, False, reason)


def put(source: str, data: bytes, cache: Cache, reason: str = "") -> Made:
    """Pack a content and keep its stream."""
    kept = keep(data, cache)
    return Made(
        source,
        kept.sha256,
        kept.size,
        kept.compressed_size,
        kept.crc32,
        kept.stored,
        reason,
    )


def take(entry: FileEntry, origin: Derived, cache: Cache) -> bytes:
    """The content of a derived file.

    :raises FileNotFoundError: its stream is not kept any more.
    """
    stream = cache.path(DERIVED, origin.sha256).read_bytes()
    return stream if entry.stored else zlib.decompress(stream, -zlib.MAX_WBITS)


class Derivation(msgspec.Struct, frozen=True, array_like=True):
    """What was made of the files of one wheel, or of the function's own, by one rule."""

    made: tuple[Made, ...]


def recall(key: str, cache: Cache) -> dict[str, Made] | None:
    """What was made under this key before, by source, all streams of it being there."""
    try:
        note = cache.path(_NOTES, key, ".msgpack").read_bytes()
        made = msgspec.msgpack.decode(note, type=Derivation).made
        for one in made:
            stream = cache.path(DERIVED, one.sha256) if one.done else None
            if stream is not None and stream.stat().st_size != one.compressed_size:
                return None
    except (FileNotFoundError, msgspec.MsgspecError):
        return None
    return {one.source: one for one in made}


def remember(key: str, made: Iterable[Made], cache: Cache) -> dict[str, Made]:
    """Note what was made; returns it by source."""
    kept = tuple(sorted(made, key=lambda one: one.source))
    note = msgspec.msgpack.encode(Derivation(kept))
    write_atomically(cache.path(_NOTES, key, ".msgpack"), note)
    return {one.source: one for one in kept}
