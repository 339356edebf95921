"""An answer on its way out: small bytes in memory, a stretch of a file, or another's answer."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

_BLOCK = 1 << 18


class Streamed(Protocol):
    """A body that is not in memory."""

    length: int
    """Bytes."""

    def chunks(self) -> Iterator[bytes]:
        """The bytes, in pieces. To be called once."""
        ...

    def close(self) -> None:
        """Let go of what they come from; harmless when that is done."""
        ...


class Reply(msgspec.Struct, frozen=True):
    """Status, headers and body. Content-Length is added where it goes out."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    stretch: Streamed | None = None
    """Goes out in place of `body`."""

    @property
    def length(self) -> int:
        """Bytes of the body."""
        return len(self.body) if self.stretch is None else self.stretch.length

    def chunks(self) -> Iterator[bytes]:
        """The body, in pieces that are small in memory. To be called once."""
        if self.stretch is None:
            if self.body:
                yield self.body
        else:
            yield from self.stretch.chunks()

    def close(self) -> None:
        """Let go of the file."""
        if self.stretch is not None:
            self.stretch.close()


class Stretch:
    """A stretch of a file, read by position: where it begins costs nothing.

    The file is opened here, so that it can be read to its end even if it is deleted
    meanwhile.

    :raises FileNotFoundError: it is gone already.
    """

    def __init__(self, path: str, start: int, length: int) -> None:
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._start = start
        self.length = length

    def chunks(self) -> Iterator[bytes]:
        """The bytes in pieces; the file is closed afterwards."""
        at, left = self._start, self.length
        try:
            while left:
                data = os.pread(self._descriptor, min(left, _BLOCK), at)
                if not data:
                    raise OSError("the file is shorter than its record")
                at += len(data)
                left -= len(data)
                yield data
        finally:
            self.close()

    def close(self) -> None:
        """Close the file; harmless when it is closed."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
