"""What is read of an ELF file, and that nothing leads the reader astray."""

from __future__ import annotations

import struct
import time

import pytest
from elf_maker import AARCH64, Spec, make
from test_slim_elf_relay import sample

from wideload.slim.elf.reader import (
    NeededVersion,
    NotElf,
    UnusualElf,
    is_elf,
    machine_of,
    parse,
)


def test_what_the_loader_is_told() -> None:
    elf = parse(
        make(
            Spec(
                needed=("libm.so.6", "libc.so.6"),
                soname="libx.so.1",
                rpath="/opt/lib",
                runpath="$ORIGIN/../x.libs::$ORIGIN",
                versions=(
                    ("libc.so.6", "GLIBC_2.17", 0),
                    ("libm.so.6", "GLIBC_2.29", 0),
                    ("libc.so.6", "GLIBC_2.34", 2),
                ),
            )
        )
    )
    assert elf.dynamic is not None
    assert elf.dynamic.needed == ("libm.so.6", "libc.so.6")
    assert elf.dynamic.soname == "libx.so.1"
    assert elf.dynamic.rpath == ("/opt/lib",)
    assert elf.dynamic.runpath == ("$ORIGIN/../x.libs", "$ORIGIN")
    assert elf.dynamic.versions == (
        NeededVersion("libc.so.6", "GLIBC_2.17"),
        NeededVersion("libc.so.6", "GLIBC_2.34", weak=True),
        NeededVersion("libm.so.6", "GLIBC_2.29"),
    )


def test_a_real_library() -> None:
    elf = parse(sample("patched.so"))
    assert elf.dynamic is not None
    assert elf.dynamic.soname == "libanswer-0123abcd.so"
    assert elf.dynamic.rpath == ("$ORIGIN/../answer.libs", "$ORIGIN/a/longer/folder")
    assert NeededVersion("libc.so.6", "GLIBC_2.2.5") in elf.dynamic.versions
    assert {".dynsym", ".symtab", ".debug_info"} <= {section.name for section in elf.sections}


def test_the_machine_is_known_even_where_the_rest_is_not_read() -> None:
    assert machine_of(make(Spec(machine=AARCH64))[:20]) == (64, 183)
    assert machine_of(b"\x7fELF\1\1" + bytes(12) + b"\3\0") == (32, 3)
    assert machine_of(b"\x7fELF\2\2" + bytes(12) + b"\0\x16") == (64, 22)
    with pytest.raises(NotElf):
        machine_of(b"\x7fELF\2\1")
    assert not is_elf(b"\x7fEL")


def patched(offset: int, form: str, value: int, spec: Spec | None = None) -> bytes:
    data = bytearray(make(spec or Spec()))
    struct.pack_into(form, data, offset, value)
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x7fELF\2\1\1", "ends within the ELF header"),
        (patched(4, "<B", 1), "not a 64-bit ELF file"),
        (patched(5, "<B", 2), "not a little-endian ELF file"),
        (patched(6, "<B", 2), "unknown version of the ELF format"),
        (patched(20, "<I", 0), "unknown version of the ELF format"),
        (patched(52, "<H", 52), "ELF header of 52 bytes"),
        (patched(54, "<H", 32), "program headers of 32 bytes"),
        (patched(56, "<H", 0xFFFF), "more program headers than their count can tell"),
        (patched(56, "<H", 0xFFFE), "the program header table ends past the end of the file"),
        (patched(32, "<Q", 1 << 63), "the program header table ends past the end of the file"),
        (patched(40, "<Q", 1 << 63), "the section header table ends past the end of the file"),
        (patched(58, "<H", 40), "section headers of 40 bytes"),
        (patched(60, "<H", 0), "extended section numbering"),
        (patched(62, "<H", 900), "the section of names is not in the table"),
    ],
)
def test_a_header_that_lies(data: bytes, reason: str) -> None:
    with pytest.raises(UnusualElf) as caught:
        parse(data)
    assert caught.value.reason == reason


def dynamic_with(tag: int, value: int) -> bytes:
    """A library whose dynamic section says something else under one tag."""
    data = bytearray(make(Spec()))
    table = parse(bytes(data)).of_type(2)[0]
    for at in range(table.offset, table.file_end, 16):
        if struct.unpack_from("<q", data, at)[0] == tag:
            struct.pack_into("<Q", data, at + 8, value)
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (dynamic_with(1, 1 << 40), "a string lies outside its table"),
        (dynamic_with(5, 1 << 40), "no segment loads address"),
        (dynamic_with(10, 1 << 40), "no segment loads address"),
        (dynamic_with(10, 4), "a string lies outside its table"),
        (dynamic_with(0x6FFFFFFE, 1 << 50), "no segment loads address"),
    ],
)
def test_a_dynamic_section_that_lies(data: bytes, reason: str) -> None:
    with pytest.raises(UnusualElf) as caught:
        parse(data)
    assert caught.value.reason.startswith(reason)


def test_a_string_without_an_end() -> None:
    data = bytearray(make(Spec()))
    names = next(section for section in parse(bytes(data)).sections if section.name == ".dynstr")
    data[names.offset : names.offset + names.size] = b"x" * names.size
    with pytest.raises(UnusualElf, match="a string does not end"):
        parse(bytes(data))


def test_a_dynamic_section_without_an_end() -> None:
    data = bytearray(make(Spec()))
    table = parse(bytes(data)).of_type(2)[0]
    struct.pack_into("<q", data, table.file_end - 16, 21)
    with pytest.raises(UnusualElf, match="does not end"):
        parse(bytes(data))


def test_versions_that_count_on_without_end_are_cut_off() -> None:
    """A list that says it is very long, each entry the next one's neighbour."""
    versions = tuple(("libc.so.6", f"GLIBC_2.{number}", 0) for number in range(20_000))
    started = time.process_time()
    with pytest.raises(UnusualElf, match="more than 16384 needed versions"):
        parse(make(Spec(versions=versions)))
    assert time.process_time() - started < 5


def test_the_last_library_ends_the_versions_whatever_their_number_is_said_to_be() -> None:
    data = bytearray(make(Spec()))
    before = parse(bytes(data)).dynamic
    table = parse(bytes(data)).of_type(2)[0]
    verneednum = struct.pack("<q", 0x6FFFFFFF)
    at = data.index(verneednum, table.offset, table.file_end)
    struct.pack_into("<Q", data, at + 8, 1 << 62)
    started = time.process_time()
    assert parse(bytes(data)).dynamic == before
    assert before is not None
    assert before.versions
    assert time.process_time() - started < 5


def test_many_dynamic_entries_are_cut_off() -> None:
    with pytest.raises(UnusualElf, match="more than 4096 dynamic entries"):
        parse(make(Spec(needed=tuple(f"lib{number}.so" for number in range(5000)))))
