"""``images.lock.toml``: which images a project's images are built on, to be committed.

A tag is somebody else's to move. What it was when a function was first built on it is kept
here, so that the same commit builds on the same bytes, and a base that changed shows as a diff.
"""

from __future__ import annotations

import json
import threading
import tomllib
from typing import TYPE_CHECKING

import msgspec

from wideload.cache import write_atomically
from wideload.errors import WideloadError

if TYPE_CHECKING:
    from pathlib import Path

IMAGES_LOCK = "images.lock.toml"
_VERSION = 1
_HEAD = """\
# Which images the functions' images are built on. Commit it: the same commit then builds on the
# same images. `wideload build --upgrade` renews it.
"""
# Functions of a project are built at once, and share the file.
_lock = threading.Lock()


class PinnedBase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An image as it was asked for, and what that was."""

    reference: str
    architecture: str
    digest: str
    """Of the manifest of the one image for this architecture."""
    layers: int
    unzipped_bytes: int
    """What it takes uncompressed, by what its layers say of themselves."""


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: int
    bases: tuple[PinnedBase, ...] = ()


def pinned_base(path: Path, reference: str, architecture: str) -> PinnedBase | None:
    """What was recorded for a base, if it was.

    :raises WideloadError: the file cannot be read, or is not as it was written.
    """
    for one in _read(path):
        if (one.reference, one.architecture) == (reference, architecture):
            return one
    return None


def pin_base(path: Path, pinned: PinnedBase) -> bool:
    """Record a base, in place of what was recorded for it; returns whether that changed the file.

    :raises WideloadError: the file cannot be read or written.
    """
    key = (pinned.reference, pinned.architecture)
    with _lock:
        before = _read(path)
        others = [one for one in before if (one.reference, one.architecture) != key]
        if pinned in before:
            return False
        now = sorted([*others, pinned], key=lambda one: (one.reference, one.architecture))
        text = _HEAD + f"version = {_VERSION}\n" + "".join(map(_table, now))
        write_atomically(path, text.encode())
    return True


def _read(path: Path) -> tuple[PinnedBase, ...]:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        if document.get("version") != _VERSION:
            raise ValueError(f"it has version {document.get('version')}, known is {_VERSION}")
        return msgspec.convert(document, _File).bases
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise WideloadError(
            f"{path.name} cannot be read",
            why=str(error),
            hint="restore it from version control, or delete it to ask for the bases anew",
        ) from error


def _table(one: PinnedBase) -> str:
    # JSON's strings and numbers are TOML's.
    lines = [f"{key} = {json.dumps(value)}" for key, value in msgspec.structs.asdict(one).items()]
    return "\n".join(["", "[[bases]]", *lines]) + "\n"
