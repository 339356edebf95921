"""Facts of ELF files, read once a wheel or a file of the user's, and kept by content."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from wideload.cache import write_atomically
from wideload.errors import WideloadError
from wideload.slim.elf.guard import Facts, facts_of, is_candidate
from wideload.slim.elf.reader import MAGIC
from wideload.slim.wheel_archive import WheelArchive
from wideload.slim.workers import each
from wideload.values.tree import FileEntry, LocalFile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wideload.cache import Cache
    from wideload.values.resolution import Member, Wheel

VERSION = 1
"""Of what is read: another reading of the same file is another version."""
_KIND = "elf-facts"


class FileFacts(msgspec.Struct, frozen=True, array_like=True):
    """Of one file."""

    path: str
    """In the tree."""
    facts: Facts | None
    """None: no ELF file after all."""


class _Note(msgspec.Struct, frozen=True, array_like=True):
    files: tuple[FileFacts, ...]


def facts_of_wheels(
    wheels: Sequence[Wheel], cache: Cache, paths: Mapping[str, Path] | None = None
) -> dict[str, tuple[FileFacts, ...]]:
    """The ELF files of each wheel, by the wheel's sha256.

    :param paths: where wheels lie, by sha256. Without them wheels that were never read are
        left out of the answer.
    :raises WideloadError: a wheel is broken inside.
    """
    found = {wheel.sha256: _recall(_of_wheel(wheel, cache)) for wheel in wheels}
    if paths is not None:
        new = [wheel for wheel in wheels if found[wheel.sha256] is None]
        # A wheel that has none need not be opened.
        jobs = [
            (wheel.filename, str(paths[wheel.sha256]), members)
            for wheel in new
            if (members := _candidates(wheel))
        ]
        size = sum(member.size for _, _, members in jobs for member in members)
        read = dict(
            zip([filename for filename, _, _ in jobs], each(_read, jobs, size), strict=True)
        )
        for wheel in new:
            note = _Note(read.get(wheel.filename, ()))
            write_atomically(_of_wheel(wheel, cache), msgspec.msgpack.encode(note))
            found[wheel.sha256] = note
    return {sha256: note.files for sha256, note in found.items() if note is not None}


def facts_of_own(entry: FileEntry, cache: Cache) -> Facts | None:
    """Of a file of the user's; nothing where it is no ELF file.

    :raises WideloadError: it cannot be read.
    """
    if not isinstance(entry.origin, LocalFile):
        raise TypeError(f"{entry.path} is no file of the user's")
    if not is_candidate(entry.path, executable=bool(entry.mode & 0o111)):
        return None
    path, sha256 = Path(entry.origin.path), entry.origin.sha256
    note = cache.path(_KIND, sha256, f".own.{VERSION}.msgpack")
    known = _recall(note) if sha256 else None
    if known is not None:
        return known.files[0].facts
    try:
        with path.open("rb") as file:
            head = file.read(len(MAGIC))
            data = head + file.read() if head == MAGIC else b""
    except OSError as error:
        raise WideloadError(f"{entry.path} cannot be read", why=str(error)) from error
    facts = facts_of(data)
    # Of a file that changed since it was scanned nothing is kept; the build stops at it later.
    if data and hashlib.sha256(data).hexdigest() == sha256:
        fact = FileFacts("", facts)
        write_atomically(note, msgspec.msgpack.encode(_Note((fact,))))
    return facts


def _of_wheel(wheel: Wheel, cache: Cache) -> Path:
    return cache.path(_KIND, wheel.sha256, f".{VERSION}.msgpack")


def _recall(note: Path) -> _Note | None:
    try:
        return msgspec.msgpack.decode(note.read_bytes(), type=_Note)
    except (FileNotFoundError, msgspec.MsgspecError):
        return None


def _candidates(wheel: Wheel) -> tuple[Member, ...]:
    return tuple(
        member
        for member in wheel.members
        if is_candidate(member.path, executable=member.executable)
    )


def _read(job: tuple[str, str, tuple[Member, ...]]) -> tuple[FileFacts, ...]:
    """Runs in another process."""
    filename, path, members = job
    found = []
    with WheelArchive(Path(path), filename) as archive:
        for member in members:
            facts = facts_of(archive.read(member.name))
            if facts is not None:
                found.append(FileFacts(member.path, facts))
    return tuple(found)
