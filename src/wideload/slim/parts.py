"""The tree and its account while they are put together."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from wideload.slim import ledger
from wideload.values.proposal import Removal
from wideload.values.slimmed import Addition
from wideload.values.tree import Derived, FileEntry

if TYPE_CHECKING:
    from collections.abc import Iterable

_NAMED = 3
"""How many files a note names before it counts the rest."""


class Parts(msgspec.Struct):
    """Entries by path, and what was done to come to them. Every change goes into the ledger."""

    entries: dict[str, FileEntry]
    removals: list[Removal]
    additions: list[Addition]
    notes: list[str]
    wheels: dict[str, str] = {}
    """sha256 of the wheel of each package, for files that are made of it."""

    @property
    def size(self) -> int:
        """Bytes unzipped."""
        return sum(entry.size for entry in self.entries.values())

    def remove(self, path: str, rule: str, reason: str, package: str) -> None:
        """Take a file out."""
        self.removals.append(ledger.removed(self.entries.pop(path), rule, reason, package))

    def change(self, after: FileEntry, rule: str, reason: str, package: str) -> bool:
        """Put a smaller file in the place of another; not done were it larger."""
        before = self.entries[after.path]
        after = self._named(after, package)
        if after.size > before.size or after.compressed_size > before.compressed_size:
            return False
        self.entries[after.path] = after
        self.removals.append(ledger.changed(before, after, rule, reason, package))
        return True

    def add(self, entry: FileEntry, rule: str, reason: str, package: str) -> None:
        """Put a new file in.

        :raises ValueError: there is a file already.
        """
        if entry.path in self.entries:
            raise ValueError(f"there is a {entry.path!r} already")
        entry = self._named(entry, package)
        self.entries[entry.path] = entry
        self.additions.append(ledger.added(entry, rule, reason, package))

    def _named(self, entry: FileEntry, package: str) -> FileEntry:
        """The entry, with the wheel that it was made of."""
        if not isinstance(entry.origin, Derived):
            return entry
        origin = msgspec.structs.replace(entry.origin, wheel=self.wheels.get(package, ""))
        return msgspec.structs.replace(entry, origin=origin)

    def note_left(self, what: str, left: Iterable[tuple[str, str]]) -> None:
        """Note files that stay as they are, those of the same reason together.

        :param left: paths, each with the reason.
        """
        kept = sorted(left)
        for reason in Counter(reason for _, reason in kept):
            paths = [path for path, why in kept if why == reason]
            names = ", ".join(paths[:_NAMED])
            more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
            self.notes.append(f"{what}: {names}{more} ({reason})")
