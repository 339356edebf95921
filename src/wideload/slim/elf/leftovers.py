"""Accounts for each byte of a library that no segment loads, before any is dropped."""

from __future__ import annotations

import struct

from wideload.slim.elf import reader
from wideload.slim.elf.reader import ElfFile, Section, UnusualElf

# What compilers and linkers leave for debuggers, tracers and themselves. A section that
# is neither loaded nor known here may be a payload that a program looks up in its file.
_DROPPED = frozenset(
    {
        ".annobin.notes",
        ".comment",
        ".gdb_index",
        ".gnu_debugaltlink",
        ".gnu_debugdata",
        ".gnu_debuglink",
        ".note.GNU-stack",
        ".note.gnu.gold-version",
        ".note.stapsdt",
        ".shstrtab",
        ".stab",
        ".stabstr",
        ".strtab",
        ".symtab",
        ".symtab_shndx",
    }
)
_DROPPED_PREFIXES = (".debug_", ".zdebug_", ".gnu.build.attributes", ".gnu.lto_", ".gnu.debuglto_")

_TABLE_ROW = struct.Struct("<IIQQQQIIQQ")
_LAST_COMMON_TYPE = 19  # SHT_RELR
_FIRST_SYSTEM_TYPE = 0x60000000


def unaccounted(data: bytes, elf: ElfFile) -> tuple[str, ...]:
    """The sections that laying a library anew drops, by name; debug information as one.

    :raises UnusualElf: there are bytes of which it cannot be said that nobody reads them:
        a payload behind the end, an unknown section, something between the segments.
    """
    dropped = [section for section in elf.sections if not section.loaded and section.file_size]
    for section in dropped:
        if section.name not in _DROPPED and not section.name.startswith(_DROPPED_PREFIXES):
            raise UnusualElf(
                f"an unknown section that is not loaded: {section.name or '(no name)'}"
            )
    _expect_nothing_between(data, _known_ranges(elf, dropped))
    names = {
        "debug information" if "debug_" in section.name else section.name for section in dropped
    }
    return tuple(sorted(names - {".shstrtab"}))


def _known_ranges(elf: ElfFile, dropped: list[Section]) -> list[tuple[int, int]]:
    table = elf.segments_offset
    ranges = [
        (0, reader.HEADER_SIZE),
        (table, table + reader.SEGMENT_SIZE * len(elf.segments)),
        *((segment.offset, segment.file_end) for segment in elf.of_type(reader.PT_LOAD)),
        *((section.offset, section.offset + section.size) for section in dropped),
    ]
    if elf.sections:
        table = elf.sections_offset
        ranges.append((table, table + reader.SECTION_SIZE * len(elf.sections)))
    return sorted(ranges)


def _expect_nothing_between(data: bytes, ranges: list[tuple[int, int]]) -> None:
    reached = 0
    for start, end in ranges:
        if start > reached:
            gap = data[reached:start]
            if any_set(gap) and not _former_section_table(gap, reached, len(data)):
                raise UnusualElf(f"{start - reached} unknown bytes at {reached:#x}")
        reached = max(reached, end)
    if any_set(data[reached:]):
        raise UnusualElf(f"{len(data) - reached} bytes appended behind its end")


def any_set(gap: bytes) -> bool:
    """Whether a byte of these is not zero."""
    return gap.count(0) != len(gap)


def _former_section_table(gap: bytes, offset: int, size: int) -> bool:
    """Whether a gap holds but a section header table: patchelf leaves the old one behind.

    Its first row is all zero, so it begins at the word of the first byte that is not.
    """
    first = len(gap) - len(gap.lstrip(b"\0"))
    at = (offset + first) // 8 * 8 - offset
    if at < 0:
        return False
    while at + _TABLE_ROW.size <= len(gap):
        row = _TABLE_ROW.unpack_from(gap, at)
        if not any(row):
            break
        name, kind, flags, _address, start, length, _link, _info, align, _entry = row
        plausible = (
            name < 1 << 20
            and (0 < kind <= _LAST_COMMON_TYPE or kind >= _FIRST_SYSTEM_TYPE)
            and flags < 1 << 32
            and start <= size
            and (kind == reader.SHT_NOBITS or length <= size)
            and align & (align - 1) == 0
        )
        if not plausible:
            return False
        at += _TABLE_ROW.size
    return not any_set(gap[at:])
