"""The HTTP server: cheroot, with what an AWS needs besides.

cheroot is what serves CherryPy: threads, keep-alive, ``Expect: 100-continue``, bodies
that are read as they come and answers that are written as they are made. Of the other
pure-Python servers, werkzeug's closes the connection after each answer, waitress lays
every request body down before the application sees it, and hypercorn keeps a WSGI
request's body in memory.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any, Protocol

from cheroot import server as cheroot_server
from cheroot import wsgi

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

HEADERS = "wideload.headers"
"""Where the WSGI environ holds the request's headers: lower-case names, as they were sent."""

# A Lambda invocation holds a thread for as long as the function runs, and the function's
# own calls come in meanwhile.
_THREADS = 96
# Seconds. Also how long a reader of a large object may pause, so not cheroot's ten.
_TIMEOUT = 300
_BLOCK = 1 << 18
_LONGEST_LINE = 1 << 14


class Readable(Protocol):
    """Bytes that come one after the other."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; nothing at the end."""
        ...


class Dechunked:
    """A body in ``Transfer-Encoding: chunked``, read in bounded memory however big a chunk.

    :raises ValueError: on reading, where the body is not well-formed.
    """

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self._left = 0
        self._first = True
        self._ended = False

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; nothing at the end, trailers consumed."""
        if self._left == 0 and not self._ended:
            self._next_chunk()
        if self._ended:
            return b""
        data: bytes = self._raw.read(min(size, self._left))
        if not data:
            raise ValueError("the body ends within a chunk")
        self._left -= len(data)
        return data

    def _next_chunk(self) -> None:
        if not self._first and self._raw.readline(_LONGEST_LINE).strip():
            raise ValueError("no line end after a chunk")
        self._first = False
        line = self._raw.readline(_LONGEST_LINE)
        self._left = int(line.split(b";")[0].strip(), 16)
        if self._left < 0:
            raise ValueError("negative chunk size")
        if self._left == 0:
            self._ended = True
            while self._raw.readline(_LONGEST_LINE).strip():
                pass


def drain(body: Readable) -> None:
    """Read what is left of a body, so that the connection can serve the next request."""
    while body.read(_BLOCK):
        pass


class _Request(cheroot_server.HTTPRequest):
    # cheroot's own leaves headers with an underscore out; S3 metadata may have them, and
    # their signature covers them.
    header_reader = cheroot_server.HeaderReader()


class _Connection(cheroot_server.HTTPConnection):
    RequestHandlerClass = _Request


class _Gateway(wsgi.Gateway_10):
    def get_environ(self) -> dict[str, Any]:  # type: ignore[override]
        environ: dict[str, Any] = super().get_environ()  # type: ignore[no-untyped-call]
        environ[HEADERS] = {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in self.req.inheaders.items()
        }
        if self.req.chunked_read:
            environ["wsgi.input"] = Dechunked(self.req.conn.rfile)
        return environ


def free_port() -> int:
    """A port of loopback that nobody has just now.

    cheroot would let the kernel choose one too, but then takes it in such a way that it
    cannot be taken again while connections of before linger.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """Serves a WSGI application on a port of loopback, and on nothing else."""

    def __init__(self, application: WSGIApplication, port: int = 0) -> None:
        """Bind `port`, or any free one for 0, and take connections from then on.

        :raises OSError: the port is taken.
        """
        self._server = wsgi.Server(
            ("127.0.0.1", port or free_port()),
            application,
            numthreads=_THREADS,
            server_name="wideload",
            request_queue_size=128,
            timeout=_TIMEOUT,
            shutdown_timeout=5,
        )
        self._server.gateway = _Gateway
        self._server.ConnectionClass = _Connection
        self._server.keep_alive_conn_limit = 512
        self._server.prepare()

    @property
    def port(self) -> int:
        """The port that is bound."""
        port: int = self._server.bind_addr[1]
        return port

    def run(self) -> None:
        """Answer requests until :meth:`stop` is called from another thread."""
        self._server.serve()

    def stop(self) -> None:
        """Take no more requests; give those under way five seconds."""
        self._server.stop()
