"""Bytes, for people."""

from __future__ import annotations


def megabytes(size: int) -> str:
    """Bytes for people: ``12.9 GB``, ``74.1 MB`` (millions), ``3.2 kB``, ``17 bytes``."""
    if size >= 10_000_000_000:
        return f"{size / 1_000_000_000:.1f} GB"
    if size >= 1_000_000:
        return f"{size / 1_000_000:.1f} MB"
    if size >= 1_000:
        return f"{size / 1_000:.1f} kB"
    return f"{size} bytes"
