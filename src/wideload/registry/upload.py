"""Sending one blob: small ones in a single request, big ones in chunks that can be sent again."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote, urljoin, urlsplit

from wideload.errors import WideloadError
from wideload.registry.http import RegistryHttp, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

    import urllib3

    from wideload.values.image import Descriptor

CHUNK = 8 << 20
"""Bytes. ECR takes parts of 5 to 10 MiB, but for the last one.
https://docs.aws.amazon.com/AmazonECR/latest/userguide/service-quotas.html"""
TRIES = 4
"""Of each chunk."""

_PAUSE = 0.3
"""Seconds, more with each try."""

_RANGE = re.compile(r"(?:bytes=)?0-([0-9]+)")


class Send(Protocol):
    """Requests with the login that writes to the repository."""

    def __call__(
        self,
        method: str,
        path: str,
        *,
        accepted: Collection[int] = (),
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> urllib3.BaseHTTPResponse:
        """Send it."""
        ...


class Upload:
    """An upload that the registry has begun.

    :param begun: the answer that says where it goes on.
    :raises WideloadError: the answer does not say, or leads elsewhere without TLS.
    """

    def __init__(self, send: Send, http: RegistryHttp, begun: urllib3.BaseHTTPResponse) -> None:
        self._send = send
        self._http = http
        self._url = ""
        if begun.status != 202:
            raise self._odd(begun)
        self._follow(begun)

    def send(
        self, descriptor: Descriptor, path: Path, told: Callable[[int], None] = lambda _: None
    ) -> int:
        """The content of a file. Returns the bytes that were sent, those sent twice too.

        :param told: called with the number of bytes more that have gone.

        :raises UnreachableError: the connection broke, and the upload is lost.
        :raises WideloadError: the file cannot be read or is another, or the registry refuses.
        """
        sent = 0
        try:
            with path.open("rb") as file:
                at = 0
                while descriptor.size - at > CHUNK:
                    file.seek(at)
                    chunk = file.read(CHUNK)
                    at, count = self._patched(at, chunk)
                    sent += count
                    told(count)
                file.seek(at)
                rest = file.read(CHUNK + 1)
        except OSError as error:
            raise WideloadError(f"{path.name} cannot be read", why=str(error)) from error
        last = self.finish(descriptor, rest)
        told(last)
        return sent + last

    def finish(self, descriptor: Descriptor, rest: bytes) -> int:
        """The last bytes, or all of them, counted. The registry checks the digest of the whole.

        :raises UnreachableError: the connection broke, and the upload is lost.
        :raises WideloadError: it refuses it.
        """
        joint = "&" if urlsplit(self._url).query else "?"
        response = self._send(
            "PUT",
            f"{self._url}{joint}digest={quote(descriptor.digest, safe='')}",
            headers={"content-type": "application/octet-stream"},
            body=rest,
        )
        response.drain_conn()
        if response.status != 201:
            raise self._odd(response)
        return len(rest)

    def _patched(self, at: int, chunk: bytes) -> tuple[int, int]:
        """Where it goes on after a chunk, and how many bytes that took."""
        sent = 0
        for left in reversed(range(TRIES)):
            try:
                sent += len(chunk)
                response = self._send(
                    "PATCH",
                    self._url,
                    headers={
                        "content-type": "application/octet-stream",
                        "content-range": f"{at}-{at + len(chunk) - 1}",
                    },
                    body=chunk,
                )
            except UnreachableError as error:
                if not left:
                    raise
                time.sleep(_PAUSE * (TRIES - left))
                there = self._asked(error)
                if not at <= there <= at + len(chunk):
                    raise
                if there == at + len(chunk):
                    return there, sent
                chunk, at = chunk[there - at :], there
                continue
            response.drain_conn()
            if response.status != 202:
                raise self._odd(response)
            self._follow(response)
            return at + len(chunk), sent
        raise AssertionError("the last try returns or raises")

    def _asked(self, error: UnreachableError) -> int:
        """How many bytes the registry has. Some have forgotten an upload whose chunk arrived
        without them being able to answer (Docker's): then it is to begin anew."""
        try:
            response = self._send("GET", self._url)
        except WideloadError:
            raise error from None
        response.drain_conn()
        if response.status != 204:
            raise self._odd(response)
        self._follow(response)
        found = _RANGE.fullmatch(response.headers.get("range", ""))
        # Without a range nothing is there yet; "0-0" is what some say then.
        last = int(found[1]) if found else 0
        return last + 1 if last else 0

    def _follow(self, response: urllib3.BaseHTTPResponse) -> None:
        location = response.headers.get("location", "")
        # A relative one is the registry's own, and so is a login that goes with it.
        url = urljoin(self._url or f"{self._http.root}/", location)
        if not location or (
            urlsplit(url).scheme != "https" and not url.startswith(f"{self._http.root}/")
        ):
            raise self._odd(response)
        self._url = url

    def _odd(self, response: urllib3.BaseHTTPResponse) -> WideloadError:
        return WideloadError(
            f"the registry {self._http.host} did not take an upload",
            why=f"it answered HTTP {response.status}"
            + ("" if response.headers.get("location") else " without a location"),
            hint="push it again: what arrived whole is kept",
        )
