"""How much a big file shrinks, by a few pieces of it."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
import zstandard

from wideload.build.sampling import SAMPLE, SAMPLES, sampled_share
from wideload.errors import WideloadError


def file_of(folder: Path, data: bytes) -> tuple[str, int]:
    path = folder / "model.bin"
    path.write_bytes(data)
    return str(path), len(data)


def test_what_does_not_shrink_is_taken_whole(tmp_path: Path) -> None:
    assert sampled_share(*file_of(tmp_path, os.urandom(5 << 20))) == 1.0


def test_half_of_it_shrinks(tmp_path: Path) -> None:
    half = 8 << 20
    share = sampled_share(*file_of(tmp_path, os.urandom(half) + bytes(half)))
    assert 0.4 < share < 0.5


@pytest.mark.parametrize("level", [1, 12])
def test_it_is_near_what_all_of_it_comes_to(tmp_path: Path, level: int) -> None:
    dice = random.Random(7)
    words = b" ".join(b"%d" % dice.randrange(1 << 20) for _ in range(900_000))
    path, size = file_of(tmp_path, words)
    whole = len(zstandard.ZstdCompressor(level=level).compress(words)) / size
    assert sampled_share(path, size, level) == pytest.approx(whole, rel=0.25)


def test_of_an_enormous_file_little_is_read(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    with path.open("wb") as file:
        file.truncate(12 << 30)
    before = _read_so_far()
    assert sampled_share(str(path), 12 << 30) < 0.001
    assert _read_so_far() - before < 2 * SAMPLES * SAMPLE


def test_a_small_file_is_one_piece(tmp_path: Path) -> None:
    assert sampled_share(*file_of(tmp_path, b"")) == 1.0
    assert sampled_share(*file_of(tmp_path, b"a" * 1000)) < 0.1


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(WideloadError) as caught:
        sampled_share(str(tmp_path / "gone"), 1 << 21)
    assert caught.value.what.endswith("gone cannot be read")


def _read_so_far() -> int:
    """Bytes that this process has read."""
    lines = Path("/proc/self/io").read_text("ascii").splitlines()
    return int(dict(line.split(": ") for line in lines)["rchar"])
