"""How hard a bundle is compressed."""

from __future__ import annotations

LEVEL = 19
"""Of zstd. Measured on the files named at `format.FRAME`: 43.1 MB at 19, 50 MB at 9; unpacking is
as fast at any."""
LEVEL_OF_LARGE = 12
"""Of zstd, where there is more than `LARGE` to compress. On TensorFlow's largest library 19 takes
11 % off what 12 leaves, and fourteen times as long: minutes for each build that changes it."""
LEVEL_OF_COLD = 12
"""Of zstd, for cold frames: they are made anew with each profile, and hardly ever fetched."""
LARGE = 512 * 1024**2
"""Bytes of content."""


def level_for(content: int) -> int:
    """Of zstd, for a bundle of so many bytes of content: the same for all of its frames."""
    return LEVEL if content <= LARGE else LEVEL_OF_LARGE
