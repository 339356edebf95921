"""Reads ELF64 little-endian files: headers, tables, and what the dynamic loader is told.

The numbers and layouts are those of the System V ABI (gabi, chapters 4 and 5) and of the
GNU extensions in glibc's ``elf.h``. Any bytes may be given: what cannot be read without
doubt raises, nothing is read past the end, and the work is bounded by the file's size.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

MAGIC = b"\x7fELF"

ET_REL = 1
ET_EXEC = 2
ET_DYN = 3
ET_CORE = 4

EM_386 = 3
EM_ARM = 40
EM_X86_64 = 62
EM_AARCH64 = 183

PT_LOAD = 1
PT_DYNAMIC = 2
PT_INTERP = 3
PT_NOTE = 4
PT_PHDR = 6
PT_TLS = 7
PT_GNU_EH_FRAME = 0x6474E550
PT_GNU_STACK = 0x6474E551
PT_GNU_RELRO = 0x6474E552
PT_GNU_PROPERTY = 0x6474E553

SHT_NULL = 0
SHT_PROGBITS = 1
SHT_STRTAB = 3
SHT_NOBITS = 8
SHF_ALLOC = 2

HEADER_SIZE = 64
SEGMENT_SIZE = 56
SECTION_SIZE = 64

_DT_NULL = 0
_DT_NEEDED = 1
_DT_STRTAB = 5
_DT_STRSZ = 10
_DT_SONAME = 14
_DT_RPATH = 15
_DT_RUNPATH = 29
_DT_VERNEED = 0x6FFFFFFE
_DT_VERNEEDNUM = 0x6FFFFFFF
_VER_FLG_WEAK = 2

_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_DYNAMIC = struct.Struct("<qQ")
_VERNEED = struct.Struct("<HHIII")
_VERNAUX = struct.Struct("<IHHII")

# Far above any real library (the largest of PyPI stay below a tenth of these), low enough
# that a file made to waste time cannot.
_MOST_DYNAMIC = 4096
_MOST_VERSIONS = 16_384
_LONGEST_STRING = 4096


class ElfError(ValueError):
    """These bytes cannot be taken for an ELF64 little-endian file; the reason is its text."""

    @property
    def reason(self) -> str:
        """Why, in one line without a full stop."""
        return str(self)


class NotElf(ElfError):
    """The bytes do not begin as an ELF file does."""


class UnusualElf(ElfError):
    """An ELF file, but cut off, inconsistent, or of a kind that is not read here."""


class Segment(msgspec.Struct, frozen=True):
    """One program header (``Elf64_Phdr``)."""

    type: int
    flags: int
    offset: int
    vaddr: int
    paddr: int
    file_size: int
    memory_size: int
    align: int

    @property
    def file_end(self) -> int:
        """Where its bytes end in the file."""
        return self.offset + self.file_size


class Section(msgspec.Struct, frozen=True):
    """One section header (``Elf64_Shdr``) with its name read."""

    name: str
    name_offset: int
    type: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    align: int
    entry_size: int

    @property
    def loaded(self) -> bool:
        """Whether it belongs to the memory image (``SHF_ALLOC``)."""
        return bool(self.flags & SHF_ALLOC)

    @property
    def file_size(self) -> int:
        """Its bytes in the file: none for what is only memory (``SHT_NOBITS``)."""
        return 0 if self.type in (SHT_NOBITS, SHT_NULL) else self.size


class NeededVersion(msgspec.Struct, frozen=True, order=True):
    """A symbol version that a library must define, e.g. ``GLIBC_2.17`` of ``libc.so.6``."""

    library: str
    version: str
    weak: bool = False
    """Weak: the loader only warns where it is missing."""


class Dynamic(msgspec.Struct, frozen=True):
    """What the dynamic loader is told."""

    needed: tuple[str, ...] = ()
    soname: str = ""
    rpath: tuple[str, ...] = ()
    runpath: tuple[str, ...] = ()
    versions: tuple[NeededVersion, ...] = ()


class ElfFile(msgspec.Struct, frozen=True):
    """An ELF file's tables. Offsets and sizes are bytes, addresses those of the file."""

    type: int
    machine: int
    osabi: int
    segments_offset: int
    sections_offset: int
    """0 where there is no section header table."""
    names_section: int
    """Index of the section that holds the sections' names."""
    segments: tuple[Segment, ...]
    sections: tuple[Section, ...]
    dynamic: Dynamic | None
    """None where there is no dynamic segment."""

    def of_type(self, kind: int) -> tuple[Segment, ...]:
        """The segments of one type, in the order of the table."""
        return tuple(segment for segment in self.segments if segment.type == kind)


def is_elf(data: bytes) -> bool:
    """Whether the bytes begin as any ELF file does."""
    return data[:4] == MAGIC


def machine_of(data: bytes) -> tuple[int, int]:
    """The class (32 or 64 bits) and the machine number, readable even where the rest is not.

    :raises NotElf: it is no ELF file, or ends before it says.
    """
    if not is_elf(data) or len(data) < 20:
        raise NotElf("does not begin as an ELF file")
    (machine,) = struct.unpack_from(">H" if data[5] == 2 else "<H", data, 18)
    return (64 if data[4] == 2 else 32), machine


def parse(data: bytes) -> ElfFile:
    """The tables of an ELF64 little-endian file.

    :raises NotElf: it does not begin as an ELF file.
    :raises UnusualElf: 32 bits, big-endian, cut off, or a table that contradicts itself.
    """
    if not is_elf(data):
        raise NotElf("does not begin as an ELF file")
    if len(data) < HEADER_SIZE:
        raise UnusualElf("ends within the ELF header")
    (
        ident,
        kind,
        machine,
        version,
        _entry,
        segments_offset,
        sections_offset,
        _flags,
        header_size,
        segment_size,
        segment_count,
        section_size,
        section_count,
        names_section,
    ) = _HEADER.unpack_from(data)
    if ident[4] != 2:
        raise UnusualElf("not a 64-bit ELF file")
    if ident[5] != 1:
        raise UnusualElf("not a little-endian ELF file")
    if ident[6] != 1 or version != 1:
        raise UnusualElf("unknown version of the ELF format")
    if header_size != HEADER_SIZE:
        raise UnusualElf(f"ELF header of {header_size} bytes")
    segments = _segments(data, segments_offset, segment_size, segment_count)
    sections = _sections(data, sections_offset, section_size, section_count, names_section)
    return ElfFile(
        type=kind,
        machine=machine,
        osabi=ident[7],
        segments_offset=segments_offset,
        sections_offset=sections_offset if sections else 0,
        names_section=names_section,
        segments=segments,
        sections=sections,
        dynamic=_dynamic(data, segments),
    )


def _table(data: bytes, what: str, offset: int, entry: struct.Struct, count: int) -> memoryview:
    end = offset + entry.size * count
    if end > len(data):
        raise UnusualElf(f"the {what} table ends past the end of the file")
    return memoryview(data)[offset:end]


def _segments(data: bytes, offset: int, size: int, count: int) -> tuple[Segment, ...]:
    if count == 0:
        return ()
    if count == 0xFFFF:
        raise UnusualElf("more program headers than their count can tell")
    if size != SEGMENT_SIZE:
        raise UnusualElf(f"program headers of {size} bytes")
    table = _table(data, "program header", offset, _SEGMENT, count)
    segments = tuple(Segment(*fields) for fields in _SEGMENT.iter_unpack(table))
    for segment in segments:
        if segment.file_end > len(data):
            raise UnusualElf("a segment ends past the end of the file")
    return segments


def _sections(
    data: bytes, offset: int, size: int, count: int, names_section: int
) -> tuple[Section, ...]:
    if offset == 0 and count == 0:
        return ()
    if count == 0 or count >= 0xFF00 or names_section >= 0xFF00:
        raise UnusualElf("extended section numbering")
    if size != SECTION_SIZE:
        raise UnusualElf(f"section headers of {size} bytes")
    table = _table(data, "section header", offset, _SECTION, count)
    rows = list(_SECTION.iter_unpack(table))
    if names_section >= count:
        raise UnusualElf("the section of names is not in the table")
    start, length = rows[names_section][4], rows[names_section][5]
    if start + length > len(data):
        raise UnusualElf("the section of names ends past the end of the file")
    sections = []
    for row in rows:
        name = _string(data, start, length, row[0]) if names_section else ""
        section = Section(name, *row)
        if section.offset + section.file_size > len(data):
            raise UnusualElf(f"section {name or '?'} ends past the end of the file")
        sections.append(section)
    return tuple(sections)


def _string(data: bytes, start: int, length: int, at: int) -> str:
    """The NUL-ended string at `at` of a string table; what is not UTF-8 is escaped."""
    if at >= length:
        raise UnusualElf("a string lies outside its table")
    begin = start + at
    end = data.find(b"\0", begin, min(start + length, begin + _LONGEST_STRING))
    if end == -1:
        raise UnusualElf("a string does not end")
    return data[begin:end].decode("utf-8", "backslashreplace")


def _file_offset(segments: tuple[Segment, ...], address: int, size: int) -> int:
    """Where `size` bytes at an address lie in the file."""
    for segment in segments:
        if (
            segment.type == PT_LOAD
            and segment.vaddr <= address
            and address + size <= segment.vaddr + segment.file_size
        ):
            return segment.offset + address - segment.vaddr
    raise UnusualElf(f"no segment loads address {address:#x} that the dynamic section names")


def _dynamic(data: bytes, segments: tuple[Segment, ...]) -> Dynamic | None:
    tables = [segment for segment in segments if segment.type == PT_DYNAMIC]
    if not tables:
        return None
    if len(tables) > 1:
        raise UnusualElf("more than one dynamic segment")
    entries = _dynamic_entries(data, tables[0])
    single = dict(entries)
    if _DT_STRTAB not in single or _DT_STRSZ not in single:
        raise UnusualElf("a dynamic segment without a string table")
    length = single[_DT_STRSZ]
    start = _file_offset(segments, single[_DT_STRTAB], length)

    def string(at: int) -> str:
        return _string(data, start, length, at)

    versions: list[NeededVersion] = []
    if _DT_VERNEED in single:
        for name, version, flags in _versions(
            data, segments, single[_DT_VERNEED], single.get(_DT_VERNEEDNUM, 0)
        ):
            weak = bool(flags & _VER_FLG_WEAK)
            versions.append(NeededVersion(string(name), string(version), weak))
    return Dynamic(
        needed=tuple(string(value) for tag, value in entries if tag == _DT_NEEDED),
        soname=string(single[_DT_SONAME]) if _DT_SONAME in single else "",
        rpath=_paths(string(single[_DT_RPATH])) if _DT_RPATH in single else (),
        runpath=_paths(string(single[_DT_RUNPATH])) if _DT_RUNPATH in single else (),
        versions=tuple(sorted(set(versions))),
    )


def _dynamic_entries(data: bytes, table: Segment) -> list[tuple[int, int]]:
    entries: list[tuple[int, int]] = []
    size = min(table.file_size // _DYNAMIC.size, _MOST_DYNAMIC + 1) * _DYNAMIC.size
    for tag, value in _DYNAMIC.iter_unpack(data[table.offset : table.offset + size]):
        if tag == _DT_NULL:
            return entries
        entries.append((tag, value))
    if len(entries) > _MOST_DYNAMIC:
        raise UnusualElf(f"more than {_MOST_DYNAMIC} dynamic entries")
    raise UnusualElf("the dynamic section does not end")


def _versions(
    data: bytes, segments: tuple[Segment, ...], address: int, count: int
) -> Iterator[tuple[int, int, int]]:
    """Name offset of the library, of the version, and the flags; a list of lists."""
    seen = 0
    for _ in range(count):
        at = _file_offset(segments, address, _VERNEED.size)
        version, auxiliaries, library, first, following = _VERNEED.unpack_from(data, at)
        if version != 1:
            raise UnusualElf("unknown version of the needed versions' table")
        auxiliary = address + first
        for _ in range(auxiliaries):
            seen += 1
            if seen > _MOST_VERSIONS:
                raise UnusualElf(f"more than {_MOST_VERSIONS} needed versions")
            at = _file_offset(segments, auxiliary, _VERNAUX.size)
            _hash, flags, _index, name, step = _VERNAUX.unpack_from(data, at)
            yield library, name, flags
            if step == 0:
                break
            auxiliary += step
        if following == 0:
            break
        address += following


def _paths(value: str) -> tuple[str, ...]:
    return tuple(part for part in value.split(":") if part)
