"""What a loader makes of a file, worked out by itself: shares no code with what it checks.

It maps page by page as glibc's ``_dl_map_segments`` does, so that whatever a mapping drags
in beside its segment, or overwrites of another one, shows.
"""

from __future__ import annotations

import struct

PAGE = 4096


class NotLoadable(Exception):
    """glibc would refuse it."""


def program_headers(data: bytes) -> list[tuple[int, int, int, int, int, int, int, int]]:
    """Type, flags, offset, vaddr, paddr, filesz, memsz, align."""
    (offset,) = struct.unpack_from("<Q", data, 32)
    (count,) = struct.unpack_from("<H", data, 56)
    return [struct.unpack_from("<IIQQQQQQ", data, offset + 56 * i) for i in range(count)]


def loaded_image(data: bytes) -> list[tuple[int, int, int, bytes]]:
    """Address, flags, size and memory of each loaded segment, zeros behind its last page left out.

    The ELF header and the program headers are blanked: these are what may change.
    """
    headers = program_headers(data)
    loads = [row for row in headers if row[0] == 1]
    if not loads:
        raise NotLoadable("nothing to load")
    pages: dict[int, bytes] = {}
    for _, _, offset, vaddr, _, filesz, memsz, align in loads:
        if align % PAGE or align & (align - 1):
            raise NotLoadable("alignment")
        if (vaddr - offset) % align:
            raise NotLoadable("not congruent")
        lead = vaddr % PAGE
        mapped = bytearray(data[offset - lead : offset + filesz])
        slop = -len(mapped) % PAGE
        mapped += data[offset + filesz : offset + filesz + slop]
        mapped += bytes(-len(mapped) % PAGE)
        if memsz > filesz:
            mapped[lead + filesz :] = bytes(len(mapped) - lead - filesz)
        first = vaddr // PAGE
        for number in [page for page in pages if first <= page <= (vaddr + memsz - 1) // PAGE]:
            del pages[number]
        for at in range(0, len(mapped), PAGE):
            pages[first + at // PAGE] = bytes(mapped[at : at + PAGE])
    (table,) = struct.unpack_from("<Q", data, 32)
    image = []
    for _, flags, offset, vaddr, _, filesz, memsz, _ in loads:
        first, last = vaddr // PAGE, (vaddr + filesz - 1) // PAGE
        content = b"".join(pages.get(page, bytes(PAGE)) for page in range(first, last + 1))
        memory = bytearray(content[vaddr % PAGE :][:memsz])
        for begin, length in ((0, 64), (table, 56 * len(headers))):
            if offset <= begin and begin + length <= offset + filesz:
                memory[begin - offset : begin - offset + length] = bytes(length)
        image.append((vaddr, flags, memsz, bytes(memory)))
    return image


def _blanked(data: bytes) -> bytes:
    """The file without the ELF header and the program headers."""
    (table,) = struct.unpack_from("<Q", data, 32)
    end = table + 56 * len(program_headers(data))
    return bytes(64) + data[64:table] + bytes(end - table) + data[end:]


def assert_headers_agree(before: bytes, after: bytes) -> None:
    """All that is not a place in the file is the same, and each place still names its bytes."""
    for start, end in ((0, 32), (48, 58)):
        assert before[start:end] == after[start:end]
    old_bytes, new_bytes = _blanked(before), _blanked(after)
    for old, new in zip(program_headers(before), program_headers(after), strict=True):
        kind, flags, offset, vaddr, paddr, filesz, memsz, align = old
        assert (kind, flags, vaddr, paddr, filesz, memsz) == (new[0], new[1], *new[3:7])
        assert new[7] <= align
        assert kind == 1 or new[7] == align
        assert new[2] + filesz <= len(after)
        if align > 1 and kind != 0x6474E551:
            assert kind != 1 or (vaddr - new[2]) % new[7] == 0
            assert (offset - new[2]) % new[7] == 0
        if kind != 1 and filesz:
            assert old_bytes[offset : offset + filesz] == new_bytes[new[2] : new[2] + filesz]
