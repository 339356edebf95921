"""Many damaged files, each by a few bytes where it matters."""

from __future__ import annotations

import random
import time

import pytest
from elf_maker import AARCH64, Spec, make
from test_slim_elf_laws import check_unharmed
from test_slim_elf_relay import sample

from wideload.slim.elf.reader import parse

_VALUES = (0, 1, 7, 0x7F, 0xFF, 0xFFFF, 0x10000, 0xFFFFFFFF, 1 << 47, 1 << 63, (1 << 64) - 1)


def _places(data: bytes) -> list[tuple[int, int]]:
    """Where the tables lie: the headers, the dynamic section, the versions, the strings."""
    elf = parse(data)
    places = [(0, 64), (elf.segments_offset, elf.segments_offset + 56 * len(elf.segments))]
    if elf.sections:
        end = elf.sections_offset + 64 * len(elf.sections)
        places.append((elf.sections_offset, end))
    places += [(segment.offset, segment.file_end) for segment in elf.of_type(2)]
    places += [
        (section.offset, section.offset + section.file_size)
        for section in elf.sections
        if section.name in (".gnu.version_r", ".dynstr", ".shstrtab") and section.file_size
    ]
    return places


def _damaged(data: bytes, places: list[tuple[int, int]], chance: random.Random) -> bytes:
    broken = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        start, end = chance.choice(places)
        at = chance.randrange(start, end)
        match chance.randrange(4):
            case 0:
                broken[at] ^= 1 << chance.randrange(8)
            case 1:
                at -= at % 8
                broken[at : at + 8] = chance.choice(_VALUES).to_bytes(8, "little")
            case 2:
                at -= at % 4
                broken[at : at + 4] = (chance.choice(_VALUES) & 0xFFFFFFFF).to_bytes(4, "little")
            case _:
                at -= at % 8
                value = int.from_bytes(broken[at : at + 8], "little")
                value += chance.choice((-0x1000, -8, -1, 1, 8, 0x1000))
                broken[at : at + 8] = (value % (1 << 64)).to_bytes(8, "little")
    if chance.random() < 0.05:
        del broken[chance.randrange(len(broken)) :]
    return bytes(broken)


def _fuzz(rounds: int, seed: int) -> None:
    chance = random.Random(seed)
    originals = [
        make(Spec(patched=60, former_table=True)),
        make(Spec(separate=False, machine=AARCH64)),
        make(Spec(sections=False, versions=(("libc.so.6", "GLIBC_2.17", 0),) * 5)),
        sample("plain.so"),
        sample("patched.so"),
    ]
    known = [(data, _places(data)) for data in originals]
    for _ in range(rounds):
        data, places = chance.choice(known)
        started = time.process_time()
        check_unharmed(_damaged(data, places, chance))
        assert time.process_time() - started < 5


def test_damaged_tables() -> None:
    _fuzz(2000, seed=1)


@pytest.mark.heavy
@pytest.mark.parametrize("seed", range(10, 18))
def test_many_damaged_tables(seed: int) -> None:
    _fuzz(25_000, seed=seed)
