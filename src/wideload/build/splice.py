"""One tree becomes one zip: streams of wheels are copied as they are, nothing is repacked."""

from __future__ import annotations

import contextlib
import hashlib
import mmap
import os
import queue
import sys
import threading
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, assert_never

from wideload.archive import ZipWriter
from wideload.build.block import block_of, derived_stream
from wideload.cache import replacing
from wideload.errors import WideloadError
from wideload.own_files import read_unchanged
from wideload.values.artifact import ManifestFile
from wideload.values.packing import pack
from wideload.values.tree import Derived, FileEntry, LocalFile, WheelMember

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from wideload.build.ahead import Ahead
    from wideload.cache import Cache
    from wideload.values.resolution import Wheel
    from wideload.values.tree import FileTree


class _Output:
    """A file that is written while another thread digests what is written.

    :param digest: of what is written first by :meth:`copy` without being digested.
    :param size: that it will have. It is reserved at once: a full disk shows before anything
        is written, and the file system need not find room when the file is renamed.
    """

    def __init__(self, file: BinaryIO, size: int, digest: hashlib._Hash) -> None:
        self._file = file
        if sys.platform == "linux" and size:
            os.posix_fallocate(file.fileno(), 0, size)
        self._digest = digest
        self._queue: queue.SimpleQueue[bytes | memoryview | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def _work(self) -> None:
        while (data := self._queue.get()) is not None:
            self._digest.update(data)

    def write(self, data: bytes | memoryview, /) -> int:
        """Bytes that do not change any more."""
        self._queue.put(data)
        return self._file.write(data)

    def copy(self, path: Path, data: memoryview, *, digested: bool) -> None:
        """A whole file, within the kernel; `data` is its content, mapped."""
        if not digested:
            self._queue.put(data)
        self._file.flush()
        with path.open("rb") as source:
            at = 0
            while at < len(data):
                at += os.sendfile(self._file.fileno(), source.fileno(), at, len(data) - at)

    def finish(self) -> str:
        """Digest of all that was written. To be called on the way of an error too."""
        self._queue.put(None)
        self._thread.join()
        return self._digest.hexdigest()


def splice(
    tree: FileTree,
    wheels: Mapping[str, Wheel],
    paths: Mapping[str, Path],
    into: Path,
    cache: Cache,
    ahead: Ahead,
) -> tuple[str, tuple[ManifestFile, ...]]:
    """Write the zip of a tree, whole or not at all.

    The entries of each wheel follow each other, wheels in order of name, then the rest: so
    a wheel's part is the same bytes whatever else is packed, and is spliced only once.

    :param wheels: by sha256, all that the tree's entries name.
    :param paths: where these wheels lie.
    :param ahead: digests what the zip began with last time.
    :return: sha256 of the zip, and the account of its files.
    :raises WideloadError: a wheel is broken, a file changed or is gone, or the disk is full.
    """
    groups: dict[str, list[FileEntry]] = {}
    rest: list[FileEntry] = []
    for entry in tree:
        (groups.setdefault(entry.wheel, []) if entry.wheel else rest).append(entry)
    files: list[ManifestFile] = []
    try:
        blocks = [
            block_of(groups[sha256], wheels[sha256], paths[sha256], cache)
            for sha256 in sorted(groups, key=lambda sha256: wheels[sha256].name)
        ]
        names = [block.sha256 for block, _ in blocks]
        known, begun = ahead.prefix(names)
        with contextlib.ExitStack() as stack:
            # The maps are closed last: the digesting thread reads them until it is joined.
            maps = [stack.enter_context(_mapped(path)) for _, path in blocks]
            output = _Output(stack.enter_context(replacing(into)), tree.zipped_bytes, begun)
            stack.callback(output.finish)
            writer = ZipWriter(output)
            for index, ((block, path), content) in enumerate(zip(blocks, maps, strict=True)):
                output.copy(path, content, digested=index < known)
                writer.skip(block.length, block.records)
                files.extend(block.files)
            for entry in rest:
                stream, digest, origin = _single(entry, cache)
                writer.add(entry, stream)
                files.append(ManifestFile(entry.path, entry.size, digest, origin))
            size = writer.finish()
            sha256 = output.finish()
            if size != tree.zipped_bytes:
                raise AssertionError(f"planned {tree.zipped_bytes} bytes, wrote {size}")
        ahead.remember(names)
    except OSError as error:
        raise WideloadError(
            f"{into.name} could not be written",
            why=str(error),
            hint="free disk space, or make the folder writable",
        ) from error
    return sha256, tuple(sorted(files, key=lambda file: file.path))


@contextlib.contextmanager
def _mapped(path: Path) -> Iterator[memoryview]:
    with (
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
        memoryview(content) as view,
    ):
        yield view


def _single(entry: FileEntry, cache: Cache) -> tuple[bytes, str, str]:
    """Stream, sha256 and origin of a file that is no wheel's."""
    match entry.origin:
        case LocalFile():
            data = read_unchanged(entry.path, entry.origin)
            stream, stored = pack(data)
            found = (len(stream), stored, zlib.crc32(data))
            if found != (entry.compressed_size, entry.stored, entry.crc32):
                raise AssertionError(f"{entry.path} was planned otherwise")
            return stream, entry.origin.sha256, "source"
        case Derived(sha256, maker):
            return derived_stream(entry, entry.origin, cache), sha256, maker
        case WheelMember():
            raise AssertionError(f"{entry.path} is a wheel's")
        case _:
            assert_never(entry.origin)
