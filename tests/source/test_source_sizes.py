from __future__ import annotations

import pytest

from wideload.source.size import parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        (1000, 1000),
        ("1000", 1000),
        ("180 MB", 180_000_000),
        ("1.5 GiB", 1_610_612_736),
        ("60mb", 60_000_000),
        ("0.5 kB", 500),
    ],
)
def test_sizes(text: int | str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "MB", "-1 MB", "1 TB", "one", 0, -5])
def test_what_is_no_size(text: int | str) -> None:
    assert parse_size(text) is None
