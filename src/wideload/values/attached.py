"""Layers made by others, as they are found: what they hold, and for whom."""

from __future__ import annotations

import msgspec


class Held(msgspec.Struct, frozen=True, order=True):
    """A distribution that a layer carries."""

    name: str
    """Normalised as PEP 503 says."""
    version: str
    requires: tuple[str, ...] = ()
    """Its Requires-Dist, as written."""


class AttachedLayer(msgspec.Struct, frozen=True):
    """One layer version made by others, read from its zip's central directory."""

    arn: str
    sha256: str
    """Of the zip, hexadecimal."""
    zipped_bytes: int
    unzipped_bytes: int
    """What it takes of the unzipped quota."""
    runtimes: tuple[str, ...]
    """Runtimes that it says it is for; empty where it does not say."""
    architectures: tuple[str, ...]
    distributions: tuple[Held, ...]
    """Sorted by name."""
    modules: tuple[str, ...] = ()
    """Importable top-level names, sorted; also those of no distribution."""
