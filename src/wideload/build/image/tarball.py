"""Files as a tar that is the same bytes on any machine: no dates, no owners, sorted.

Regular files and their folders only: of layers that Docker takes and Lambda is reported to refuse
(``UnsupportedImageLayerDetected``) some had hard links.
"""

from __future__ import annotations

import tarfile
from typing import TYPE_CHECKING

from wideload.values.tree import folders_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from wideload.values.tree import FileEntry

TASK_ROOT = "var/task"
"""Where a function's files lie in its image; ``$LAMBDA_TASK_ROOT``."""
DATE = 315_532_800
"""1980-01-01, in seconds: the date that the same files have in a zip."""

_END = bytes(2 * tarfile.BLOCKSIZE)
_LARGEST_PLAIN = 8**11
"""Bytes: what eleven octal digits say."""


def tar_header(path: str, size: int, mode: int, *, folder: bool = False) -> bytes:
    """What precedes a file's content: a ustar header, before it a pax header where the name is
    long or not ASCII, or the size over 8 GiB."""
    info = tarfile.TarInfo(f"{path}/" if folder else path)
    info.size, info.mode, info.mtime = size, mode, DATE
    info.type = tarfile.DIRTYPE if folder else tarfile.REGTYPE
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "strict")


def padding(size: int) -> bytes:
    """What follows a content of this size."""
    return bytes(-size % tarfile.BLOCKSIZE)


def members(entries: Iterable[FileEntry]) -> Iterator[tuple[bytes, FileEntry | None]]:
    """Each header, with the file whose content follows it, if one does. The end comes last."""
    files = {f"{TASK_ROOT}/{entry.path}": entry for entry in entries}
    folders = folders_of(files)
    for path in sorted(folders | files.keys()):
        entry = files.get(path)
        if entry is None:
            yield tar_header(path, 0, 0o755, folder=True), None
        else:
            yield tar_header(path, entry.size, entry.mode), entry
    yield _END, None


def tar_bytes(entries: Iterable[FileEntry]) -> int:
    """The exact size of the tar of these files, for which no header is made that is plain."""
    size, holders = len(_END), set()
    plain = tarfile.LENGTH_NAME - len(TASK_ROOT) - 1
    for entry in entries:
        path, content = entry.path, entry.size
        holders.add(path.rpartition("/")[0])
        size += content + -content % tarfile.BLOCKSIZE
        if len(path) <= plain and content < _LARGEST_PLAIN and path.isascii():
            size += tarfile.BLOCKSIZE
        else:
            size += len(tar_header(f"{TASK_ROOT}/{path}", content, 0o644))
    for folder in folders_of(f"{TASK_ROOT}/{holder}".rstrip("/") + "/." for holder in holders):
        if len(folder) < tarfile.LENGTH_NAME and folder.isascii():
            size += tarfile.BLOCKSIZE
        else:
            size += len(tar_header(folder, 0, 0o755, folder=True))
    return size
