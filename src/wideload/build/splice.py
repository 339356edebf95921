"""One tree becomes one zip: streams of wheels are copied as they are, nothing is repacked."""

from __future__ import annotations

import contextlib
import hashlib
import queue
import threading
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, assert_never

from wideload.archive import ZipWriter
from wideload.build.wheelfile import WheelFile
from wideload.cache import replacing
from wideload.errors import WideloadError
from wideload.values.artifact import ManifestFile
from wideload.values.packing import pack
from wideload.values.tree import Derived, FileEntry, LocalFile, WheelMember

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wideload.cache import Cache
    from wideload.values.resolution import Wheel
    from wideload.values.tree import FileTree


class _HashingFile:
    """Writes to a file while another thread digests: both wait for memory, not for Python."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self._queue: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._pending = bytearray()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def _work(self) -> None:
        while (data := self._queue.get()) is not None:
            self._digest.update(data)

    def write(self, data: bytes | memoryview) -> int:
        self._pending += data
        if len(self._pending) >= 1 << 20:
            self._flush()
        return len(data)

    def _flush(self) -> None:
        data = bytes(self._pending)
        self._pending.clear()
        self._queue.put(data)
        self._file.write(data)

    def finish(self) -> str:
        """The digest of all that was written."""
        self._flush()
        self._queue.put(None)
        self._thread.join()
        return self._digest.hexdigest()


def _local(entry: FileEntry, origin: LocalFile) -> bytes:
    try:
        data = Path(origin.path).read_bytes()
    except OSError as error:
        raise WideloadError(f"{entry.path} cannot be read", why=str(error)) from error
    if hashlib.sha256(data).hexdigest() != origin.sha256:
        raise WideloadError(
            f"{entry.path} changed while it was being packed",
            why="its content is another than when the build began",
            hint="build again",
        )
    return data


def splice(
    tree: FileTree,
    wheels: Mapping[str, Wheel],
    paths: Mapping[str, Path],
    into: Path,
    cache: Cache,
) -> tuple[str, tuple[ManifestFile, ...]]:
    """Write the zip of a tree, whole or not at all.

    :param wheels: by sha256, all that the tree's entries name.
    :param paths: where these wheels lie.
    :return: sha256 of the zip, and the account of its files.
    :raises WideloadError: a wheel is broken, a file changed or is gone, or the disk is full.
    """
    files: list[ManifestFile] = []
    used = {entry.origin.wheel for entry in tree if isinstance(entry.origin, WheelMember)}
    with contextlib.ExitStack() as stack:
        opened = {
            sha256: stack.enter_context(WheelFile(paths[sha256], wheels[sha256], cache))
            for sha256 in sorted(used)
        }
        try:
            file = _HashingFile(stack.enter_context(replacing(into)))
            writer = ZipWriter(file)
            for entry in tree:
                match entry.origin:
                    case WheelMember(sha256, name):
                        source = opened[sha256]
                        with source.stream(name) as stream:
                            _add(writer, entry, stream)
                        digest, origin = source.sha256(name), wheels[sha256].filename
                    case LocalFile():
                        data = _local(entry, entry.origin)
                        packed, stored = pack(data)
                        if (len(packed), stored, zlib.crc32(data)) != (
                            entry.compressed_size,
                            entry.stored,
                            entry.crc32,
                        ):
                            raise AssertionError(f"{entry.path} was planned otherwise")
                        _add(writer, entry, packed)
                        digest, origin = entry.origin.sha256, "source"
                    case Derived(sha256, maker):
                        packed = cache.path("derived", sha256).read_bytes()
                        _add(writer, entry, packed)
                        digest, origin = sha256, maker
                    case _:
                        assert_never(entry.origin)
                files.append(ManifestFile(entry.path, entry.size, digest, origin))
            size = writer.finish()
            sha256 = file.finish()
        except OSError as error:
            raise WideloadError(
                f"{into.name} could not be written",
                why=str(error),
                hint="free disk space, or make the folder writable",
            ) from error
    if size != tree.zipped_bytes:
        raise AssertionError(f"planned {tree.zipped_bytes} bytes, wrote {size}")
    return sha256, tuple(files)


def _add(writer: ZipWriter, entry: FileEntry, stream: bytes | memoryview) -> None:
    writer.add(
        entry.path,
        stream,
        size=entry.size,
        crc32=entry.crc32,
        mode=entry.mode,
        stored=entry.stored,
    )
