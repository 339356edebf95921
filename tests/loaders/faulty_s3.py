"""A server with one object that answers as S3 does, and fails as S3 does when told to."""

from __future__ import annotations

import hashlib
import re
import socket
import ssl
import struct
import threading
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

_RANGE = re.compile(r"bytes=(\d+)-(\d+)")


class Asked(msgspec.Struct, frozen=True):
    """A GET as it came in."""

    number: int
    """From 0, over all connections."""
    attempt: int
    """From 0, of this range."""
    path: str
    start: int
    end: int
    headers: dict[str, str]


class Answer(msgspec.Struct, frozen=True):
    """What is answered instead of the range."""

    status: int = 206
    code: str = ""
    headers: dict[str, str] = {}
    data: bytes | None = None
    """Sent in the place of the range."""
    stop_after: int | None = None
    """Bytes after which nothing more comes."""
    then: str = ""
    """``close``, ``reset``, or ``stall`` once that is so."""
    delay: float = 0.0
    """Seconds before the answer."""
    rate: float = 0.0
    """Bytes a second; 0 is as fast as can be."""


Behave = "Callable[[Asked], Answer | None]"


def error(status: int, code: str, **headers: str) -> Answer:
    """An error as S3 words it."""
    body = f"<Error><Code>{code}</Code><Message>told to say so</Message></Error>".encode()
    return Answer(status, code, {k.replace("_", "-"): v for k, v in headers.items()}, body)


class FaultyS3:
    """Serves while the block lasts.

    :param behave: decides on each GET; nothing is the range, as it should be.
    :param tls: a certificate with its key.
    """

    def __init__(
        self,
        content: bytes,
        behave: Callable[[Asked], Answer | None] = lambda _: None,
        tls: Path | None = None,
    ) -> None:
        self.content = content
        self._etag = f'"{hashlib.md5(content).hexdigest()}"'
        self.behave = behave
        self.asked: list[Asked] = []
        self.skew = 0.0
        self._attempts: dict[tuple[int, int], int] = {}
        self._lock = threading.Lock()
        self._over = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                outer._get(self)

            def log_message(self, format: str, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, request: object, client_address: object) -> None:
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls)
            # The handshake is done by the thread that serves, not by the one that accepts.
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
            self.url = f"https://localhost:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> FaultyS3:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def etag(self) -> str:
        return self._etag

    def _get(self, handler: BaseHTTPRequestHandler) -> None:
        match = _RANGE.fullmatch(handler.headers.get("Range", ""))
        start, end = (int(match[1]), int(match[2]) + 1) if match else (0, len(self.content))
        with self._lock:
            attempt = self._attempts.get((start, end), 0)
            self._attempts[start, end] = attempt + 1
            headers = {name.lower(): value for name, value in handler.headers.items()}
            asked = Asked(len(self.asked), attempt, handler.path, start, end, headers)
            self.asked.append(asked)
        answer = self.behave(asked)
        content, etag = self.content, self.etag
        if answer is None and headers.get("if-match", etag) != etag:
            answer = error(412, "PreconditionFailed")
        self._send(handler, asked, answer or Answer(), content, etag)

    def _send(
        self,
        handler: BaseHTTPRequestHandler,
        asked: Asked,
        answer: Answer,
        content: bytes,
        etag: str,
    ) -> None:
        if answer.delay and self._over.wait(answer.delay):
            return
        body = content[asked.start : asked.end] if answer.data is None else answer.data
        headers = {
            "Content-Length": str(len(body)),
            "Date": formatdate(time.time() + self.skew, usegmt=True),
        }
        if answer.status == 206:
            last = min(asked.end, len(content)) - 1
            headers["Content-Range"] = f"bytes {asked.start}-{last}/{len(content)}"
            headers["ETag"] = etag
        headers |= answer.headers
        handler.send_response_only(answer.status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        sent = body if answer.stop_after is None else body[: answer.stop_after]
        if answer.rate:
            for at in range(0, len(sent), 8192):
                handler.wfile.write(sent[at : at + 8192])
                if self._over.wait(8192 / answer.rate):
                    return
        else:
            handler.wfile.write(sent)
        if answer.then == "stall":
            self._over.wait()
        elif answer.then == "reset":
            linger = struct.pack("ii", 1, 0)
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        if answer.then:
            handler.close_connection = True
