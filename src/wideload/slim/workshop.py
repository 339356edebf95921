"""Where things are made: on all processors, beside whatever else goes on meanwhile.

Threads, not processes: inflating, deflating, digesting and writing let go of the interpreter,
laying a library anew takes next to no time, and modules are compiled by processes of the
target's own Python.
"""

from __future__ import annotations

import os
import threading
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING, Self

import msgspec

from wideload.slim import bytecode
from wideload.slim.contents import Contents
from wideload.slim.derive import PAGE, Batch, key_of, known
from wideload.slim.derived import Made, put, remember, undone
from wideload.slim.elf.relay import relay
from wideload.values.tree import FileEntry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from wideload.cache import Cache
    from wideload.values.target import Target

_CHUNK = 4_000_000
"""Bytes of work that are done in one go, if not a single file has more."""
_MOST = 16
"""Threads at most: each holds files, and perhaps a compiler, in memory."""


class _Piece(msgspec.Struct, frozen=True):
    """One file, and the key of the batch that it is of."""

    key: str
    entry: FileEntry


class _Chunk(msgspec.Struct, frozen=True):
    pieces: tuple[_Piece, ...]
    style: bytecode.Style | None
    size: int


class Workshop:
    """Makes what was not made before. A context manager: leaving it ends all work.

    :param paths: where the wheels lie, by sha256; more may come while it works.
    """

    def __init__(self, target: Target, cache: Cache, paths: Mapping[str, Path]) -> None:
        self.python: str | None = None
        """A CPython of the target's minor version; needed where modules are to be compiled that
        were not before."""
        self._target = target
        self._cache = cache
        self._contents = Contents(paths, cache)
        count = min(len(os.sched_getaffinity(0)), _MOST)
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="slim")
        self._running: dict[Future[list[tuple[str, Made]]], _Chunk] = {}
        self._made: dict[str, list[Made]] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pool.shutdown(cancel_futures=True)
        self._contents.__exit__(kind, error, trace)

    def begin(self, batches: Sequence[Batch]) -> None:
        """Start on what is lacking of these, and do not wait for it. From any thread."""
        with self._lock:
            lacking: list[tuple[str, Batch]] = []
            for batch in batches:
                key = key_of(batch, self._target)
                if key not in self._made and known(batch, self._target, self._cache) is None:
                    lacking.append((key, batch))
                    self._made[key] = []
            # The longest first: threads end together.
            for chunk in sorted(_chunks(lacking), key=lambda chunk: -chunk.size):
                self._running[self._pool.submit(self._work, chunk)] = chunk

    def finish(
        self, batches: Sequence[Batch], progress: Callable[[int], None] = lambda _: None
    ) -> list[dict[str, Made]]:
        """What is made of the files of each batch, by path.

        :param progress: told how many bytes of `Batch.size` more are done.
        :raises WideloadError: a wheel is broken inside, or Python does not run.
        """
        self.begin(batches)
        keys = {key_of(batch, self._target) for batch in batches}
        awaited = [
            future
            for future, chunk in self._running.items()
            if any(piece.key in keys for piece in chunk.pieces)
        ]
        for future in as_completed(awaited):
            for key, made in future.result():
                self._made[key].append(made)
            progress(self._running.pop(future).size)
        outcome = []
        for batch in batches:
            key = key_of(batch, self._target)
            found = known(batch, self._target, self._cache)
            if found is None:
                found = remember(key, self._made[key], self._cache)
            elif key not in self._made:
                progress(batch.size)
            outcome.append(found)
        return outcome

    def _work(self, chunk: _Chunk) -> list[tuple[str, Made]]:
        """Runs in a thread: files read, something made of each, and kept."""
        if chunk.style is None:
            return [(piece.key, self._relaid(piece.entry)) for piece in chunk.pieces]
        if self.python is None:
            raise AssertionError("modules are to be compiled, and no Python was given")
        sources = [(piece.entry.path, self._contents.read(piece.entry)) for piece in chunk.pieces]
        done = bytecode.compile_all(sources, self.python, chunk.style)
        return [
            (piece.key, self._kept(piece.entry.path, one))
            for piece, one in zip(chunk.pieces, done, strict=True)
        ]

    def _relaid(self, entry: FileEntry) -> Made:
        relaid = relay(self._contents.read(entry), page=PAGE)
        if not relaid.changed:
            return undone(entry.path, relaid.reason)
        return put(entry.path, relaid.data, self._cache, relaid.reason)

    def _kept(self, path: str, compiled: bytecode.Compiled) -> Made:
        if not compiled.data:
            return undone(path, compiled.reason)
        return put(path, compiled.data, self._cache)


def _chunks(batches: Iterable[tuple[str, Batch]]) -> Iterator[_Chunk]:
    """The files of all batches, those of one style together, the largest first."""
    by_style: dict[bytecode.Style | None, list[_Piece]] = {}
    for key, batch in batches:
        by_style.setdefault(batch.style, []).extend(_Piece(key, one) for one in batch.entries)
    for style, pieces in by_style.items():
        pile: list[_Piece] = []
        size = 0
        for piece in sorted(pieces, key=lambda piece: (-piece.entry.size, piece.entry.path)):
            pile.append(piece)
            size += piece.entry.size
            if size >= _CHUNK:
                yield _Chunk(tuple(pile), style, size)
                pile, size = [], 0
        if pile:
            yield _Chunk(tuple(pile), style, size)
