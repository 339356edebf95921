"""Writes small ELF libraries, byte by byte, as linkers, patchelf and oddities would."""

from __future__ import annotations

import dataclasses
import random
import struct

HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
PROGRAM = struct.Struct("<IIQQQQQQ")
SECTION = struct.Struct("<IIQQQQIIQQ")

X86_64 = 62
AARCH64 = 183


@dataclasses.dataclass(frozen=True)
class Spec:
    """What a library is to look like; sizes in bytes."""

    machine: int = X86_64
    type: int = 3
    align: int = 0x1000
    separate: bool = True
    """Each segment begins on a page of the file, as ``-z separate-code`` lays them."""
    text: int = 900
    data: int = 300
    bss: int = 100
    tls: bool = True
    interpreter: bool = False
    patched: int = 0
    """Bytes of a segment added behind all else, as patchelf adds them."""
    former_table: bool = False
    """The section header table that patchelf left where it was."""
    symbols: int = 500
    debug: int = 700
    sections: bool = True
    unknown_section: str = ""
    unloaded_note: bool = False
    appended: bytes = b""
    needed: tuple[str, ...] = ("libc.so.6",)
    soname: str = "libmade.so"
    rpath: str = ""
    runpath: str = ""
    versions: tuple[tuple[str, str, int], ...] = (("libc.so.6", "GLIBC_2.17", 0),)
    """Library, version, flags."""
    seed: int = 0


@dataclasses.dataclass
class _Section:
    name: str
    type: int
    flags: int
    address: int
    offset: int
    size: int
    link: str = ""
    info: int = 0
    align: int = 1
    entry: int = 0


class _Strings:
    def __init__(self) -> None:
        self.data = bytearray(b"\0")

    def add(self, text: str) -> int:
        at = len(self.data)
        self.data += text.encode() + b"\0"
        return at


def _up(value: int, align: int) -> int:
    return -(-value // align) * align


class _Writer:
    """Keeps the file so far, and the addresses of what it holds."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.random = random.Random(spec.seed)
        self.file = bytearray()
        self.address = 0
        self.programs: list[tuple[int, int, int, int, int, int, int, int]] = []
        self.sections: list[_Section] = []
        self.start = (0, 0)

    def pad(self, align: int) -> None:
        self.file += bytes(_up(len(self.file), align) - len(self.file))

    def open(self) -> None:
        """Begin a segment: another page of memory, and of the file if so wanted."""
        if self.spec.separate:
            self.pad(self.spec.align)
        here = len(self.file)
        if self.file:
            self.address = _up(self.address, self.spec.align) + here % self.spec.align
        self.start = (here, self.address)

    def put(
        self, name: str, kind: int, flags: int, content: bytes, *, align: int = 8, entry: int = 0
    ) -> tuple[int, int]:
        """Add a loaded section; its offset and its address."""
        before = len(self.file)
        self.pad(align)
        offset = len(self.file)
        self.address += offset - before
        address = self.address
        self.file += content
        self.address += len(content)
        if name:
            self.sections.append(
                _Section(name, kind, flags, address, offset, len(content), align=align, entry=entry)
            )
        return offset, address

    def close(self, flags: int, bss: int = 0) -> None:
        offset, address = self.start
        size = len(self.file) - offset
        if bss:
            self.sections.append(_Section(".bss", 8, 3, self.address, len(self.file), bss, align=1))
            self.address += bss
        self.programs.append(
            (1, flags, offset, address, address, size, size + bss, self.spec.align)
        )

    def noise(self, size: int) -> bytes:
        return self.random.randbytes(size)


def make(spec: Spec) -> bytes:
    """The library's bytes."""
    writer = _Writer(spec)
    count = 4 + 5 + spec.tls + spec.interpreter + bool(spec.patched) + spec.unloaded_note
    writer.open()
    writer.file += bytes(64 + 56 * count)
    writer.address += len(writer.file)
    note = struct.pack("<III", 4, 20, 3) + b"GNU\0" + writer.noise(20)
    notes = writer.put(".note.gnu.build-id", 7, 2, note, align=4)
    interpreter = (0, 0)
    if spec.interpreter:
        interpreter = writer.put(".interp", 1, 2, b"/lib64/ld-linux-x86-64.so.2\0", align=1)
    strings = _Strings()
    dynamic = [(1, strings.add(name)) for name in spec.needed]
    for tag, text in ((14, spec.soname), (15, spec.rpath), (29, spec.runpath)):
        if text:
            dynamic.append((tag, strings.add(text)))
    verneed = _verneed(spec, strings)
    symbols = bytes(24) + struct.pack("<IBBHQQ", strings.add("made"), 0x12, 0, 5, 0x1000, 8)
    dynsym = writer.put(".dynsym", 11, 2, symbols, entry=24)
    dynstr = writer.put(".dynstr", 3, 2, bytes(strings.data), align=1)
    if verneed:
        version = writer.put(".gnu.version_r", 0x6FFFFFFE, 2, verneed)
        writer.sections[-1].info = len({library for library, _, _ in spec.versions})
        dynamic += [(0x6FFFFFFE, version[1]), (0x6FFFFFFF, writer.sections[-1].info)]
    dynamic += [(5, dynstr[1]), (10, len(strings.data)), (6, dynsym[1]), (0, 0)]
    writer.close(4)
    writer.open()
    writer.put(".text", 1, 6, writer.noise(spec.text), align=16)
    writer.close(5)
    writer.open()
    frame = writer.put(".eh_frame_hdr", 1, 2, writer.noise(32), align=4)
    writer.put(".rodata", 1, 2, writer.noise(64), align=16)
    writer.close(4)
    writer.open()
    tdata = writer.put(".tdata", 1, 0x403, writer.noise(16)) if spec.tls else (0, 0)
    table = b"".join(struct.pack("<qQ", *entry) for entry in dynamic)
    dyn = writer.put(".dynamic", 6, 3, table, entry=16)
    relro_end = len(writer.file)
    writer.put(".data", 1, 3, writer.noise(spec.data))
    relro = writer.start
    writer.close(6, spec.bss)
    writer.programs += [
        (2, 6, *_thrice(dyn), len(table), len(table), 8),
        (4, 4, *_thrice(notes), len(note), len(note), 4),
        (0x6474E550, 4, *_thrice(frame), 32, 32, 4),
        (0x6474E551, 6, 0, 0, 0, 0, 0, 16),
        (0x6474E552, 4, *_thrice(relro), relro_end - relro[0], relro_end - relro[0], 1),
    ]
    if spec.tls:
        writer.programs.append((7, 4, *_thrice(tdata), 16, 32, 8))
    if spec.interpreter:
        writer.programs.insert(0, (3, 4, *_thrice(interpreter), 28, 28, 1))
    _behind(writer)
    if spec.patched:
        writer.pad(spec.align)
        writer.address = _up(writer.address, spec.align)
        writer.start = (len(writer.file), writer.address)
        writer.put(".gnu.hash", 0x6FFFFFF6, 2, writer.noise(spec.patched))
        writer.close(6)
        last = writer.programs.pop()
        at = max(index for index, row in enumerate(writer.programs) if row[0] == 1) + 1
        writer.programs.insert(at, last)
    return _finish(writer, count)


def _thrice(place: tuple[int, int]) -> tuple[int, int, int]:
    offset, address = place
    return offset, address, address


def _verneed(spec: Spec, strings: _Strings) -> bytes:
    libraries: dict[str, list[tuple[str, int]]] = {}
    for library, version, flags in spec.versions:
        libraries.setdefault(library, []).append((version, flags))
    out = b""
    for number, (library, versions) in enumerate(libraries.items()):
        following = 0 if number == len(libraries) - 1 else 16 + 16 * len(versions)
        out += struct.pack("<HHIII", 1, len(versions), strings.add(library), 16, following)
        for at, (version, flags) in enumerate(versions):
            step = 0 if at == len(versions) - 1 else 16
            out += struct.pack("<IHHII", 0, flags, at + 2, strings.add(version), step)
    return out


def _behind(writer: _Writer) -> None:
    """What no segment loads."""
    spec = writer.spec
    loose: list[tuple[str, int, bytes]] = [
        (".comment", 1, b"made by hand\0"),
        (".debug_info", 1, writer.noise(spec.debug)),
    ]
    if spec.unloaded_note:
        loose.append((".note.payload", 7, writer.noise(40)))
    if spec.unknown_section:
        loose.append((spec.unknown_section, 1, writer.noise(40)))
    loose += [
        (".symtab", 2, writer.noise(_up(spec.symbols, 24))),
        (".strtab", 3, b"\0" + b"a" * spec.symbols + b"\0"),
    ]
    if not spec.sections:
        return
    for name, kind, content in loose:
        writer.pad(8)
        offset = len(writer.file)
        writer.file += content
        link = ".strtab" if name == ".symtab" else ""
        writer.sections.append(_Section(name, kind, 0, 0, offset, len(content), link))
        if name == ".note.payload":
            writer.programs.append((4, 4, offset, 0, 0, 40, 40, 4))
    if spec.former_table:
        writer.pad(8)
        rows = [SECTION.pack(7, 7, 2, 0x200, 0x200, 36, 0, 0, 4, 0)] * 3
        writer.file += bytes(64) + b"".join(rows)


def _finish(writer: _Writer, count: int) -> bytes:
    spec = writer.spec
    assert len(writer.programs) == count
    head = struct.pack("<4sBBBB8x", b"\x7fELF", 2, 1, 1, 0)
    at = names_at = rows = 0
    if spec.sections:
        names = _Strings()
        order = {section.name: index + 1 for index, section in enumerate(writer.sections)}
        linked = {".dynsym": ".dynstr", ".dynamic": ".dynstr", ".gnu.version_r": ".dynstr"}
        table = [bytes(64)]
        for section in writer.sections:
            link = order.get(section.link or linked.get(section.name, ""), 0)
            table.append(
                SECTION.pack(
                    names.add(section.name),
                    section.type,
                    section.flags,
                    section.address,
                    section.offset,
                    section.size,
                    link,
                    section.info,
                    section.align,
                    section.entry,
                )
            )
        own = names.add(".shstrtab")
        size = len(names.data)
        table.append(SECTION.pack(own, 3, 0, 0, len(writer.file), size, 0, 0, 1, 0))
        writer.file += names.data
        writer.pad(8)
        at, rows, names_at = len(writer.file), len(table), len(table) - 1
        writer.file += b"".join(table)
    entry = (64, 56, count, 64 if rows else 0, rows, names_at)
    writer.file[:64] = HEADER.pack(head, spec.type, spec.machine, 1, 0, 64, at, 0, *entry)
    writer.file[64 : 64 + 56 * count] = b"".join(PROGRAM.pack(*row) for row in writer.programs)
    return bytes(writer.file) + spec.appended
