"""The folder in /tmp that a bundle is unpacked into, and what is found there.

``wideload-DIGEST`` holds

- ``tree``: the files, each put there whole by a rename;
- ``run-PID-…``: files that a process is writing, locked while it lives;
- ``complete``: written last, when all is there that is fetched at start: what each of these
  files looked like then.

Nothing that is found is taken for what it should be: a file counts when its content has the
index's digest, or when it is untouched since all was complete.
"""

# ruff: noqa: PTH102, PTH104, PTH108, PTH120, PTH123, PTH208 - importing pathlib would take longer than all that is done here

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import secrets
import stat

from .index import Index
from .trouble import BundleError

_TREE = "tree"
_COMPLETE = "complete"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_CHUNK = 1 << 20
_MB = 1_000_000


def full(root: str, error: OSError, index: Index) -> BundleError:
    """What to say when /tmp cannot be written to."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return too_small(root, index.tmp_bytes, index)
    return BundleError(f"{root} cannot be written to", str(error))


def too_small(root: str, wanted: int, index: Index) -> BundleError:
    """What to say when /tmp has not the room."""
    try:
        system = os.statvfs(os.path.dirname(root))
        free = system.f_bavail * system.f_frsize
        size = system.f_blocks * system.f_frsize
    except OSError:
        free = size = 0
    return BundleError(
        "/tmp is too small for the function's packages",
        f"{-(-wanted // _MB)} MB are needed, {free // _MB} of {size // _MB} MB are free",
        "give the function more ephemeral storage: `ephemeral` in wideload.toml, in MB, up to "
        "10240"
        + ("; or let it leave more of /tmp free, for packages come later, too" * index.has_cold),
    )


class Folder:
    """The folder, made where it was not, and all in it by descriptors.

    :param shared: whether it lies in a mounted file system, which says itself who made what: the
        root is the loader's own if its owner is that of what the loader makes there.
    :ivar fresh: whether it was made just now.
    :raises BundleError: it cannot be made.
    """

    def __init__(self, root: str, index: Index, *, shared: bool = False) -> None:
        self.root, self._index, self._shared = root, index, shared
        self.fresh = self._make()
        try:
            self._root = os.open(root, _FOLDER)
            found = os.fstat(self._root)
            if not self._is_own(found) or stat.S_IMODE(found.st_mode) != 0o700:
                raise BundleError(f"{root} is not the loader's own")
            self.tree = self._child(_TREE)
            self.run, self.work = self._own_run()
            if shared and os.fstat(self.work).st_uid != found.st_uid:
                raise BundleError(f"{root} is not the loader's own")
            self._folders = self._make_folders()
        except OSError as error:
            raise full(root, error, index) from error

    def _make(self) -> bool:
        """Make the root. What is there already counts only if it is a folder of our own."""
        for _ in range(8):
            try:
                os.mkdir(self.root, 0o700)
            except FileExistsError:
                pass
            except OSError as error:
                raise full(self.root, error, self._index) from error
            else:
                return True
            try:
                found = os.lstat(self.root)
                if stat.S_ISDIR(found.st_mode) and self._is_own(found):
                    if stat.S_IMODE(found.st_mode) != 0o700:
                        # Others may have been in it.
                        os.rename(self.root, f"{self.root}.{secrets.token_hex(6)}.foreign")
                        continue
                    return False
                if stat.S_ISDIR(found.st_mode):
                    os.rename(self.root, f"{self.root}.{secrets.token_hex(6)}.foreign")
                else:
                    os.unlink(self.root)
            except FileNotFoundError:
                continue
            except OSError as error:
                raise BundleError(
                    f"{self.root} is there already and is not the loader's own", str(error)
                ) from error
        raise BundleError(f"{self.root} is made by somebody else again and again")

    def _is_own(self, found: os.stat_result) -> bool:
        return self._shared or found.st_uid == os.geteuid()

    def _child(self, name: str) -> int:
        """A folder straight below the root."""
        _folder(name, self._root)
        return os.open(name, _FOLDER, dir_fd=self._root)

    def _own_run(self) -> tuple[str, int]:
        """A folder for this process, locked as long as it lives."""
        while True:
            name = f"run-{os.getpid()}-{secrets.token_hex(6)}"
            os.mkdir(name, 0o700, dir_fd=self._root)
            try:
                descriptor = os.open(name, _FOLDER, dir_fd=self._root)
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                os.stat(name, dir_fd=self._root)
            except FileNotFoundError:
                # Taken for a dead one's before it was locked.
                continue
            return name, descriptor

    def _make_folders(self) -> set[str]:
        folders: set[str] = set()
        paths = [file[0] for file in self._index.files]
        for path in paths + self._index.own:
            folder = path.rpartition("/")[0]
            while folder and folder not in folders:
                folders.add(folder)
                folder = folder.rpartition("/")[0]
        for folder in sorted(folders):
            _folder(folder, self.tree)
        return folders

    def room(self, wanted: int) -> None:
        """Check that there is room.

        :param wanted: bytes.
        :raises BundleError: there is less.
        """
        system = os.fstatvfs(self._root)
        if system.f_bavail * system.f_frsize < wanted:
            raise too_small(self.root, wanted, self._index)

    def create(self, name: str, mode: int) -> int:
        """A new file in the run's own folder, to be written."""
        return os.open(name, _WRITE, mode, dir_fd=self.work)

    def place(self, name: str, path: str) -> None:
        """Put a file that is whole where it belongs."""
        os.rename(name, path, src_dir_fd=self.work, dst_dir_fd=self.tree)

    def digest(self, number: int) -> bytes | None:
        """SHA-256 of a file of the index as it lies there; nothing where it is not a file of
        that size and mode."""
        path, _, _, size, mode, _ = self._index.files[number]
        try:
            descriptor = os.open(path, _READ, dir_fd=self.tree)
        except OSError:
            return None
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode) or found.st_size != size:
                return None
            if stat.S_IMODE(found.st_mode) != mode:
                return None
            return _digest(descriptor, 0, size)
        except OSError:
            return None
        finally:
            os.close(descriptor)

    def tidy(self) -> None:
        """Remove what is in the tree and is not the bundle's."""
        paths = {file[0] for file in self._index.files}.union(self._index.own)
        _sift("", self.tree, paths, self._folders)

    def inherit(self, splits: dict[str, int]) -> dict[str, int]:
        """Take over the files that killed processes were writing in several stretches.

        :param splits: their names in a run's folder, and their sizes.
        :return: for each that is found a descriptor to write to it.
        """
        found: dict[str, int] = {}
        for other in sorted(os.listdir(self._root)):
            if not other.startswith("run-") or other == self.run:
                continue
            try:
                theirs = os.open(other, _FOLDER, dir_fd=self._root)
            except OSError:
                continue
            try:
                fcntl.flock(theirs, fcntl.LOCK_EX | fcntl.LOCK_NB)
                for name in os.listdir(theirs):
                    descriptor = self._adopt(name, theirs, splits, found)
                    if descriptor is not None:
                        found[name] = descriptor
                os.rmdir(other, dir_fd=self._root)
            except OSError:
                # It lives, or another has taken it over.
                pass
            finally:
                os.close(theirs)
        return found

    def _adopt(
        self, name: str, theirs: int, splits: dict[str, int], found: dict[str, int]
    ) -> int | None:
        if name not in splits or name in found:
            _remove(name, theirs)
            return None
        os.rename(name, name, src_dir_fd=theirs, dst_dir_fd=self.work)
        flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        try:
            descriptor = os.open(name, flags, dir_fd=self.work)
        except OSError:
            _remove(name, self.work)
            return None
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size != splits[name]:
            os.close(descriptor)
            _remove(name, self.work)
            return None
        return descriptor

    def untouched(self) -> bool:
        """Whether all was complete and nothing was touched since."""
        try:
            descriptor = os.open(_COMPLETE, _READ, dir_fd=self._root)
            with open(descriptor, "rb") as file:
                noted = json.loads(file.read())
            if noted["bundle"] != self._index.sha256:
                return False
            return bool(noted["files"] == self._stamps())
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def complete(self) -> None:
        """Note that all is there."""
        noted = {"bundle": self._index.sha256, "files": self._stamps()}
        descriptor = self.create(_COMPLETE, 0o600)
        with open(descriptor, "w", encoding="ascii") as file:
            json.dump(noted, file)
        os.rename(_COMPLETE, _COMPLETE, src_dir_fd=self.work, dst_dir_fd=self._root)

    def incomplete(self) -> None:
        """Take the note back: something is to be mended."""
        _remove(_COMPLETE, self._root)

    def leave(self) -> None:
        """Remove the run's own folder."""
        for name in os.listdir(self.work):
            _remove(name, self.work)
        os.rmdir(self.run, dir_fd=self._root)
        os.close(self.work)

    def _stamps(self) -> list[list[int]]:
        stamps = []
        for path, frame, *_ in self._index.files:
            if frame >= self._index.hot:
                continue
            found = os.stat(path, dir_fd=self.tree, follow_symlinks=False)
            stamps.append(
                [found.st_size, found.st_mode, found.st_ino, found.st_mtime_ns, found.st_ctime_ns]
            )
        return stamps


def stretch_digest(descriptor: int, start: int, length: int) -> str:
    """SHA-256 of a stretch of a file, hexadecimal."""
    return _digest(descriptor, start, length).hex()


def _digest(descriptor: int, start: int, length: int) -> bytes:
    digest = hashlib.sha256()
    at, end = start, start + length
    while at < end:
        data = os.pread(descriptor, min(_CHUNK, end - at), at)
        if not data:
            break
        digest.update(data)
        at += len(data)
    return digest.digest()


def _folder(path: str, within: int) -> None:
    """A folder at a path, made anew where something else is there, a link above all."""
    try:
        os.mkdir(path, 0o700, dir_fd=within)
    except FileExistsError:
        found = os.stat(path, dir_fd=within, follow_symlinks=False)
        if not stat.S_ISDIR(found.st_mode):
            os.unlink(path, dir_fd=within)
            os.mkdir(path, 0o700, dir_fd=within)
        elif stat.S_IMODE(found.st_mode) != 0o700:
            os.chmod(path, 0o700, dir_fd=within)


def _sift(prefix: str, within: int, paths: set[str], folders: set[str]) -> None:
    with os.scandir(within) as entries:
        found = list(entries)
    for entry in found:
        path = f"{prefix}{entry.name}"
        if entry.is_dir(follow_symlinks=False):
            if path in folders:
                below = os.open(entry.name, _FOLDER, dir_fd=within)
                try:
                    _sift(f"{path}/", below, paths, folders)
                finally:
                    os.close(below)
            else:
                _remove(entry.name, within)
        elif path not in paths or not entry.is_file(follow_symlinks=False):
            _remove(entry.name, within)


def _remove(name: str, within: int) -> None:
    """Whatever it is, with all below it; no link is followed."""
    try:
        os.unlink(name, dir_fd=within)
    except FileNotFoundError:
        return
    except (IsADirectoryError, PermissionError):
        below = os.open(name, _FOLDER, dir_fd=within)
        try:
            for each in os.listdir(below):
                _remove(each, below)
        finally:
            os.close(below)
        os.rmdir(name, dir_fd=within)
