"""What is dropped, what is kept, and what is left alone and why."""

from __future__ import annotations

import gzip
import platform
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from elf_image import assert_headers_agree, loaded_image, program_headers
from elf_maker import AARCH64, SECTION, Spec, make

from wideload.slim.elf.reader import parse
from wideload.slim.elf.relay import relay

SAMPLES = Path(__file__).parent / "samples"
LIBRARIES = ("plain.so", "wide.so", "patched.so", "arm64.so")

loads_here = pytest.mark.skipif(
    not (sys.platform == "linux" and platform.machine() == "x86_64"),
    reason="the samples are for Linux on x86_64",
)


def sample(name: str) -> bytes:
    return gzip.decompress((SAMPLES / f"{name}.gz").read_bytes())


def test_symbols_and_debug_information_go() -> None:
    data = make(Spec(symbols=5000, debug=7000))
    relaid = relay(data)
    assert relaid.changed
    assert relaid.reason == "not loaded: .comment, .strtab, .symtab, debug information"
    assert len(data) - len(relaid.data) > 17_000
    assert b"aaaa" not in relaid.data
    names = [section.name for section in parse(relaid.data).sections]
    assert ".dynsym" in names
    assert ".debug_info" not in names


def test_the_section_table_lies_in_a_gap() -> None:
    relaid = relay(make(Spec(symbols=5000)))
    elf = parse(relaid.data)
    last = max(segment.file_end for segment in elf.of_type(1))
    assert 0 < elf.sections_offset < last == len(relaid.data)


def test_the_section_table_goes_behind_where_no_gap_holds_it() -> None:
    data = make(Spec(separate=False, symbols=5000))
    relaid = relay(data)
    elf = parse(relaid.data)
    assert elf.sections_offset >= max(segment.file_end for segment in elf.of_type(1))
    assert loaded_image(relaid.data) == loaded_image(data)


def test_a_library_without_sections_keeps_none() -> None:
    data = make(Spec(sections=False, appended=bytes(500)))
    relaid = relay(data)
    assert relaid.changed
    elf = parse(relaid.data)
    assert (elf.sections_offset, elf.sections, elf.names_section) == (0, (), 0)


def test_sections_keep_their_indices_around_a_dropped_one() -> None:
    data = make(Spec(patched=100))
    relaid = relay(data)
    before, after = parse(data).sections, parse(relaid.data).sections
    assert after[-1].name == ".shstrtab"
    assert [s.name for s in before].index(".gnu.hash") == [s.name for s in after].index(".gnu.hash")
    assert "" in [section.name for section in after[1:]]


def test_a_segment_that_patchelf_added_moves_up() -> None:
    data = make(Spec(patched=100, debug=20_000, former_table=True))
    relaid = relay(data)
    before, after = program_headers(data), program_headers(relaid.data)
    added = [row for row in before if row[0] == 1][-1]
    moved = [row for row in after if row[0] == 1][-1]
    assert moved[2] < added[2] - 16_000
    assert moved[3] == added[3]


def test_alignment_is_lowered_only_when_asked() -> None:
    data = make(Spec(machine=AARCH64, align=0x10000))
    kept, lowered = relay(data), relay(data, page=0x1000)
    assert "alignment" not in kept.reason
    assert lowered.reason.endswith("alignment lowered to 4096 bytes")
    assert len(lowered.data) < len(kept.data) - 150_000
    assert {row[7] for row in program_headers(kept.data) if row[0] == 1} == {0x10000}
    assert {row[7] for row in program_headers(lowered.data) if row[0] == 1} == {0x1000}
    assert loaded_image(lowered.data) == loaded_image(data)


def test_alignment_stays_where_a_section_asks_for_it() -> None:
    data = bytearray(make(Spec(align=0x10000)))
    elf = parse(bytes(data))
    index = [section.name for section in elf.sections].index(".data")
    at = elf.sections_offset + 64 * index
    row = list(SECTION.unpack_from(data, at))
    row[8] = 0x2000
    SECTION.pack_into(data, at, *row)
    assert "alignment" not in relay(bytes(data), page=0x1000).reason


def test_alignment_stays_where_no_section_tells_what_is_needed() -> None:
    data = make(Spec(align=0x10000, sections=False, appended=bytes(500)))
    assert {row[7] for row in program_headers(relay(data, page=0x1000).data) if row[0] == 1} == {
        0x10000
    }


@pytest.mark.parametrize("page", [0, 1, 2048, 5000])
def test_a_page_is_a_power_of_two_of_4096_and_up(page: int) -> None:
    with pytest.raises(ValueError, match="not the size of a page"):
        relay(make(Spec()), page=page)


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        (Spec(type=1), "an object file"),
        (Spec(type=2), "an executable"),
        (Spec(type=4), "a core dump"),
        (Spec(type=9), "ELF type 9"),
        (Spec(interpreter=True), "an executable"),
        (Spec(machine=8), "for machine 8, not x86_64 or arm64"),
        (Spec(unknown_section=".payload"), "an unknown section that is not loaded: .payload"),
        (Spec(unloaded_note=True), "a segment of type 0x4 that is not loaded"),
        (Spec(appended=b"PK\5\6 a zip"), "10 bytes appended behind its end"),
        (Spec(sections=False, appended=b"upx"), "3 bytes appended behind its end"),
    ],
)
def test_the_unusual_is_left_alone(spec: Spec, reason: str) -> None:
    data = make(spec)
    relaid = relay(data)
    assert relaid == type(relaid)(data, False, reason)
    assert relaid.data is data


def rewritten(row: int, **fields: int) -> bytes:
    """A library with fields of one program header changed."""
    names = ("type", "flags", "offset", "vaddr", "paddr", "filesz", "memsz", "align")
    data = bytearray(make(Spec()))
    values = list(program_headers(bytes(data))[row])
    for name, value in fields.items():
        values[names.index(name)] = value
    struct.pack_into("<IIQQQQQQ", data, 64 + 56 * row, *values)
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (rewritten(1, vaddr=0x1008), "a segment whose offset is not congruent to its address"),
        (rewritten(1, vaddr=0), "segments that overlap or are not in order of address"),
        (rewritten(1, offset=0), "segments that overlap or are not in order in the file"),
        (rewritten(1, align=0x10), "a segment aligned to 16"),
        (rewritten(1, align=0x3000), "a segment aligned to 12288"),
        (rewritten(1, filesz=0), "a segment without bytes in the file"),
        (rewritten(1, memsz=1), "a segment with more bytes than memory"),
        (rewritten(5, align=3), "a segment aligned to 3"),
        (rewritten(5, vaddr=8), "a segment of type 0x4 that is not loaded"),
        (rewritten(4, type=0x60000000), "no dynamic segment"),
        (rewritten(5, offset=1 << 40), "a segment ends past the end of the file"),
        (rewritten(1, filesz=(1 << 64) - 1), "a segment ends past the end of the file"),
    ],
)
def test_contradictions_are_left_alone(data: bytes, reason: str) -> None:
    relaid = relay(data)
    assert relaid.reason == reason
    assert relaid.data is data


def test_a_header_that_is_not_loaded_is_left_alone() -> None:
    data = bytearray(make(Spec()))
    struct.pack_into("<I", data, 64, 0x60000000)
    struct.pack_into("<I", data, 64 + 56 * 4, 0x60000001)
    assert relay(bytes(data)).reason == "no dynamic segment"
    data = bytearray(make(Spec()))
    struct.pack_into("<Q", data, 32, len(data))
    data += data[64 : 64 + 56 * struct.unpack_from("<H", data, 56)[0]]
    assert relay(bytes(data)).reason == "the program headers are not loaded"


def test_unknown_bytes_between_segments_are_left_alone() -> None:
    data = bytearray(make(Spec()))
    first = parse(bytes(data)).of_type(1)[0]
    data[first.file_end + 8 : first.file_end + 15] = b"payload"
    assert relay(bytes(data)).reason.endswith(f"unknown bytes at {first.file_end:#x}")


def test_an_unknown_abi_is_left_alone() -> None:
    data = bytearray(make(Spec()))
    data[8:11] = b"AI\2"
    assert relay(bytes(data)).reason == "an unknown application binary interface"


def test_what_is_no_elf_file_is_left_alone() -> None:
    for data in (b"", b"\x7fEL", b"#!/bin/sh\n", bytes(100)):
        assert relay(data).reason == "does not begin as an ELF file"


@pytest.mark.parametrize("name", LIBRARIES)
@pytest.mark.parametrize("page", [None, 0x1000])
def test_real_libraries_keep_their_image(name: str, page: int | None) -> None:
    data = sample(name)
    relaid = relay(data, page=page)
    assert relaid.changed
    assert "debug information" in relaid.reason
    assert loaded_image(relaid.data) == loaded_image(data)
    assert_headers_agree(data, relaid.data)
    assert relay(relaid.data, page=page).data == relaid.data
    assert parse(relaid.data).dynamic == parse(data).dynamic


def test_a_real_program_is_left_alone() -> None:
    assert relay(sample("program")).reason == "an executable"


_CALL = """
import ctypes, sys
library = ctypes.CDLL(sys.argv[1])
print(library.answer(), library.raise_counter(), library.answer())
"""


@loads_here
@pytest.mark.parametrize("name", ["plain.so", "wide.so", "patched.so"])
@pytest.mark.parametrize("page", [None, 0x1000])
def test_real_libraries_load_and_answer(name: str, page: int | None, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(relay(sample(name), page=page).data)
    run = subprocess.run(
        [sys.executable, "-c", _CALL, str(path)], capture_output=True, text=True, check=False
    )
    assert (run.stdout, run.stderr) == ("42 41 43\n", "")
