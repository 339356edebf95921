"""Packages by their digest: zips as they came, and unpacked once a function runs from them."""

from __future__ import annotations

import binascii
import hashlib
import os
import secrets
import shutil
import threading
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from wideload import limits
from wideload.errors import WideloadError
from wideload.local.functions import archives, faults
from wideload.local.functions.documents import Code
from wideload.local.functions.faults import LambdaFault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wideload.local.functions.body import Base64

# A multiple of four characters: base64 is decoded in pieces that stand alone.
_PIECE = 4 << 18
_BLOCK = 1 << 20


class Blobs:
    """Zips and their unpacked folders below a state folder."""

    def __init__(self, state: Path) -> None:
        self._zips = state / "blobs"
        self._folders = state / "unpacked"
        self._incoming = state / "incoming"
        # Whatever was being received or unpacked when the process ended is of no use.
        shutil.rmtree(self._incoming, ignore_errors=True)
        for folder in (self._zips, self._folders, self._incoming):
            folder.mkdir(parents=True, exist_ok=True)
        for partial in self._folders.glob(".*"):
            shutil.rmtree(partial, ignore_errors=True)
        self._lock = threading.Lock()
        self._unpacking: dict[str, threading.Lock] = {}
        self._held: Counter[str] = Counter()

    def path(self, sha256: str) -> Path:
        """Where the zip of this digest lies."""
        return self._zips / f"{sha256}.zip"

    @contextmanager
    def received(self, sent: Base64) -> Iterator[Path]:
        """A file with the decoded bytes of a zip in a request, gone after the block.

        :raises LambdaFault: it is bigger than a request may carry, or not base64.
        """
        size = len(sent.text) * 3 // 4
        if bytes(sent.text[-2:]) == b"==":
            size -= 2
        elif bytes(sent.text[-1:]) == b"=":
            size -= 1
        broken = limits.check_zipped(size)
        if broken is not None:
            raise faults.broken(broken)
        path = self._incoming / secrets.token_hex(16)
        try:
            with path.open("xb") as file:
                for start in range(0, len(sent.text), _PIECE):
                    piece = sent.text[start : start + _PIECE]
                    file.write(binascii.a2b_base64(piece, strict_mode=True))
            yield path
        except binascii.Error as error:
            raise LambdaFault(
                "SerializationException", f"ZipFile is not base64: {error}", kind=None
            ) from None
        finally:
            path.unlink(missing_ok=True)

    @contextmanager
    def keep(self, source: Path, check: Callable[[int], None]) -> Iterator[Code]:
        """Take a zip into the store; it stays if a document refers to it after the block.

        :param source: a file that is never changed in place; linked where that is possible.
        :param check: called with the unzipped size before any member is read.
        :raises LambdaFault: it is no sound zip, or `check` refuses it.
        """
        found = archives.inspect(source)
        check(found.unzipped)
        digest = _sha256(source)
        with self._lock:
            self._held[digest] += 1
        try:
            if not self.path(digest).exists():
                archives.verify(source)
                self._take(source, digest)
            yield Code(digest, source.stat().st_size, found.unzipped)
        finally:
            with self._lock:
                self._held[digest] -= 1
                if not self._held[digest]:
                    del self._held[digest]

    def unpack(self, sha256: str) -> Path:
        """The folder with the package's files; unpacks it the first time.

        :raises WideloadError: the disk is full, or someone took the zip away.
        """
        folder = self._folders / sha256
        with self._lock:
            lock = self._unpacking.setdefault(sha256, threading.Lock())
        with lock:
            if folder.exists():
                return folder
            partial = self._folders / f".{sha256}.{secrets.token_hex(6)}"
            partial.mkdir()
            try:
                archives.unpack(self.path(sha256), partial)
                partial.rename(folder)
            except (OSError, LambdaFault) as error:
                shutil.rmtree(partial, ignore_errors=True)
                raise WideloadError(
                    "a function's package cannot be unpacked",
                    why=str(error),
                    hint="make room on the disk, or upload the package again",
                ) from error
        return folder

    def collect(self, referenced: Callable[[], set[str]], running: Callable[[], set[str]]) -> None:
        """Delete what no document refers to, no upload holds and no environment runs from."""
        with self._lock:
            candidates = {path.stem for path in self._zips.glob("*.zip")}
            candidates |= {path.name for path in self._folders.iterdir()}
            needed = referenced() | running() | set(self._held)
            for digest in candidates - needed:
                if digest.startswith("."):
                    continue
                self.path(digest).unlink(missing_ok=True)
                shutil.rmtree(self._folders / digest, ignore_errors=True)

    def _take(self, source: Path, digest: str) -> None:
        target = self.path(digest)
        partial = self._incoming / secrets.token_hex(16)
        try:
            os.link(source, partial)
        except OSError:
            # Another file system, or one without links.
            shutil.copyfile(source, partial)
        partial.replace(target)
        # Where both names are links to one file already, replacing leaves them both.
        partial.unlink(missing_ok=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
