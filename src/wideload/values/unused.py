"""What a function was seen not to use, decided outside of slimming and carried out by it."""

from __future__ import annotations

from typing import Protocol

import msgspec

from wideload.values.tree import FileTree

GUARD_MODULE = "_wideload_guard"
"""The module at a package's root that says what was left out when it is imported."""
GUARD_LIST = f"{GUARD_MODULE}.txt"
"""The list beside it of what was left out; its path is that of the error that is raised."""


class Unused(msgspec.Struct, frozen=True):
    """What of a tree is left out before any other rule, and what is put in to say so."""

    rule: str
    """Name and version, e.g. ``traced/1``."""
    reason: str
    paths: frozenset[str]
    files: tuple[tuple[str, bytes], ...] = ()
    """Paths at the root, and contents."""
    why_files: str = ""
    """The reason for these."""


class Chooser(Protocol):
    """Knows what of a tree is used."""

    @property
    def key(self) -> str:
        """Digest of all that it goes by: the same key and tree, the same choice."""
        ...

    def choose(self, tree: FileTree) -> Unused:
        """What of a tree is left out.

        :param tree: raw, as it lies in the wheels, without what is provided elsewhere.
        :raises WideloadError: what it knows is not about this tree.
        """
        ...
