"""What holds for every library, however it was made."""

from __future__ import annotations

import pytest
from elf_image import NotLoadable, assert_headers_agree, loaded_image
from elf_maker import AARCH64, X86_64, Spec, make
from hypothesis import given, settings
from hypothesis import strategies as st

from wideload.slim.elf import reader
from wideload.slim.elf.reader import ElfError, parse
from wideload.slim.elf.relay import relay

sizes = st.one_of(st.integers(0, 300), st.sampled_from([4095, 4096, 4097, 70_000]))
specs = st.builds(
    Spec,
    machine=st.sampled_from([X86_64, AARCH64]),
    align=st.sampled_from([0x1000, 0x10000, 0x200000]),
    separate=st.booleans(),
    text=sizes,
    data=sizes,
    bss=sizes,
    tls=st.booleans(),
    patched=st.one_of(st.just(0), st.integers(1, 9000)),
    former_table=st.booleans(),
    symbols=sizes,
    debug=sizes,
    sections=st.booleans(),
    seed=st.integers(0, 1000),
).filter(lambda spec: not (spec.align == 0x200000 and spec.separate and spec.patched))
pages = st.sampled_from([None, 0x1000, 0x10000])


@given(specs, pages)
@settings(max_examples=150)
def test_what_is_loaded_stays_the_same(spec: Spec, page: int | None) -> None:
    data = make(spec)
    relaid = relay(data, page=page)
    assert loaded_image(relaid.data) == loaded_image(data)
    assert_headers_agree(data, relaid.data)


@given(specs, pages)
@settings(max_examples=150)
def test_it_shrinks_or_stays_as_it_is(spec: Spec, page: int | None) -> None:
    data = make(spec)
    relaid = relay(data, page=page)
    assert relaid.reason
    if relaid.changed:
        assert len(relaid.data) < len(data)
    else:
        assert relaid.data is data


@given(specs, pages)
@settings(max_examples=150)
def test_twice_is_once(spec: Spec, page: int | None) -> None:
    once = relay(make(spec), page=page).data
    again = relay(once, page=page)
    assert not again.changed
    assert again.data == once


@given(specs, pages)
@settings(max_examples=100)
def test_loaded_sections_and_the_dynamic_section_stay_readable(
    spec: Spec, page: int | None
) -> None:
    data = make(spec)
    relaid = relay(data, page=page).data
    before, after = parse(data), parse(relaid)
    assert after.dynamic == before.dynamic
    assert after.sections_offset % 8 == 0  # rows of 8-byte numbers, which readers map
    old = {section.name: section for section in before.sections if section.loaded}
    new = {section.name: section for section in after.sections if section.loaded}
    assert new.keys() == old.keys()
    for name, section in old.items():
        moved = new[name]
        assert without_places(moved) == without_places(section)
        begin, end = section.offset, section.offset + section.file_size
        assert relaid[moved.offset : moved.offset + moved.file_size] == data[begin:end]
        assert before.sections.index(section) == after.sections.index(moved)
    if relaid is not data:
        assert not {".symtab", ".strtab", ".debug_info"} & {s.name for s in after.sections}


def without_places(section: reader.Section) -> tuple[object, ...]:
    """A section without its places in the file."""
    return (
        section.name,
        section.type,
        section.flags,
        section.address,
        section.size,
        section.link,
        section.info,
        section.align,
        section.entry_size,
    )


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(noise: bytes) -> None:
    for data in (noise, reader.MAGIC + noise, reader.MAGIC + b"\2\1\1" + noise):
        assert relay(data).data == data
        with pytest.raises(ElfError):
            parse(data)


small = st.builds(
    Spec,
    text=st.integers(0, 100),
    patched=st.sampled_from([0, 50]),
    former_table=st.booleans(),
    sections=st.booleans(),
    separate=st.booleans(),
)
numbers = st.one_of(
    st.integers(0, 255).map(lambda value: bytes([value])),
    st.sampled_from([0, 1, 0xFFFF, 0xFFFFFFFF, 1 << 63, (1 << 64) - 1]).map(
        lambda value: value.to_bytes(8, "little")
    ),
)


@given(small, st.lists(st.tuples(st.integers(0), numbers), min_size=1, max_size=6), st.booleans())
@settings(max_examples=400)
def test_damage_gives_no_wrong_output(
    spec: Spec, damage: list[tuple[int, bytes]], tables: bool
) -> None:
    data = bytearray(make(spec))
    tail = len(data) - 64 * 16
    for place, value in damage:
        # The tables are where a wrong byte tells: at the start and, of sections, at the end.
        at = place % 900 if tables or not spec.sections else tail + place % (64 * 16)
        data[at : at + len(value)] = value
    broken = bytes(data)
    check_unharmed(broken)


@given(small, st.integers(0))
@settings(max_examples=200)
def test_a_file_cut_short_is_left_alone(spec: Spec, cut: int) -> None:
    data = make(spec)
    check_unharmed(data[: cut % len(data)])


def check_unharmed(broken: bytes) -> None:
    """Whatever the bytes: no crash, and an output only if it loads as the input does."""
    relaid = relay(broken)
    if not relaid.changed:
        assert relaid.data is broken
        return
    assert len(relaid.data) < len(broken)
    try:
        before = loaded_image(broken)
    except NotLoadable:
        pytest.fail(f"changed a file that does not load: {relaid.reason}")
    assert loaded_image(relaid.data) == before
    assert_headers_agree(broken, relaid.data)
    assert parse(relaid.data).dynamic == parse(broken).dynamic
    assert relay(relaid.data).data == relaid.data
