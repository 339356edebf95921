"""Where each piece of a library goes when only its loaded segments are kept."""

from __future__ import annotations

import itertools
import struct
from typing import TYPE_CHECKING

import msgspec

from wideload.slim.elf import reader
from wideload.slim.elf.reader import ElfFile, Section, Segment, UnusualElf

if TYPE_CHECKING:
    from collections.abc import Sequence

_SEGMENT = struct.Struct("<IIQQQQQQ")
_SECTION = struct.Struct("<IIQQQQIIQQ")

# The pages of Linux: 4 KiB on x86_64, up to 64 KiB on arm64.
_SMALLEST_PAGE = 0x1000
_LARGEST_PAGE = 0x10000


class Block(msgspec.Struct, frozen=True):
    """Bytes that are copied as they are; offsets and size in bytes."""

    source: int
    target: int
    size: int


class Layout(msgspec.Struct, frozen=True):
    """A file to write: blocks on zeros, then patches over them."""

    size: int
    blocks: tuple[Block, ...]
    patches: tuple[tuple[int, bytes], ...]
    lowered: int = 0
    """The alignment that segments were lowered to, or 0."""


class _Group(msgspec.Struct, frozen=True):
    """Segments that share a page of memory or bytes of the file, and so move together."""

    loads: tuple[Segment, ...]
    align: int

    @property
    def start(self) -> int:
        return self.loads[0].offset

    @property
    def end(self) -> int:
        return max(load.file_end for load in self.loads)


def lay(elf: ElfFile, *, page: int | None = None) -> Layout:
    """The tightest layout that keeps the segments' order and alignment.

    :param page: alignments above this are lowered to it where that saves bytes.
    :raises UnusualElf: the segments contradict each other, or something that must be
        loaded is not.
    """
    loads = _checked_loads(elf)
    kept = _placed(elf, loads)
    if page is None or not _may_lower(elf, page):
        return kept
    lowered = tuple(
        msgspec.structs.replace(segment, align=min(segment.align, page))
        if segment.type == reader.PT_LOAD
        else segment
        for segment in elf.segments
    )
    if lowered == elf.segments:
        return kept
    tighter = msgspec.structs.replace(elf, segments=lowered)
    layout = _placed(tighter, _checked_loads(tighter))
    return msgspec.structs.replace(layout, lowered=page) if layout.size < kept.size else kept


def _may_lower(elf: ElfFile, page: int) -> bool:
    """Whether nothing inside asks for more than a page; without sections nobody knows."""
    if page < _SMALLEST_PAGE or page & (page - 1):
        raise ValueError(f"not the size of a page: {page}")
    wants = [section.align for section in elf.sections if section.loaded]
    wants += [
        segment.align
        for segment in elf.segments
        if segment.type not in (reader.PT_LOAD, reader.PT_GNU_STACK)
    ]
    return bool(elf.sections) and max(wants, default=0) <= page


def _checked_loads(elf: ElfFile) -> tuple[Segment, ...]:
    loads = elf.of_type(reader.PT_LOAD)
    if not loads or loads[0].offset != 0 or loads[0].file_size < reader.HEADER_SIZE:
        raise UnusualElf("the first segment does not load the ELF header")
    reached = offset = 0
    for load in loads:
        if load.file_size == 0:
            raise UnusualElf("a segment without bytes in the file")
        if load.file_size > load.memory_size:
            raise UnusualElf("a segment with more bytes than memory")
        if load.align < _SMALLEST_PAGE or load.align & (load.align - 1):
            raise UnusualElf(f"a segment aligned to {load.align}")
        if (load.vaddr - load.offset) % load.align:
            raise UnusualElf("a segment whose offset is not congruent to its address")
        if load.vaddr < reached:
            raise UnusualElf("segments that overlap or are not in order of address")
        if load.offset < offset:
            raise UnusualElf("segments that overlap or are not in order in the file")
        reached = load.vaddr + load.memory_size
        offset = load.file_end
    return loads


def _placed(elf: ElfFile, loads: tuple[Segment, ...]) -> Layout:
    shifts: dict[Segment, int] = {}
    blocks: list[Block] = []
    end = 0
    for group in _groups(elf, loads):
        shift = (group.start - end) // group.align * group.align
        blocks.append(Block(group.start, group.start - shift, group.end - group.start))
        end = group.end - shift
        shifts.update(dict.fromkeys(group.loads, shift))

    segments = [_moved(segment, loads, shifts) for segment in elf.segments]
    table_size = reader.SEGMENT_SIZE * len(elf.segments)
    holder = _holder(loads, elf.segments_offset, table_size)
    if holder is None or elf.segments_offset < reader.HEADER_SIZE:
        raise UnusualElf("the program headers are not loaded")
    table = elf.segments_offset - shifts[holder]
    patches = [(table, b"".join(_packed(segment) for segment in segments))]
    patches.append((32, struct.pack("<Q", table)))

    sections, names_section, names = _section_table(elf, loads, shifts)
    at = 0
    if sections:
        blob = b"".join(sections)
        at, end = _room(blocks, len(blob) + len(names), end)
        names_at = at + len(blob)
        row = _SECTION.pack(*_names_row(names, names_at))
        start = names_section * _SECTION.size
        blob = blob[:start] + row + blob[start + _SECTION.size :]
        patches.append((at, blob + names))
    patches.append((40, struct.pack("<Q", at)))
    patches.append((58, struct.pack("<HHH", *(_counts(len(sections), names_section)))))
    return Layout(size=end, blocks=tuple(blocks), patches=tuple(patches))


def _groups(elf: ElfFile, loads: tuple[Segment, ...]) -> list[_Group]:
    groups: list[list[Segment]] = []
    for load in loads:
        if groups and _share_a_page(elf, groups[-1][-1], load):
            last = groups[-1][-1]
            if last.vaddr - last.offset != load.vaddr - load.offset:
                raise UnusualElf("segments that share a page of memory but not of the file")
            groups[-1].append(load)
        else:
            groups.append([load])
    return [_Group(tuple(group), _alignment(elf, group)) for group in groups]


def _share_a_page(elf: ElfFile, first: Segment, second: Segment) -> bool:
    """Whether one mapping of these covers bytes of the other, at any page that fits both."""
    page = _SMALLEST_PAGE
    if elf.machine == reader.EM_AARCH64:
        page = min(_LARGEST_PAGE, first.align, second.align)
    return (first.vaddr + first.memory_size - 1) // page >= second.vaddr // page


def _alignment(elf: ElfFile, loads: Sequence[Segment]) -> int:
    """What a group may be moved by: a multiple that keeps all headers in it congruent."""
    align = max(load.align for load in loads)
    for segment in elf.segments:
        if segment.align & (segment.align - 1):
            raise UnusualElf(f"a segment aligned to {segment.align}")
        inside = any(load.offset <= segment.offset < load.file_end for load in loads)
        if inside and segment.type != reader.PT_GNU_STACK:
            align = max(align, segment.align)
    return align


def _holder(loads: Sequence[Segment], offset: int, size: int) -> Segment | None:
    """The segment that loads these bytes of the file."""
    for load in loads:
        if load.offset <= offset and offset + size <= load.file_end:
            return load
    return None


def _moved(segment: Segment, loads: tuple[Segment, ...], shifts: dict[Segment, int]) -> Segment:
    if segment in shifts:
        return msgspec.structs.replace(segment, offset=segment.offset - shifts[segment])
    if segment.offset == segment.file_size == segment.memory_size == 0:
        return segment  # A mere mark, as GNU_STACK is.
    for load in loads:
        if (
            load.offset <= segment.offset
            and segment.file_end <= load.file_end
            and segment.vaddr - load.vaddr == segment.offset - load.offset
        ):
            return msgspec.structs.replace(segment, offset=segment.offset - shifts[load])
    raise UnusualElf(f"a segment of type {segment.type:#x} that is not loaded")


def _packed(segment: Segment) -> bytes:
    return _SEGMENT.pack(
        segment.type,
        segment.flags,
        segment.offset,
        segment.vaddr,
        segment.paddr,
        segment.file_size,
        segment.memory_size,
        segment.align,
    )


def _section_table(
    elf: ElfFile, loads: tuple[Segment, ...], shifts: dict[Segment, int]
) -> tuple[list[bytes], int, bytes]:
    """The rows of the loaded sections, the index of the names' row, and the names.

    Sections keep their indices, since symbols and links refer to them: what is dropped
    before the last loaded one leaves an empty row.
    """
    kept = [index for index, section in enumerate(elf.sections) if section.loaded]
    if not kept:
        return [], 0, b""
    count = kept[-1] + 1
    names_section = elf.names_section
    if names_section >= count or names_section == 0:
        names_section, count = count, count + 1
    if elf.sections[elf.names_section].loaded:
        raise UnusualElf("the sections' names are loaded")
    names = bytearray(b"\0")
    places: dict[str, int] = {"": 0}
    for name in (*(elf.sections[index].name for index in kept), ".shstrtab"):
        if name not in places:
            places[name] = len(names)
            names += name.encode() + b"\0"
    rows = [bytes(_SECTION.size)] * count
    for index in kept:
        section = elf.sections[index]
        if section.link >= count or not _links_into(elf, section.link):
            raise UnusualElf(f"section {section.name} is loaded but not the one it links to")
        rows[index] = _SECTION.pack(
            places[section.name],
            section.type,
            section.flags,
            section.address,
            _moved_section(section, loads, shifts),
            section.size,
            section.link,
            section.info,
            section.align,
            section.entry_size,
        )
    return rows, names_section, bytes(names)


def _links_into(elf: ElfFile, link: int) -> bool:
    return link == 0 or (link < len(elf.sections) and elf.sections[link].loaded)


def _moved_section(section: Section, loads: tuple[Segment, ...], shifts: dict[Segment, int]) -> int:
    if section.file_size:
        holder = _holder(loads, section.offset, section.file_size)
        if holder is None or section.address - holder.vaddr != section.offset - holder.offset:
            raise UnusualElf(f"section {section.name} is to be loaded but no segment does")
        return section.offset - shifts[holder]
    for load in loads:
        if load.vaddr <= section.address <= load.vaddr + load.memory_size:
            inside = min(section.address - load.vaddr, load.file_size)
            return load.offset - shifts[load] + inside
    raise UnusualElf(f"section {section.name} is to be loaded but no segment does")


def _names_row(names: bytes, offset: int) -> tuple[int, ...]:
    place = names.index(b"\0.shstrtab\0") + 1
    return (place, reader.SHT_STRTAB, 0, 0, offset, len(names), 0, 0, 1, 0)


def _room(blocks: Sequence[Block], size: int, end: int) -> tuple[int, int]:
    """Where the section table goes, and where the file then ends: a gap that fits, or behind."""
    for before, after in itertools.pairwise(blocks):
        at = _aligned(before.target + before.size)
        if at + size <= after.target:
            return at, end
    at = _aligned(end)
    return at, at + size


def _aligned(offset: int) -> int:
    return (offset + 7) // 8 * 8


def _counts(sections: int, names_section: int) -> tuple[int, int, int]:
    """``e_shentsize``, ``e_shnum``, ``e_shstrndx``."""
    return (_SECTION.size, sections, names_section) if sections else (0, 0, 0)
