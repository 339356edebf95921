"""A function's files after slimming, with the account of what went."""

from __future__ import annotations

import msgspec

from wideload.values.proposal import Removal
from wideload.values.tree import FileTree


class Provided(msgspec.Struct, frozen=True, order=True):
    """A distribution that is not packed, since it is there already when the function runs."""

    name: str
    by: str
    """``runtime``, or the ARN of a layer."""


class Slimmed(msgspec.Struct, frozen=True):
    """What is left to ship."""

    tree: FileTree
    removals: tuple[Removal, ...] = ()
    provided: tuple[Provided, ...] = ()
    notes: tuple[str, ...] = ()
    """What a rule wanted to do and did not, with the reason; lines for a person."""
