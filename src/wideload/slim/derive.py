"""What is made of files: libraries laid anew, modules compiled; once, then kept.

Both hang on the file's content and a few words (rule, Python, style), so what was made is
noted under these, and a later run needs neither the wheel nor an interpreter.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec

from wideload.derived_streams import LEVEL
from wideload.slim import bytecode
from wideload.slim.derived import recall
from wideload.slim.elf.relay import MAKER as ELF_RULE
from wideload.values.tree import FileEntry

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from wideload.cache import Cache
    from wideload.slim.derived import Made
    from wideload.values.target import Target

PAGE = 4096
"""Bytes of a page on Lambda, on both architectures: Amazon Linux builds its kernels so."""


class Batch(msgspec.Struct, frozen=True):
    """The files of one wheel, or the user's own, that one rule works on."""

    entries: tuple[FileEntry, ...]
    style: bytecode.Style | None
    """How modules are compiled; none: these are libraries."""

    @property
    def size(self) -> int:
        """Bytes of work."""
        return sum(entry.size for entry in self.entries)


def is_library(path: str) -> bool:
    """Whether a name is that of a shared library for Linux."""
    name = path.rpartition("/")[2]
    return name.endswith(".so") or ".so." in name


def libraries(entries: Iterable[FileEntry]) -> Batch:
    """Of the libraries among these files, in whatever order."""
    chosen = (entry for entry in entries if is_library(entry.path))
    return Batch(tuple(sorted(chosen, key=lambda entry: entry.path)), None)


def modules(entries: Iterable[FileEntry], paths: Collection[str], style: bytecode.Style) -> Batch:
    """Of the sources among these files that can be imported.

    :param paths: of the whole function, since an extension may lie beside a source.
    """
    wanted = frozenset(paths)
    return Batch(tuple(entry for entry in entries if entry.path in wanted), style)


def key_of(batch: Batch, target: Target) -> str:
    """Digest of all that the outcome depends on."""
    words: list[object] = [LEVEL]
    if batch.style is None:
        words += [ELF_RULE, PAGE]
    else:
        words += [bytecode.RULE, target.python_version, batch.style.columns]
        words += [batch.style.docstrings]
    digest = hashlib.sha256(repr(words).encode())
    for entry in batch.entries:
        digest.update("\0".join((entry.path, *entry.identity, "")).encode())
    return digest.hexdigest()


def known(batch: Batch, target: Target, cache: Cache) -> dict[str, Made] | None:
    """What was made of these files before, by path."""
    return {} if not batch.entries else recall(key_of(batch, target), cache)
