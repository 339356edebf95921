"""A request as it came over the wire, before anybody has believed a word of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, unquote_plus, urlsplit

import msgspec

from wideload.local.faults import Fault, Protocol
from wideload.local.http import HEADERS, Readable

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment


class Request(msgspec.Struct, frozen=True):
    """One request. Make it with :meth:`of`."""

    method: str
    raw_path: str
    """As sent, still percent-encoded, without the query."""
    query: tuple[tuple[str, str], ...]
    """Names and values, decoded, in the order in which they were sent."""
    headers: dict[str, str]
    """Names in lower case; values are latin-1 text of the bytes sent."""
    body: Any
    """A :class:`Readable`, to be read once."""
    length: int | None
    """Of the body in bytes; nothing where it comes in chunks of unknown number."""
    request_id: str

    @classmethod
    def of(cls, environ: WSGIEnvironment, request_id: str) -> Request:
        """The request that a WSGI environ of :class:`wideload.local.http.Server` tells of."""
        target = urlsplit(environ["REQUEST_URI"].split("#", 1)[0])
        raw = environ["REQUEST_URI"]
        if raw.startswith("/"):
            # urlsplit would take what follows a double slash for a host.
            path, _, query = raw.partition("?")
        else:
            path, query = target.path or "/", target.query
        body: Readable = environ["wsgi.input"]
        chunked = environ.get("wsgi.input_terminated")
        size = None if chunked else int(environ.get("CONTENT_LENGTH") or 0)
        return cls(
            method=environ["REQUEST_METHOD"],
            raw_path=path,
            query=_pairs(query),
            headers=environ[HEADERS],
            body=body,
            length=size,
            request_id=request_id,
        )

    @property
    def path(self) -> str:
        """The path, decoded as UTF-8.

        :raises Fault: it is not UTF-8.
        """
        try:
            return unquote(self.raw_path, errors="strict")
        except UnicodeDecodeError:
            raise Fault("InvalidURI", "Couldn't parse the specified URI.") from None

    def parameter(self, name: str) -> str | None:
        """The first value of a query parameter."""
        return next((value for key, value in self.query if key == name), None)

    def has(self, name: str) -> bool:
        """Whether the query names this parameter, with a value or without."""
        return any(key == name for key, _ in self.query)

    def header(self, name: str, default: str = "") -> str:
        """The value of a header, by its lower-case name, as UTF-8 where it is that."""
        value = self.headers.get(name)
        if value is None:
            return default
        try:
            return value.encode("latin-1").decode()
        except UnicodeDecodeError:
            return value


def _pairs(query: str) -> tuple[tuple[str, str], ...]:
    pairs = []
    for part in query.split("&"):
        if part:
            name, _, value = part.partition("=")
            pairs.append((unquote_plus(name), unquote_plus(value)))
    return tuple(pairs)


def protocol_of(request: Request, service: str) -> Protocol:
    """The wire format in which a request of this service wants its errors."""
    if service in ("s3", "s3express"):
        return Protocol.S3
    if service == "ec2":
        return Protocol.EC2
    if "x-amz-target" in request.headers:
        return Protocol.JSON
    form = request.header("content-type").startswith("application/x-www-form-urlencoded")
    if form or request.has("Action"):
        return Protocol.QUERY
    return Protocol.REST_JSON
