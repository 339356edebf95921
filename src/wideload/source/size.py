"""Sizes as people write them."""

from __future__ import annotations

import re

_UNITS = {"": 1, "b": 1, "kb": 1000, "mb": 1000**2, "gb": 1000**3}
_UNITS |= {"kib": 1024, "mib": 1024**2, "gib": 1024**3}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(|B|[kMG]i?B)", re.IGNORECASE)


def parse_size(size: int | str) -> int | None:
    """Bytes of ``1000``, ``"180 MB"`` or ``"60 MiB"``; nothing where it is no size."""
    if isinstance(size, int):
        return size if size > 0 else None
    match = _SIZE.fullmatch(size.strip())
    return round(float(match[1]) * _UNITS[match[2].lower()]) if match else None
