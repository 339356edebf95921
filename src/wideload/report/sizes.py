"""Bytes for people: decimal units, as AWS and the package indexes write them."""

from __future__ import annotations


def human(size: int) -> str:
    """``1234567`` as ``1.2 MB``."""
    value = float(size)
    for unit in ("B", "kB", "MB"):
        if value < 999.95 or (unit == "B" and value < 1000):
            return f"{value:.0f} B" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"
