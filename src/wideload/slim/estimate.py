"""What derived files will weigh, before there is anything to derive them from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wideload.slim.derived import Made, undone

if TYPE_CHECKING:
    from wideload.slim.derive import Batch

# Measured on numpy, scipy, pandas and scikit-learn: compiled modules to their sources, as
# (unzipped, zipped); with the columns of expressions, and without.
_WITH_COLUMNS = (1.05, 1.6)
_WITHOUT_COLUMNS = (1.01, 1.3)

UNKNOWN = "?"
"""Stands for the digest of what is not made yet: such a tree cannot be built."""


def estimated(batch: Batch) -> dict[str, Made]:
    """Guesses by path: libraries stay as they are, modules compile to the usual size."""
    if batch.style is None:
        return {entry.path: undone(entry.path, "not read yet") for entry in batch.entries}
    unzipped, zipped = _WITH_COLUMNS if batch.style.columns else _WITHOUT_COLUMNS
    return {
        entry.path: Made(
            source=entry.path,
            sha256=UNKNOWN,
            size=round(entry.size * unzipped) + 100,
            compressed_size=round(entry.compressed_size * zipped) + 100,
            crc32=0,
            stored=False,
        )
        for entry in batch.entries
    }
