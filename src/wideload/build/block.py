"""What one wheel contributes to a zip, spliced once: a warm build only concatenates these."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec

from wideload.archive import Sink, ZipWriter
from wideload.build.wheelfile import WheelFile
from wideload.cache import replacing, write_atomically
from wideload.values.artifact import ManifestFile
from wideload.values.tree import FileEntry, WheelMember

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from wideload.cache import Cache
    from wideload.values.resolution import Wheel

_VERSION = 1
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
        assert isinstance(entry.origin, WheelMember)
        digest.update(f"{entry.path}\0{entry.mode:o}\0{entry.origin.name}\0".encode())
    return digest.hexdigest()


def block_of(
    entries: Sequence[FileEntry], wheel: Wheel, path: Path, cache: Cache
) -> tuple[Block, Path]:
    """The block of these entries, all members of the wheel, and the file that holds it.

    :param path: where the wheel lies.
    :raises WideloadError: the wheel is broken inside.
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
        for entry in entries:
            assert isinstance(entry.origin, WheelMember)
            with source.stream(entry.origin.name) as stream:
                writer.add(entry, stream)
            sha256 = source.sha256(entry.origin.name)
            files.append(ManifestFile(entry.path, entry.size, sha256, wheel.filename))
    block = Block(
        _VERSION, sink.digest.hexdigest(), writer.offset, tuple(writer.records), tuple(files)
    )
    final = cache.keep(temporary, _BLOCKS, block.sha256)
    write_atomically(note, msgspec.msgpack.encode(block))
    return block, final
