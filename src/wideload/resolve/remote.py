"""A remote file that is read by ranges, for zipfile to find a wheel's directory in."""

from __future__ import annotations

import io
import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from wideload.errors import WideloadError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import urllib3

    from wideload.resolve.http import Http

_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
_TAIL = 1 << 16
"""Bytes fetched first. Most wheels' directories, and the end-of-directory record with the
longest comment that a zip may have, fit into 64 KiB."""
_PARALLEL = 8


class NoRanges(Exception):
    """The server does not serve ranges of this file: it has to be fetched whole."""


class RemoteFile(io.RawIOBase):
    """A seekable view of a remote file; its tail is fetched at once, the rest on demand.

    :raises NoRanges: the server ignores or refuses range requests.
    """

    def __init__(self, http: Http, url: str) -> None:
        super().__init__()
        self._http = http
        self._url = url
        self._position = 0
        self._parts: list[tuple[int, bytes]] = []
        response = http.get(url, {"range": f"bytes=-{_TAIL}"})
        if response.status == 416:
            # No suffix ranges, or a file shorter than the suffix on a strict server.
            response.drain_conn()
            head = http.get(url, method="HEAD")
            length = int(head.headers.get("content-length", "0"))
            head.drain_conn()
            if not length:
                raise NoRanges
            response = http.get(url, {"range": f"bytes={max(0, length - _TAIL)}-{length - 1}"})
        start, end, total = self._extent(response)
        if start != max(0, total - _TAIL) or end != total - 1:
            response.close()
            raise NoRanges
        self.size = total
        self._parts.append((start, self._body(response, start, end)))

    def _extent(self, response: urllib3.BaseHTTPResponse) -> tuple[int, int, int]:
        match = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", ""))
        if response.status != 206 or not match:
            # Closed, not drained: the body would be the whole wheel.
            response.close()
            raise NoRanges
        start, end, total = (int(group) for group in match.groups())
        return start, end, total

    def _body(self, response: urllib3.BaseHTTPResponse, start: int, end: int) -> bytes:
        data = b"".join(self._http.read(response))
        if len(data) != end - start + 1:
            raise WideloadError(
                f"the package index sent a broken range of {self._url}",
                why=f"{len(data)} bytes where it announced {end - start + 1}",
                hint="try again; if it stays so, the index or a proxy before it is at fault",
            )
        return data

    def fetch_ahead(self, stretches: Sequence[tuple[int, int]]) -> None:
        """Fetch these stretches, from and up to offsets, side by side before they are read."""
        with ThreadPoolExecutor(_PARALLEL) as pool:
            list(pool.map(lambda one: self._slice(*one), stretches))

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        if base + offset < 0:
            raise OSError(22, "negative seek")
        self._position = base + offset
        return self._position

    def read(self, size: int | None = -1, /) -> bytes:
        wanted = self.size - self._position if size is None or size < 0 else size
        end = min(self._position + wanted, self.size)
        if end <= self._position:
            return b""
        data = self._slice(self._position, end)
        self._position = end
        return data

    def _slice(self, start: int, end: int) -> bytes:
        for at, part in self._parts:
            if at <= start and end <= at + len(part):
                return part[start - at : end - at]
        # What reaches into the tail is fetched only up to it.
        tail_at, tail = self._parts[0]
        stop = tail_at if start < tail_at < end else end
        response = self._http.get(self._url, {"range": f"bytes={start}-{stop - 1}"})
        if self._extent(response) != (start, stop - 1, self.size):
            # Other bytes than were asked for, or of another file by now.
            response.close()
            raise NoRanges
        data = self._body(response, start, stop - 1)
        self._parts.append((start, data))
        return data + tail[: end - stop] if stop < end else data
