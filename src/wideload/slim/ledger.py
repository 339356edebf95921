"""Lines of the ledger: what each removal, change and addition saves or costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wideload.values.proposal import Removal
from wideload.values.slimmed import Addition

if TYPE_CHECKING:
    from wideload.values.tree import FileEntry


def removed(entry: FileEntry, rule: str, reason: str, package: str) -> Removal:
    """A file that goes."""
    return Removal(
        path=entry.path,
        rule=rule,
        reason=reason,
        package=package,
        saved_unzipped=entry.size,
        saved_zipped=entry.compressed_size + entry.zip_overhead,
    )


def changed(before: FileEntry, after: FileEntry, rule: str, reason: str, package: str) -> Removal:
    """A file that is made smaller."""
    return Removal(
        path=before.path,
        rule=rule,
        reason=reason,
        package=package,
        saved_unzipped=before.size - after.size,
        saved_zipped=before.compressed_size - after.compressed_size,
    )


def added(entry: FileEntry, rule: str, reason: str, package: str) -> Addition:
    """A file that was made."""
    return Addition(
        path=entry.path,
        rule=rule,
        reason=reason,
        package=package,
        unzipped_bytes=entry.size,
        zipped_bytes=entry.compressed_size + entry.zip_overhead,
    )
