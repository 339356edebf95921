"""A fetched wheel as a source of streams: where each one lies, checked once and remembered."""

from __future__ import annotations

import hashlib
import mmap
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING, Self

import msgspec

from wideload.cache import write_atomically
from wideload.errors import WideloadError

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from wideload.cache import Cache
    from wideload.values.resolution import Wheel

_INDEX = "streams"
_INDEX_VERSION = 1
_LOCAL_HEADER = 30
_NAME_AND_EXTRA = struct.Struct("<HH")
_CHUNK = 1 << 20


class _Stream(msgspec.Struct, frozen=True, array_like=True):
    name: str
    offset: int
    length: int
    sha256: str


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


def _survey(data: memoryview, path: Path, wheel: Wheel) -> _Index:
    """Find and check every stream of a wheel.

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
        at = info.header_offset
        name_length, extra_length = _NAME_AND_EXTRA.unpack_from(data, at + 26)
        start = at + _LOCAL_HEADER + name_length + extra_length
        stream = data[start : start + member.compressed_size]
        try:
            size, crc, sha256 = _inflate(stream, member.stored)
        except zlib.error as error:
            raise _corrupt(wheel, f"{member.name}: {error}") from error
        if (size, crc) != (member.size, member.crc32) or crc != info.CRC:
            raise _corrupt(wheel, f"{member.name} is not what the table of contents says")
        streams.append(_Stream(member.name, start, member.compressed_size, sha256))
    return _Index(_INDEX_VERSION, tuple(streams))


class WheelFile:
    """The streams of a wheel that lies in the cache. A context manager.

    :raises WideloadError: the wheel is broken inside.
    """

    def __init__(self, path: Path, wheel: Wheel, cache: Cache) -> None:
        with path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._data = memoryview(self._map)
        note = cache.path(_INDEX, wheel.sha256, ".msgpack")
        index = _remembered(note)
        if index is None:
            try:
                index = _survey(self._data, path, wheel)
            except struct.error as error:
                raise _corrupt(wheel, "a member lies outside of the file") from error
            write_atomically(note, msgspec.msgpack.encode(index))
        self._streams = {stream.name: stream for stream in index.streams}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._data.release()
        self._map.close()

    def stream(self, name: str) -> memoryview:
        """A member's stream as it lies in the wheel. Release it before the wheel is closed."""
        stream = self._streams[name]
        return self._data[stream.offset : stream.offset + stream.length]

    def sha256(self, name: str) -> str:
        """Of a member's content."""
        return self._streams[name].sha256


def _remembered(note: Path) -> _Index | None:
    try:
        index = msgspec.msgpack.decode(note.read_bytes(), type=_Index)
    except (FileNotFoundError, msgspec.MsgspecError):
        return None
    return index if index.version == _INDEX_VERSION else None
