"""Frames that were fetched are checked, decompressed and written, each file whole."""

from __future__ import annotations

import hashlib
import heapq
import importlib
import os
import threading

from .folder import Folder, full, stretch_digest
from .index import Index
from .trouble import BundleError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

_CHUNK = 1 << 16


class Corrupt(Exception):
    """The bytes of a frame are not what the index says."""


def decompressor() -> Any:
    """The module that has ``ZstdDecompressor``: our own, or from Python 3.14 on Python's."""
    here = __name__.rpartition(".")[0]
    for name in (f"{here}._zstd", "compression.zstd"):
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    raise BundleError(
        "nothing can unpack the bundle on this Python",
        "neither the zstd of the function's zip nor Python's own can be imported",
        "deploy the function again for this runtime and architecture",
    )


class Unpacking:
    """Threads that unpack frames, those that are wanted first, first.

    :param done: called with the number of a frame whose files are all there.
    :param corrupt: called with the number of a frame that has to be fetched again.
    :param failed: called with why a frame cannot be unpacked.
    """

    def __init__(
        self,
        index: Index,
        folder: Folder,
        done: Callable[[int], None],
        corrupt: Callable[[int], None],
        failed: Callable[[BundleError], None],
    ) -> None:
        self._index, self._folder = index, folder
        self._done, self._corrupt, self._failed = done, corrupt, failed
        self._zstd = decompressor()
        self._stretches = index.stretches()
        self._digests = index.digests()
        self._change = threading.Condition()
        self._queue: list[tuple[bool, int, list[memoryview]]] = []
        self._urgent: set[int] = set()
        self._names = 0
        # Of files that lie in several frames.
        self._splits = {
            number: (
                file[3],
                {
                    frame
                    for frame, held in enumerate(self._stretches)
                    for one, _, _ in held
                    if one == number
                },
            )
            for number, file in enumerate(index.files)
            if file[2] + file[3] > index.frames[file[1]][3]
        }
        self._descriptors: dict[int, int] = {}
        self._surveyed: set[int] = set()
        self._lacking = {number: set(frames) for number, (_, frames) in self._splits.items()}

    def start(self, count: int) -> None:
        """Start this many threads."""
        for _ in range(count):
            threading.Thread(target=self._work, daemon=True).start()

    def add(self, frame: int, parts: list[memoryview]) -> None:
        """Unpack a frame."""
        with self._change:
            heapq.heappush(self._queue, (frame not in self._urgent, frame, parts))
            self._change.notify()

    def hurry(self, frames: Iterable[int]) -> None:
        """Somebody waits for these frames."""
        with self._change:
            self._urgent.update(frames)
            self._queue = [(one not in self._urgent, one, parts) for _, one, parts in self._queue]
            heapq.heapify(self._queue)

    def together(self, frames: set[int]) -> set[int]:
        """These frames, and those that hold other parts of files that they hold a part of."""
        return frames.union(
            *(held for _, held in self._splits.values() if not held.isdisjoint(frames))
        )

    def survey(self, frame: int) -> bool:
        """Whether the files of a frame are all there already, checked by content."""
        for number, start, length in self._stretches[frame]:
            if number in self._splits and number in self._lacking:
                if number not in self._surveyed:
                    self._surveyed.add(number)
                    if self._folder.digest(number) == self._digests[number]:
                        del self._lacking[number]
                        continue
                raw_sha256 = self._index.frames[frame][4]
                descriptor = self._descriptors.get(number)
                if descriptor is None:
                    return False
                if stretch_digest(descriptor, start, length) != raw_sha256:
                    return False
                self._finished(number, frame)
            elif (
                number not in self._splits and self._folder.digest(number) != self._digests[number]
            ):
                return False
        return True

    def inherit(self) -> None:
        """Take over what killed processes had written of files in several frames."""
        names = {f"split-{number}": number for number in self._splits}
        sizes = {name: self._splits[number][0] for name, number in names.items()}
        for name, descriptor in self._folder.inherit(sizes).items():
            self._descriptors[names[name]] = descriptor

    def _work(self) -> None:
        while True:
            with self._change:
                while not self._queue:
                    self._change.wait()
                _, frame, parts = heapq.heappop(self._queue)
            try:
                self._unpack(frame, parts)
            except Corrupt:
                self._corrupt(frame)
            except OSError as error:
                self._failed(full(self._folder.root, error, self._index))
            except BaseException as error:
                self._failed(BundleError("the loader failed", f"{type(error).__name__}: {error}"))
                raise
            else:
                self._done(frame)

    def _unpack(self, frame: int, parts: list[memoryview]) -> None:
        _, _, sha256, raw_length, _ = self._index.frames[frame]
        digest = hashlib.sha256()
        for part in parts:
            digest.update(part)
        if digest.hexdigest() != sha256:
            raise Corrupt
        content = _Content(self._chunks(parts, raw_length))
        for number, start, length in self._stretches[frame]:
            if number in self._splits:
                descriptor = self._split(number)
                at = start
                for piece in content.take(length):
                    view = piece
                    while view:
                        written = os.pwrite(descriptor, view, at)
                        at, view = at + written, view[written:]
                self._finished(number, frame)
            else:
                self._write(number, content.take(length))

    def _chunks(self, parts: list[memoryview], raw_length: int) -> Iterator[bytes]:
        """The frame's content; nothing else than what its digest was made for can come out."""
        unpacker = self._zstd.ZstdDecompressor()
        produced = 0
        try:
            for part in parts:
                data: memoryview | bytes = part
                while True:
                    chunk = unpacker.decompress(data, _CHUNK)
                    data = b""
                    produced += len(chunk)
                    if chunk:
                        yield chunk
                    if unpacker.eof or unpacker.needs_input:
                        break
        except (self._zstd.ZstdError, EOFError) as error:
            raise BundleError("a frame of the bundle cannot be unpacked", str(error)) from error
        if produced != raw_length:
            raise BundleError(
                "a frame of the bundle cannot be unpacked",
                f"it holds {produced} bytes, not {raw_length}",
            )

    def _write(self, number: int, content: Iterator[memoryview]) -> None:
        path, _, _, _, mode, _ = self._index.files[number]
        with self._change:
            self._names += 1
            name = str(self._names)
        descriptor = self._folder.create(name, mode)
        try:
            for piece in content:
                view = piece
                while view:
                    view = view[os.write(descriptor, view) :]
        finally:
            os.close(descriptor)
        self._folder.place(name, path)

    def _split(self, number: int) -> int:
        with self._change:
            descriptor = self._descriptors.get(number)
            if descriptor is None:
                _, _, _, size, mode, _ = self._index.files[number]
                descriptor = self._folder.create(f"split-{number}", mode)
                os.ftruncate(descriptor, size)
                self._descriptors[number] = descriptor
            return descriptor

    def _finished(self, number: int, frame: int) -> None:
        """A stretch of a file in several frames is there; with the last one all of it."""
        with self._change:
            lacking = self._lacking.get(number)
            if lacking is None:
                return
            lacking.discard(frame)
            if lacking:
                return
            del self._lacking[number]
            os.close(self._descriptors.pop(number))
        self._folder.place(f"split-{number}", self._index.files[number][0])


class _Content:
    """A frame's content, taken file by file."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = memoryview(b"")

    def take(self, length: int) -> Iterator[memoryview]:
        """The next bytes, in pieces."""
        while length:
            if not self._rest:
                chunk = next(self._chunks, None)
                if chunk is None:
                    raise BundleError("a frame of the bundle cannot be unpacked", "it is short")
                self._rest = memoryview(chunk)
            piece = self._rest[:length]
            self._rest = self._rest[len(piece) :]
            length -= len(piece)
            yield piece
