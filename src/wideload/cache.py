"""The content-addressed cache: wheels as they were fetched, and what was derived of them.

Everything in it can be made again, so it may be deleted at any time. Every file is written
under another name and renamed when it is whole, so that concurrent runs and a kill at any
moment leave either nothing or the whole file.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import secrets
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import msgspec

from wideload.errors import WideloadError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_CHUNK = 1 << 20


class Stamp(msgspec.Struct, frozen=True):
    """What a file looked like when its digest was last computed."""

    size: int
    mtime_ns: int
    inode: int

    @classmethod
    def of(cls, path: Path) -> Stamp:
        """Of a file as it is now.

        :raises FileNotFoundError: there is none.
        """
        found = path.stat()
        return cls(found.st_size, found.st_mtime_ns, found.st_ino)


def default_root() -> Path:
    """``$WIDELOAD_CACHE``, else ``wideload`` in the user's cache folder."""
    named = os.environ.get("WIDELOAD_CACHE")
    if named:
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "wideload"


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A binary file that takes the place of `path` when the block ends without an error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.partial")
    try:
        with temporary.open("xb") as file:
            yield file
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
        raise


def write_atomically(path: Path, data: bytes) -> None:
    """Put `data` at `path`, whole or not at all.

    :raises WideloadError: the disk is full, or the folder cannot be written to.
    """
    try:
        with replacing(path) as file:
            file.write(data)
    except OSError as error:
        raise WideloadError(
            f"{path.name} could not be written",
            why=str(error),
            hint="free disk space, or make the folder writable",
        ) from error


def made_once(folder: Path, make: Callable[[Path], None]) -> Path:
    """A folder that `make` has made at the path that it was given, now or by an earlier run.

    Runs at the same time wait for each other, and one that is killed leaves nothing that counts.
    """
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            with tempfile.TemporaryDirectory(
                prefix=f".{folder.name}-", dir=folder.parent
            ) as scratch:
                made = Path(scratch) / folder.name
                make(made)
                made.rename(folder)
    return folder


def _stamp_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.stamp")


def _stamp(path: Path) -> None:
    write_atomically(_stamp_of(path), msgspec.json.encode(Stamp.of(path)))


class Cache:
    """Files by digest below one folder.

    :param root: made when something is first put in.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, kind: str, key: str, suffix: str = "") -> Path:
        """Where the file of this kind and key lies, whether it is there or not."""
        return self.root / kind / key[:2] / f"{key}{suffix}"

    def verified(self, kind: str, sha256: str, suffix: str = "") -> Path | None:
        """The file with this content, or nothing where it is missing, damaged or unreadable.

        A damaged file is removed. The digest is computed again only when the file's size,
        modification time or inode is another than when it was last right.
        """
        path = self.path(kind, sha256, suffix)
        try:
            now = Stamp.of(path)
            with contextlib.suppress(FileNotFoundError, msgspec.MsgspecError):
                if msgspec.json.decode(_stamp_of(path).read_bytes(), type=Stamp) == now:
                    return path
            with path.open("rb") as file:
                right = hashlib.file_digest(file, "sha256").hexdigest() == sha256
        except OSError:
            return None
        if right:
            # Only a shortcut: a cache that cannot be written to is still read.
            with contextlib.suppress(WideloadError):
                _stamp(path)
            return path
        with contextlib.suppress(OSError):
            path.unlink()
        return None

    def keep(self, written: Path, kind: str, sha256: str, suffix: str = "") -> Path:
        """Move a file whose content was digested while it was written into its place."""
        path = self.path(kind, sha256, suffix)
        path.parent.mkdir(parents=True, exist_ok=True)
        written.replace(path)
        _stamp(path)
        return path

    @contextlib.contextmanager
    def partial(self, kind: str, sha256: str, suffix: str = "") -> Iterator[BinaryIO]:
        """A file to write that content into; it appears under its digest at the end.

        The caller checks, before the block ends, that the digest is right.
        """
        path = self.path(kind, sha256, suffix)
        with replacing(path) as file:
            yield file
        _stamp(path)

    def sweep_partials(self, older_than_s: float, now: float) -> int:
        """Remove what killed runs left half written. Returns how many files went."""
        count = 0
        for path in self.root.glob("*/*/.*.partial"):
            with contextlib.suppress(FileNotFoundError):
                if now - path.stat().st_mtime > older_than_s:
                    path.unlink()
                    count += 1
        return count
