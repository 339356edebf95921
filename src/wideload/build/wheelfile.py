"""A fetched wheel as a source of streams: where each one lies, checked once and remembered.

Only what is packed is inflated to be checked: of a slimmed wheel that is the smaller part.
"""

from __future__ import annotations

import contextlib
import hashlib
import mmap
import os
import struct
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Self

import msgspec

from wideload.cache import write_atomically
from wideload.errors import WideloadError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from types import TracebackType

    from wideload.cache import Cache
    from wideload.values.resolution import Member, Wheel

_INDEX = "streams"
_INDEX_VERSION = 2
_LOCAL_HEADER = 30
_NAME_AND_EXTRA = struct.Struct("<HH")
_CHUNK = 1 << 20


class _Stream(msgspec.Struct, frozen=True, array_like=True):
    name: str
    offset: int
    length: int
    sha256: str
    """Of the content; empty while it was not checked."""


class _Index(msgspec.Struct, frozen=True, array_like=True):
    version: int
    streams: tuple[_Stream, ...]


def _corrupt(wheel: Wheel, why: str) -> WideloadError:
    return WideloadError(
        f"corrupt wheel {wheel.filename}",
        why=why,
        hint="the file is what the lock says, so the release itself is broken: choose another "
        "version",
    )


def _inflate(stream: memoryview, stored: bool) -> tuple[int, int, str]:
    """Size, CRC and sha256 of a stream's content; never more than a chunk in memory."""
    size, crc, digest = 0, 0, hashlib.sha256()
    inflater = None if stored else zlib.decompressobj(-zlib.MAX_WBITS)
    for start in range(0, len(stream), _CHUNK):
        piece = stream[start : start + _CHUNK]
        data: bytes | memoryview = inflater.decompress(piece) if inflater else piece
        size, crc = size + len(data), zlib.crc32(data, crc)
        digest.update(data)
    if inflater:
        rest = inflater.flush()
        size, crc = size + len(rest), zlib.crc32(rest, crc)
        digest.update(rest)
        if not inflater.eof or inflater.unused_data:
            raise zlib.error("the stream does not end where it should")
    return size, crc, digest.hexdigest()


def _locate(data: memoryview, path: Path, wheel: Wheel) -> _Index:
    """Find every stream of a wheel.

    The directory was perhaps read by ranges, before the wheel's digest could be checked:
    what it said then must be what the wheel itself says.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            infos = {info.filename: info for info in archive.infolist() if not info.is_dir()}
    except (zipfile.BadZipFile, NotImplementedError, OSError) as error:
        raise _corrupt(wheel, str(error)) from error
    if infos.keys() != {member.name for member in wheel.members}:
        raise _corrupt(wheel, "the index served another table of contents for it")
    streams = []
    for member in wheel.members:
        info = infos[member.name]
        found = (info.file_size, info.compress_size, info.CRC)
        if found != (member.size, member.compressed_size, member.crc32):
            raise _corrupt(wheel, f"{member.name} is not what the table of contents says")
        at = info.header_offset
        name_length, extra_length = _NAME_AND_EXTRA.unpack_from(data, at + 26)
        start = at + _LOCAL_HEADER + name_length + extra_length
        streams.append(_Stream(member.name, start, member.compressed_size, ""))
    return _Index(_INDEX_VERSION, tuple(streams))


class WheelFile:
    """The streams of a wheel that lies in the cache. A context manager.

    :raises WideloadError: the wheel is broken inside.
    """

    def __init__(self, path: Path, wheel: Wheel, cache: Cache) -> None:
        with path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._data = memoryview(self._map)
        self._wheel = wheel
        self._members = {member.name: member for member in wheel.members}
        self._note = cache.path(_INDEX, wheel.sha256, ".msgpack")
        index = _remembered(self._note)
        if index is None:
            try:
                index = _locate(self._data, path, wheel)
            except struct.error as error:
                raise _corrupt(wheel, "a member lies outside of the file") from error
        self._streams = {stream.name: stream for stream in index.streams}
        self._learnt = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._learnt:
            index = _Index(_INDEX_VERSION, tuple(self._streams.values()))
            write_atomically(self._note, msgspec.msgpack.encode(index))
        # Where a member was broken, the error on its way still holds a view of it.
        with contextlib.suppress(BufferError):
            self._data.release()
            self._map.close()

    def check(self, names: Iterable[str]) -> None:
        """Inflate these members, all at once, as far as that was never done.

        :raises WideloadError: one is not what the table of contents says.
        """
        new = [self._members[name] for name in names if not self._streams[name].sha256]
        if not new:
            return
        if len(new) == 1:
            digests = [self._checked(new[0])]
        else:
            with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
                digests = list(pool.map(self._checked, new))
        for member, sha256 in zip(new, digests, strict=True):
            known = self._streams[member.name]
            self._streams[member.name] = msgspec.structs.replace(known, sha256=sha256)
        self._learnt = True

    def _checked(self, member: Member) -> str:
        known = self._streams[member.name]
        with self._data[known.offset : known.offset + known.length] as stream:
            try:
                size, crc, sha256 = _inflate(stream, member.stored)
            except zlib.error as error:
                raise _corrupt(self._wheel, f"{member.name}: {error}") from error
        if (size, crc) != (member.size, member.crc32):
            raise _corrupt(self._wheel, f"{member.name} is not what the table of contents says")
        return sha256

    def stream(self, name: str) -> memoryview:
        """A member's stream as it lies in the wheel. Release it before the wheel is closed.

        :raises WideloadError: as :meth:`check` does.
        """
        self.check([name])
        stream = self._streams[name]
        return self._data[stream.offset : stream.offset + stream.length]

    def sha256(self, name: str) -> str:
        """Of a member's content."""
        self.check([name])
        return self._streams[name].sha256


def _remembered(note: Path) -> _Index | None:
    try:
        index = msgspec.msgpack.decode(note.read_bytes(), type=_Index)
    except (FileNotFoundError, msgspec.MsgspecError):
        return None
    return index if index.version == _INDEX_VERSION else None
