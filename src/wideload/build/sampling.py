"""How much a big file shrinks, without reading all of it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from wideload.build.bundle.levels import LEVEL
from wideload.errors import WideloadError

SAMPLED_FROM = 1 << 20
"""Bytes from which on a file is worth opening for it."""
SAMPLES = 16
SAMPLE = 1 << 18
"""Bytes of each: together 4 MiB, which take a few hundredths of a second."""
_QUICK = 3
_AT_BUNDLES_LEVEL = 0.9
"""Of what the quick level leaves a bundle's own leaves about so much, where anything shrinks."""


@cache
def sampled_share(path: str, size: int, level: int = LEVEL) -> float:
    """About what share of a file zstd leaves, by pieces that lie evenly apart in it.

    :param path: absolute.
    :param size: bytes of the file.
    :param level: of zstd, one of those of bundles.
    :raises WideloadError: it cannot be read.
    """
    import zstandard  # noqa: PLC0415 - a plan seldom needs it

    pieces = max(min(SAMPLES, -(-size // SAMPLE)), 1)
    step = size // pieces
    compressor = zstandard.ZstdCompressor(level=min(level, _QUICK))
    read = left = 0
    try:
        with Path(path).open("rb") as file:
            for number in range(pieces):
                file.seek(number * step)
                piece = file.read(SAMPLE)
                read += len(piece)
                left += len(compressor.compress(piece))
    except OSError as error:
        raise WideloadError(f"{path} cannot be read", why=str(error)) from error
    if not read:
        return 1.0
    share = left / read
    if level > _QUICK and share < _AT_BUNDLES_LEVEL:
        share *= _AT_BUNDLES_LEVEL
    return min(share, 1.0)
