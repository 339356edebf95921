"""Why a package is there, what it weighs, and what would go with it."""

from __future__ import annotations

import msgspec

from wideload.values.account import Account


class Explanation(msgspec.Struct, frozen=True):
    """The case of one package."""

    name: str
    version: str
    paths: tuple[tuple[str, ...], ...]
    """From a requirement of the user's down to the package, each step with what it asks for,
    e.g. ``("pandas", "numpy>=2.0.2")``; the shortest first."""
    raw_unzipped: int
    raw_zipped: int
    packed_unzipped: int
    """What of it ships."""
    packed_zipped: int
    freed: tuple[str, ...]
    """Packages that nothing else needs: they would go with it, itself first."""
    freed_unzipped: int
    """Bytes that would no longer ship."""
    freed_zipped: int
    provided_by: str | None = None
    ledger: tuple[Account, ...] = ()
    """What became of its files: `raw_unzipped` less all that is saved is `packed_unzipped`."""
