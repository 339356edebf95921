"""What one wheel contributes to a zip, spliced once: a warm build only concatenates these."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, assert_never

import msgspec

from wideload.archive import Sink, ZipWriter
from wideload.build.wheelfile import WheelFile
from wideload.cache import replacing, write_atomically
from wideload.derived_streams import DERIVED
from wideload.errors import WideloadError
from wideload.values.artifact import ManifestFile
from wideload.values.tree import Derived, FileEntry, LocalFile, WheelMember

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from wideload.cache import Cache
    from wideload.values.resolution import Wheel

_VERSION = 2
_BLOCKS = "blocks"
_NOTES = "block-notes"


class Block(msgspec.Struct, frozen=True, array_like=True):
    """Consecutive entries of a zip."""

    version: int
    sha256: str
    """Of the bytes: local headers, each followed by its stream."""
    length: int
    records: tuple[bytes, ...]
    """Records of the central directory, with offsets from the start of the block."""
    files: tuple[ManifestFile, ...]


class _DigestingSink:
    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.digest = hashlib.sha256()

    def write(self, data: bytes | memoryview, /) -> int:
        self.digest.update(data)
        return self._sink.write(data)


def _key(entries: Sequence[FileEntry], wheel: Wheel) -> str:
    """Of all that the bytes of a block depend on."""
    digest = hashlib.sha256(f"{_VERSION} {wheel.sha256}\n".encode())
    for entry in entries:
        origin = entry.origin
        source = origin.name if isinstance(origin, WheelMember) else origin.sha256
        size = entry.compressed_size  # a derived file's digest says nothing of its stream
        digest.update(f"{entry.path}\0{entry.mode:o}\0{source}\0{size}\0".encode())
    return digest.hexdigest()


def derived_stream(entry: FileEntry, origin: Derived, cache: Cache) -> bytes:
    """The stream of a file that wideload made.

    :raises WideloadError: the cache lost it since the plan was made.
    """
    try:
        stream = cache.path(DERIVED, origin.sha256).read_bytes()
    except FileNotFoundError:
        stream = b""
    if len(stream) != entry.compressed_size:
        raise WideloadError(
            f"{entry.path} as made by {origin.maker} is no longer in the cache",
            why="the cache was emptied, or damaged, while the build ran",
            hint="build again",
        )
    return stream


def block_of(
    entries: Sequence[FileEntry], wheel: Wheel, path: Path, cache: Cache
) -> tuple[Block, Path]:
    """The block of these entries and the file that holds it.

    :param entries: members of the wheel, or files derived from them.

    :param path: where the wheel lies.
    :raises WideloadError: the wheel is broken inside, or the cache lost what was derived.
    """
    key = _key(entries, wheel)
    note = cache.path(_NOTES, key, ".msgpack")
    try:
        known = msgspec.msgpack.decode(note.read_bytes(), type=Block)
    except (FileNotFoundError, msgspec.MsgspecError):
        known = None
    if known and known.version == _VERSION:
        kept = cache.verified(_BLOCKS, known.sha256)
        if kept:
            return known, kept
    # The name under which it is written is not its digest, which is known at the end only.
    temporary = cache.path("blocks-unnamed", key)
    files: list[ManifestFile] = []
    with WheelFile(path, wheel, cache) as source, replacing(temporary) as file:
        sink = _DigestingSink(file)
        writer = ZipWriter(sink)
        origins = (entry.origin for entry in entries)
        source.check(origin.name for origin in origins if isinstance(origin, WheelMember))
        for entry in entries:
            match entry.origin:
                case WheelMember(_, name):
                    with source.stream(name) as stream:
                        writer.add(entry, stream)
                    sha256, origin = source.sha256(name), wheel.filename
                case Derived(sha256, maker):
                    writer.add(entry, derived_stream(entry, entry.origin, cache))
                    origin = f"{wheel.filename} by {maker}"
                case LocalFile():
                    raise AssertionError(f"{entry.path} is no wheel's")
                case _:
                    assert_never(entry.origin)
            files.append(ManifestFile(entry.path, entry.size, sha256, origin))
    block = Block(
        _VERSION, sink.digest.hexdigest(), writer.offset, tuple(writer.records), tuple(files)
    )
    final = cache.keep(temporary, _BLOCKS, block.sha256)
    write_atomically(note, msgspec.msgpack.encode(block))
    return block, final
