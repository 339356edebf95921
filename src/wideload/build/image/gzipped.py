"""A gzip file that is the same bytes on any machine: one member, of libdeflate's.

zlib's streams differ from build to build. To join streams that are deflated already (those of
wheels) would need a member for each, and what reads only the first member of a layer would lose
files without a word; what Lambda does with more than one is not documented. So a layer is
deflated anew, once, and kept.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from typing import TYPE_CHECKING, Protocol

import deflate
import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

LEVEL = 6
"""Of libdeflate: its own default."""
LARGEST_DEFLATED = 1 << 30
"""Bytes. libdeflate wants the whole of it in memory, and room for as much again. What is
bigger, a model most likely, is stored."""

_HEADER = bytes.fromhex("1f8b08000000000000ff")
_BLOCK = 0xFFFF
_BLOCK_HEADER = struct.Struct("<BHH")
_TRAILER = struct.Struct("<II")


class Sink(Protocol):
    """Where it is written to."""

    def write(self, data: bytes | memoryview, /) -> int:
        """Take all of the bytes."""
        ...


class Gzipped(msgspec.Struct, frozen=True, array_like=True):
    """What was written."""

    sha256: str
    size: int
    content_sha256: str
    content_size: int


class _Digesting:
    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.digest = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes | memoryview, /) -> None:
        self.digest.update(data)
        self.size += len(data)
        self._sink.write(data)


def gzip_into(sink: Sink, pieces: Iterable[bytes | memoryview], size: int) -> Gzipped:
    """Write these pieces as one gzip member.

    :param size: of all the pieces together, which decides whether they are deflated.
    """
    into, content, count = _Digesting(sink), hashlib.sha256(), 0
    if size <= LARGEST_DEFLATED:
        whole = bytearray()
        for piece in pieces:
            whole += piece
        count = len(whole)
        content.update(whole)
        into.write(memoryview(deflate.gzip_compress(whole, LEVEL)))
    else:
        into.write(_HEADER)
        crc = 0
        for piece in pieces:
            content.update(piece)
            crc, count = zlib.crc32(piece, crc), count + len(piece)
            view = memoryview(piece)
            for at in range(0, len(view), _BLOCK):
                block = view[at : at + _BLOCK]
                into.write(_BLOCK_HEADER.pack(0, len(block), len(block) ^ _BLOCK))
                into.write(block)
        into.write(_BLOCK_HEADER.pack(1, 0, _BLOCK))
        into.write(_TRAILER.pack(crc, count & 0xFFFFFFFF))
    if count != size:
        raise AssertionError(f"planned {size} bytes, wrote {count}")
    return Gzipped(into.digest.hexdigest(), into.size, content.hexdigest(), count)
