"""What an image takes, told before anything of it is made."""

from __future__ import annotations

import gzip
import struct

from hypothesis import given
from hypothesis import strategies as st

from wideload.build.image.predicted import layer_bytes
from wideload.values.image import OCI_LAYER, Descriptor


def layer(size: int) -> Descriptor:
    return Descriptor(OCI_LAYER, f"sha256:{'0' * 64}", size)


@given(st.binary(max_size=200_000), st.integers(0, 9))
def test_the_last_bytes_tell_what_a_layer_takes(data: bytes, level: int) -> None:
    packed = gzip.compress(data, level)
    assert layer_bytes(layer(len(packed)), packed[-4:]) == len(data)


def test_a_size_over_4_gib_is_told_by_what_it_takes_compressed() -> None:
    size = (5 << 30) + 7
    tail = struct.pack("<I", size & 0xFFFFFFFF)
    assert layer_bytes(layer(3 << 30), tail) == size


def test_without_an_end_it_is_no_less_than_what_it_takes_compressed() -> None:
    assert 0 <= 1_000_000 - layer_bytes(layer(1_000_000), b"") < 20_000
    assert layer_bytes(layer(3), b"") == 0
