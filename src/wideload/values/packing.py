"""The one place that decides how bytes that did not come deflated go into a zip.

``source`` predicts sizes with it and ``build`` writes with it, so the two cannot differ.
"""

from __future__ import annotations

import deflate

DEFLATE_LEVEL = 9
"""Of libdeflate, whose streams depend on its version and level alone. Never zlib: builds of
it (zlib-ng, Cloudflare's, Chromium's) write different streams for the same bytes. Level 12
is five times slower for 3 % less."""

LARGEST_DEFLATED = 262_144_000
"""Bytes. libdeflate wants the whole buffer at once. A file over Lambda's unzipped quota
never lies in a function's zip, so deflating it would only cost time and memory."""


def is_deflatable(size: int) -> bool:
    """Whether a file of this many bytes is tried at all; others are stored, unread."""
    return 0 < size <= LARGEST_DEFLATED


def pack(data: bytes, level: int = DEFLATE_LEVEL) -> tuple[bytes, bool]:
    """The stream of these bytes in a zip, and whether it is stored.

    Stored where deflate does not shrink them, or where they are too big to try.
    """
    if not is_deflatable(len(data)):
        return data, True
    stream: bytes = bytes(deflate.deflate_compress(data, level))
    return (stream, False) if len(stream) < len(data) else (data, True)
