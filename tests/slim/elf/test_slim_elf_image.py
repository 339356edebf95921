"""The checker that other tests lean on, checked."""

from __future__ import annotations

import struct

import pytest
from elf_image import NotLoadable, loaded_image, program_headers
from elf_maker import Spec, make


def test_it_holds_what_was_put_in() -> None:
    image = loaded_image(make(Spec()))
    assert [flags for _, flags, _, _ in image] == [4, 5, 4, 6]
    assert image[0][3][:64] == bytes(64)
    assert b"libmade.so\0" in image[0][3]
    assert image[3][2] == len(image[3][3].rstrip(b"\0")) + 100


def test_it_sees_a_changed_byte() -> None:
    data = bytearray(make(Spec()))
    before = loaded_image(bytes(data))
    text = program_headers(bytes(data))[1]
    data[text[2] + 20] ^= 1
    assert loaded_image(bytes(data)) != before


def test_it_refuses_what_glibc_refuses() -> None:
    data = bytearray(make(Spec()))
    struct.pack_into("<Q", data, 64 + 56 + 8, program_headers(bytes(data))[1][2] + 8)
    with pytest.raises(NotLoadable, match="congruent"):
        loaded_image(bytes(data))
