"""Deployment zips: measured without trusting them, unpacked without leaving the folder."""

from __future__ import annotations

import shutil
import stat
import struct
import zipfile
import zlib
from pathlib import Path, PurePosixPath

import msgspec

from wideload.local.functions import faults
from wideload.values.tree import is_clean_path

_BLOCK = 1 << 20
_DAMAGE = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    OSError,
    RuntimeError,
    ValueError,
    UnicodeError,
)
# While unpacking, an OSError is this machine's fault, but for a path that stands twice.
_DAMAGE_UNPACKING = (*(kind for kind in _DAMAGE if kind is not OSError), FileExistsError)


class Archive(msgspec.Struct, frozen=True):
    """What the central directory of a zip says, found to be sound."""

    unzipped: int
    """The sum of its files' bytes. Reading never yields more: what a member holds beyond
    the size that the directory states for it is an error."""
    files: int


def inspect(path: Path) -> Archive:
    """Read the directory of a zip; the members are not read.

    :raises LambdaFault: it is empty, no zip, or has a path that leaves its root.
    """
    if path.stat().st_size == 0:
        raise faults.invalid("Uploaded file must be a non-empty zip")
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            _check_paths(entries)
    except _DAMAGE:
        raise _unreadable() from None
    files = [entry for entry in entries if not entry.is_dir()]
    if not files:
        raise faults.invalid("Uploaded file must be a non-empty zip")
    return Archive(sum(entry.file_size for entry in files), len(files))


def verify(path: Path) -> None:
    """Read every member to its end and compare its checksum.

    :raises LambdaFault: one does not unpack to what the directory says.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                length = 0
                with archive.open(entry) as member:
                    while chunk := member.read(_BLOCK):
                        length += len(chunk)
                if length != entry.file_size:
                    raise ValueError("shorter than its directory says")
    except _DAMAGE:
        raise _unreadable() from None


def unpack(path: Path, folder: Path) -> None:
    """Unpack a zip that was inspected into an empty folder.

    Links come last, so that no file is ever written through one. They may point anywhere:
    they are followed in the function's own file system, not in this machine's.

    :raises LambdaFault: it is damaged.
    :raises OSError: the disk is full, say.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            links = []
            for entry in archive.infolist():
                target = folder / _relative(entry.filename)
                if entry.is_dir():
                    target.mkdir(parents=True, exist_ok=True)
                elif _is_link(entry):
                    links.append((entry, target))
                else:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    with archive.open(entry) as source, target.open("wb") as file:
                        shutil.copyfileobj(source, file, _BLOCK)
                    target.chmod(_mode(entry))
            for entry, target in links:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.symlink_to(archive.read(entry).decode())
    except _DAMAGE_UNPACKING:
        raise _unreadable() from None


def _check_paths(entries: list[zipfile.ZipInfo]) -> None:
    files: set[str] = set()
    folders: set[str] = set()
    for entry in entries:
        relative = _relative(entry.filename)
        if entry.is_dir():
            folders.add(relative)
            if relative == "":
                continue
        else:
            files.add(relative)
        if not is_clean_path(relative):
            raise ValueError(relative)
        if entry.flag_bits & 0x1:
            raise ValueError("encrypted")
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK):
            raise ValueError("neither a file nor a folder nor a link")
        folders.update(str(parent) for parent in PurePosixPath(relative).parents)
    if files & folders:
        raise ValueError("both a file and a folder")


def _relative(name: str) -> str:
    # Some tools write `./a/b` for `a/b`, and the root itself as a folder.
    relative = name.rstrip("/")
    return "" if relative == "." else relative.removeprefix("./")


def _is_link(entry: zipfile.ZipInfo) -> bool:
    return stat.S_ISLNK(entry.external_attr >> 16)


def _mode(entry: zipfile.ZipInfo) -> int:
    # A zip made where files have no modes has zero here.
    return (entry.external_attr >> 16) & 0o777 or 0o644


def _unreadable() -> faults.LambdaFault:
    return faults.invalid(
        "Could not unzip uploaded file. Please check your file, then try to upload again."
    )
