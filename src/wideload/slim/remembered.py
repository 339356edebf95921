"""Whole outcomes of slimming, so that a build of what was built before asks no rule again."""

from __future__ import annotations

import functools
import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from wideload.cache import write_atomically
from wideload.derived_streams import DERIVED
from wideload.values.resolution import Resolution
from wideload.values.slimmed import Slimmed, SlimOptions
from wideload.values.tree import Derived

if TYPE_CHECKING:
    from wideload.cache import Cache
    from wideload.values.tree import FileTree
    from wideload.values.unused import Chooser

_KIND = "slimmed-functions"


@functools.cache
def rules_digest() -> bytes:
    """Of this package's own sources: whatever is changed in a rule, nothing old is taken."""
    digest = hashlib.sha256()
    folder = Path(__file__).parent
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return digest.digest()


def key_of(
    resolution: Resolution, own: FileTree, options: SlimOptions, chooser: Chooser | None = None
) -> str:
    """Digest of all that the outcome depends on, but for an interpreter that is missing."""
    settled = msgspec.structs.replace(resolution, downloaded_bytes=0)
    digest = hashlib.sha256(rules_digest())
    digest.update(msgspec.msgpack.encode((settled, own.entries, options)))
    if chooser:
        digest.update(chooser.key.encode())
    return digest.hexdigest()


def recall(key: str, cache: Cache) -> Slimmed | None:
    """The outcome under this key, all streams that it names being there."""
    try:
        note = cache.path(_KIND, key, ".msgpack").read_bytes()
        slimmed = msgspec.msgpack.decode(note, type=Slimmed)
        root = str(cache.path(DERIVED, "00").parent.parent)
        for entry in slimmed.tree:
            if isinstance(entry.origin, Derived):
                sha256 = entry.origin.sha256
                # Thousands of these: paths as plain strings take a tenth of the time.
                if os.stat(f"{root}/{sha256[:2]}/{sha256}").st_size != entry.compressed_size:  # noqa: PTH116
                    return None
    except (FileNotFoundError, msgspec.MsgspecError):
        return None
    return slimmed


def remember(key: str, slimmed: Slimmed, cache: Cache) -> None:
    """Keep an exact outcome."""
    write_atomically(cache.path(_KIND, key, ".msgpack"), msgspec.msgpack.encode(slimmed))
