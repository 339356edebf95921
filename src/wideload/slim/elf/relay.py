"""Lays an ELF library anew with only what its segments load.

A loader knows a library by its program headers alone: symbols for debuggers, debug
information, comments and the tables that name them are never mapped. The segments are
copied as they are, in the order in which they lie, each to the first offset that keeps
``p_vaddr ≡ p_offset (mod p_align)``; every program header moves with the segment that
holds it. No address changes and no loaded byte, so relocations, hash tables, unwind
tables, notes and the build id need no care at all: that is why libraries that patchelf
has rewritten survive this, where strip, which moves sections, breaks them.

A table of the loaded sections is kept: debuggers unwind by it, and a few programs (Qt's
plugins, cling) look for a section of their own in the file. It lies in the gaps that
alignment leaves, where it costs nothing.

What is not understood to the last byte is left as it was, with the reason.
"""

from __future__ import annotations

import msgspec

from wideload.slim.elf import reader
from wideload.slim.elf.layout import Layout, lay
from wideload.slim.elf.leftovers import unaccounted
from wideload.slim.elf.reader import ElfError, ElfFile, UnusualElf

MAKER = "elf/1"
"""Name and version of this rule: another output for the same input is another version."""

_MACHINES = (reader.EM_X86_64, reader.EM_AARCH64)
# System V and GNU/Linux, which the linker writes where a library has unique symbols or ifuncs.
_OSABIS = (0, 3)


class Relaid(msgspec.Struct, frozen=True):
    """What became of a file."""

    data: bytes
    """The very bytes given where nothing was changed."""
    changed: bool
    reason: str
    """What was dropped, or why the file is left alone."""


def relay(data: bytes, *, page: int | None = None) -> Relaid:
    """A library without what no segment loads; never larger, and at once final.

    Only shared libraries for x86_64 and arm64 are touched. Executables are left alone:
    programs that read their own file are too many.

    :param page: pages of the machines that will load it, a power of two: alignments of
        segments above it are lowered to it where this saves bytes (arm64 libraries come
        aligned to 64 KiB for kernels with such pages, old x86_64 ones to 2 MiB). None
        keeps every alignment.
    """
    try:
        elf = reader.parse(data)
        _expect_library(data, elf)
        layout = lay(elf, page=page)
        dropped = unaccounted(data, elf)
    except ElfError as error:
        return Relaid(data, False, error.reason)
    if layout.size >= len(data):
        return Relaid(data, False, "nothing in it that no segment loads")
    return Relaid(_write(data, layout), True, _told(dropped, layout))


def _expect_library(data: bytes, elf: ElfFile) -> None:
    if elf.type == reader.ET_EXEC or elf.of_type(reader.PT_INTERP):
        raise UnusualElf("an executable")
    if elf.type == reader.ET_REL:
        raise UnusualElf("an object file")
    if elf.type == reader.ET_CORE:
        raise UnusualElf("a core dump")
    if elf.type != reader.ET_DYN:
        raise UnusualElf(f"ELF type {elf.type}")
    if elf.machine not in _MACHINES:
        raise UnusualElf(f"for machine {elf.machine}, not x86_64 or arm64")
    if elf.osabi not in _OSABIS or any(data[8:16]):
        raise UnusualElf("an unknown application binary interface")
    if elf.dynamic is None:
        raise UnusualElf("no dynamic segment")


def _write(data: bytes, layout: Layout) -> bytes:
    source = memoryview(data)
    target = bytearray(layout.size)
    for block in layout.blocks:
        target[block.target : block.target + block.size] = source[
            block.source : block.source + block.size
        ]
    for offset, patch in layout.patches:
        target[offset : offset + len(patch)] = patch
    return bytes(target)


def _told(dropped: tuple[str, ...], layout: Layout) -> str:
    parts = []
    if dropped:
        parts.append(f"not loaded: {', '.join(dropped)}")
    if layout.lowered:
        parts.append(f"alignment lowered to {layout.lowered} bytes")
    return "; ".join(parts) or "gaps between segments"
