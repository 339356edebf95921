"""Law: whatever the bytes of a wheel are, reading it ends with its members or one clear error."""

from __future__ import annotations

import contextlib
import io
import zlib

from hypothesis import given, settings
from hypothesis import strategies as st

from wheel_maker import wheel, with_zip64
from wideload.errors import WideloadError
from wideload.resolve.directory import Directory
from wideload.values.tree import is_clean_path

PLAIN = wheel(files={"demo/a.py": "A = 1\n" * 20, "demo/b.so": bytes(range(256))}, requires=["x"])
ZIP64 = PLAIN.with_data(with_zip64(PLAIN.data))


def outcome(data: bytes) -> None:
    """Read it; any other error than ours escapes and fails the test."""
    with contextlib.suppress(WideloadError):
        directory = Directory(io.BytesIO(data), PLAIN.filename)
        directory.metadata()
        assert all(is_clean_path(one.path) for one in directory.members)


@settings(max_examples=300)
@given(
    st.sampled_from([PLAIN.data, ZIP64.data]),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=6),
)
def test_changed_bytes(data: bytes, changes: list[tuple[float, int]]) -> None:
    changed = bytearray(data)
    for where, value in changes:
        changed[int(where * len(changed))] = value
    outcome(bytes(changed))


@settings(max_examples=150)
@given(st.sampled_from([PLAIN.data, ZIP64.data]), st.integers(0, 4000), st.integers(0, 4000))
def test_missing_bytes(data: bytes, start: int, length: int) -> None:
    outcome(data[:start] + data[start + length :])


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    outcome(data + b"PK\x05\x06" + zlib.crc32(data).to_bytes(4, "little") + data[:14])
