"""Unpacks a deployment package as Lambda does before it starts a function."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from wideload.errors import WideloadError

_LINK_LIMIT = 4096
_BATCH = 64


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a zip into a folder that is whole or not there at all.

    Where the folder is there already nothing is done: whoever unpacks the same archive twice,
    also at the same time, gets the same folder once. Of the permissions kept in the archive
    it is those of others that count, for in Lambda the function is not the owner of its
    files: one that others may not read cannot be read. Links are made as they are.

    :raises WideloadError: it is no zip, it is damaged, or a member would lie outside of the
        folder; or the disk is full.
    """
    if folder.is_dir():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        made = scratch / "files"
        _extract(archive, made)
        try:
            made.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise WideloadError(
            f"cannot unpack {archive}",
            why=str(error),
            hint="make the package again" if isinstance(error, zipfile.BadZipFile) else "",
        ) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _extract(archive: Path, folder: Path) -> None:
    with zipfile.ZipFile(archive) as package:
        members = {_path(member): member for member in package.infolist()}
        links = {path: member for path, member in members.items() if _is_link(member)}
        files = [
            (path, member)
            for path, member in members.items()
            if path not in links and not member.is_dir()
        ]
        _check_links(links, members)
        folders = {path for path, member in members.items() if member.is_dir()}
        folders |= {path.rpartition("/")[0] for path in members}
        folder.mkdir()
        for each in sorted(folders):
            (folder / each).mkdir(parents=True, exist_ok=True)
        # Inflating lets go of the interpreter's lock; the archive's own lock is held only
        # for as long as a member's bytes are read.
        with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
            batches = [files[at : at + _BATCH] for at in range(0, len(files), _BATCH)]
            list(pool.map(lambda batch: _write(package, batch, folder), batches))
        for path, member in links.items():
            (folder / path).symlink_to(os.fsdecode(package.read(member)))


def _write(
    package: zipfile.ZipFile, batch: list[tuple[str, zipfile.ZipInfo]], folder: Path
) -> None:
    for path, member in batch:
        with (folder / path).open("xb") as file:
            os.fchmod(file.fileno(), _mode(member))
            file.write(package.read(member))


def _path(member: zipfile.ZipInfo) -> str:
    path = member.filename.rstrip("/")
    parts = path.split("/")
    if path.startswith("/") or "\\" in path or ".." in parts:
        raise zipfile.BadZipFile(f"it has a member that would lie outside: {member.filename!r}")
    return "/".join(part for part in parts if part not in ("", "."))


def _mode(member: zipfile.ZipInfo) -> int:
    mode = member.external_attr >> 16
    if not mode & 0o777:  # made where files have no such permissions
        return 0o644
    # What others may do anyone may, the owner too; the folder is read-only inside in any case.
    return (mode & 0o007) * 0o111 | (mode & 0o222)


def _is_link(member: zipfile.ZipInfo) -> bool:
    return stat.S_ISLNK(member.external_attr >> 16) and member.file_size <= _LINK_LIMIT


def _check_links(links: dict[str, zipfile.ZipInfo], members: dict[str, zipfile.ZipInfo]) -> None:
    if not links:
        return
    for path in members:
        at = path.find("/")
        while at != -1:
            if path[:at] in links:
                raise zipfile.BadZipFile(f"it has a member that lies behind a link: {path!r}")
            at = path.find("/", at + 1)
