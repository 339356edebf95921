"""Holds libraries that were laid anew to what they were, without running them.

Written against the ELF specification rather than against the layout that wideload makes: a
loader maps segments, so each must map the same bytes to the same addresses.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from typing import TYPE_CHECKING

from wideload.slim.elf import reader
from wideload.slim.elf.relay import MAKER
from wideload.values.tree import Derived, FileEntry, WheelMember

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from corpus_shipping import Package

    from wideload.cache import Cache
    from wideload.slim.elf.reader import ElfFile, Segment
    from wideload.values.slimmed import Slimmed

_PAGE = 4096
# e_phoff, e_shoff; e_shentsize, e_shnum, e_shstrndx; p_offset, p_align: where things lie in
# the file is what may change.
_HEADER_MAY = ((32, 48), (58, 64))
_SEGMENT_MAY = ((8, 16), (48, 56))


def pairs(package: Package, slimmed: Slimmed, cache: Cache) -> Iterator[tuple[str, bytes, bytes]]:
    """Path, bytes before and after, of every library that was laid anew."""
    before = {entry.path: entry for entry in package.raw}
    for entry in slimmed.tree:
        match entry.origin:
            case Derived(sha256, maker) if maker == MAKER:
                stream = cache.path("derived", sha256).read_bytes()
                after = stream if entry.stored else zlib.decompress(stream, -15)
                yield entry.path, _member(before[entry.path], package.paths), after


def libraries(slimmed: Slimmed) -> int:
    """How many libraries there are, by name."""
    return sum(
        1
        for entry in slimmed.tree
        if entry.path.endswith(".so") or ".so." in entry.path.rpartition("/")[2]
    )


def _member(entry: FileEntry, paths: dict[str, Path]) -> bytes:
    assert isinstance(entry.origin, WheelMember)
    with zipfile.ZipFile(paths[entry.origin.wheel]) as archive:
        return archive.read(entry.origin.name)


def differences(before: bytes, after: bytes) -> Iterator[str]:
    """What a loader would find otherwise."""
    old, new = reader.parse(before), reader.parse(after)
    if len(after) > len(before):
        yield "it grew"
    if len(old.segments) != len(new.segments):
        yield "another number of segments"
        return
    if _without(before[: reader.HEADER_SIZE], _HEADER_MAY) != _without(
        after[: reader.HEADER_SIZE], _HEADER_MAY
    ):
        yield "another header"
    if old.dynamic != new.dynamic:
        yield "another dynamic section"
    images = (_image(before, old), _image(after, new))
    for index, (one, other) in enumerate(zip(old.segments, new.segments, strict=True)):
        yield from (f"segment {index}: {what}" for what in _segment(one, other))
        # Every segment, loaded or not, by what lies at its offset.
        if one.type != reader.PT_LOAD:
            bytes_of = before[one.offset : one.file_end], after[other.offset : other.file_end]
            changes = one.type == reader.PT_PHDR
            if bytes_of[0] != bytes_of[1] and not changes:
                yield f"segment {index} of type {one.type:#x} has other bytes"
    for (address, data), (there, found) in zip(*images, strict=True):
        if address != there or data != found:
            yield f"other bytes loaded at {address:#x}"


def _segment(one: Segment, other: Segment) -> Iterator[str]:
    for name in ("type", "flags", "vaddr", "paddr", "file_size", "memory_size"):
        if getattr(one, name) != getattr(other, name):
            yield f"another {name}"
    if other.type == reader.PT_LOAD:
        if other.align < _PAGE or other.align & (other.align - 1) or other.align > one.align:
            yield f"aligned to {other.align}"
        elif (other.vaddr - other.offset) % other.align:
            yield "offset and address are not congruent"


def _image(data: bytes, elf: ElfFile) -> list[tuple[int, bytes]]:
    """Address and bytes of what is loaded, without what says where things lie in the file."""
    blank = bytearray(data)
    spots = [(start, end) for start, end in _HEADER_MAY]
    for index in range(len(elf.segments)):
        at = elf.segments_offset + index * reader.SEGMENT_SIZE
        spots += [(at + start, at + end) for start, end in _SEGMENT_MAY]
    for start, end in spots:
        blank[start:end] = bytes(end - start)
    return [
        (load.vaddr, bytes(blank[load.offset : load.file_end]))
        for load in elf.of_type(reader.PT_LOAD)
    ]


def _without(data: bytes, spots: tuple[tuple[int, int], ...]) -> bytes:
    blank = bytearray(data)
    for start, end in spots:
        blank[start:end] = struct.pack(f"{end - start}x")
    return bytes(blank)
