"""Digesting what the next package will most likely begin with, before it is known.

The digest of a package is the slowest part of a warm build, and its first 99 % are the same
as last time: the blocks of the same wheels. They are digested in a thread while the plan is
still being made; what turns out otherwise is digested again.
"""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING

import msgspec

from wideload.cache import write_atomically

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from wideload.cache import Cache

_NOTES = "last-blocks"
_BLOCKS = "blocks"
_CHUNK = 1 << 22


class Ahead:
    """Digests the blocks that a package was made of the last time.

    :param package: where the package lies, or will.
    """

    def __init__(self, package: Path, cache: Cache) -> None:
        self._note = cache.path(_NOTES, hashlib.sha256(str(package).encode()).hexdigest())
        try:
            last = msgspec.json.decode(self._note.read_bytes(), type=list[str])
        except (FileNotFoundError, msgspec.MsgspecError):
            last = []
        paths = [(sha256, cache.verified(_BLOCKS, sha256)) for sha256 in last]
        self._done = [("", hashlib.sha256())]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, args=(paths,), daemon=True)
        self._thread.start()

    def _work(self, paths: Sequence[tuple[str, Path | None]]) -> None:
        digest = hashlib.sha256()
        for sha256, path in paths:
            if path is None:
                return
            with path.open("rb") as file:
                while chunk := file.read(_CHUNK):
                    if self._stop.is_set():
                        return
                    digest.update(chunk)
            self._done.append((sha256, digest.copy()))

    def stop(self) -> None:
        """Digest no further: it is not wanted."""
        self._stop.set()
        self._thread.join()

    def prefix(self, blocks: Sequence[str]) -> tuple[int, hashlib._Hash]:
        """How many of these blocks are digested already, and their digest so far."""
        self._thread.join()
        count = 0
        for wanted, (found, _) in zip(blocks, self._done[1:], strict=False):
            if wanted != found:
                break
            count += 1
        return count, self._done[count][1].copy()

    def remember(self, blocks: Sequence[str]) -> None:
        """Note what the package is made of now."""
        write_atomically(self._note, msgspec.json.encode(list(blocks)))
