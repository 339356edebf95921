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
LEVEL_OF_EXECUTABLES = 1
"""Of zstd, for a function of a provided runtime, of which nothing runs before all of it is there:
what is fetched faster than it is unpacked is packed so that it unpacks fast. Measured by
bench/bootstrap.py on the router's table of 268 MB: 124 MB, there after 0.78 s; at level 3 121 MB
and 1.14 s, at 19 76 MB and 1.26 s."""
LARGE = 512 * 1024**2
"""Bytes of content. An executable of so many is about 240 MB of zstd, as much as a function
fetches before its network slows down, see `values.network`."""


def level_for(content: int) -> int:
    """Of zstd, for a bundle of so many bytes of content: the same for all of its frames."""
    return LEVEL if content <= LARGE else LEVEL_OF_LARGE


def level_for_executables(content: int) -> int:
    """Likewise, for a function of a provided runtime."""
    return LEVEL_OF_EXECUTABLES if content <= LARGE else LEVEL_OF_LARGE
