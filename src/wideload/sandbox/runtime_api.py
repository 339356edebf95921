"""Lambda's Runtime API (2018-06-01), as the process inside the environment speaks it.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

from __future__ import annotations

import contextlib
import json
import queue
import re
import socket
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec

MAX_RESPONSE = 6 * 1024 * 1024 + 100
"""Bytes. From AWS's own message, "exceeded maximum allowed payload size (6291556 bytes)"."""

_INVOCATION = re.compile(r"/2018-06-01/runtime/invocation/([^/]+)/(response|error)")


class Work(msgspec.Struct, frozen=True):
    """An invocation for the runtime to run."""

    request_id: str
    event: bytes
    deadline_ms: int
    """Milliseconds since the epoch."""
    function_arn: str
    trace_id: str
    client_context: str = ""


class Asked(msgspec.Struct, frozen=True):
    """The runtime asked for the next invocation: init, or the one before it, is over."""


class Paused(msgspec.Struct, frozen=True):
    """The runtime is initialised and waits to be restored: now a snapshot would be taken."""


class RestoreFailed(msgspec.Struct, frozen=True):
    """A hook that runs after a restore raised."""

    body: bytes


class Answered(msgspec.Struct, frozen=True):
    """The handler's answer, or where `failed` the error document of the runtime."""

    body: bytes
    failed: bool


class TooLarge(msgspec.Struct, frozen=True):
    """The handler's answer was over `MAX_RESPONSE` and was not taken."""

    size: int


class InitFailed(msgspec.Struct, frozen=True):
    """The runtime could not come up."""

    body: bytes
    error_type: str


class Exited(msgspec.Struct, frozen=True):
    """The runtime's process is gone. `code` as a shell gives it, or nothing: never ran."""

    code: int | None


Event = Asked | Paused | RestoreFailed | Answered | TooLarge | InitFailed | Exited


class Session:
    """What one runtime process does, in order; a process started anew gets a new session."""

    def __init__(self) -> None:
        self._events: queue.SimpleQueue[tuple[float, Event]] = queue.SimpleQueue()
        self._work: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._current = ""
        self._restored = threading.Event()

    def wait(self, deadline: float) -> tuple[float, Event] | None:
        """The next event and when it was (`time.perf_counter`), or nothing at the deadline."""
        try:
            return self._events.get(timeout=max(0.0, deadline - time.perf_counter()))
        except queue.Empty:
            return None

    def offer(self, work: Work) -> None:
        """Hand an invocation to the runtime, which has asked for it."""
        self._current = work.request_id
        self._work.put(work)

    def tell(self, event: Event) -> None:
        """Record what happened."""
        self._events.put((time.perf_counter(), event))

    def next_work(self) -> Work | None:
        """Wait for an invocation; nothing once the session has ended."""
        work = self._work.get()
        if work is None:
            self._work.put(None)  # for whoever else still waits
        return work

    def restore(self) -> None:
        """Let the runtime go on that waits to be restored."""
        self._restored.set()

    def await_restore(self) -> None:
        """Wait until it is to go on, or the session has ended."""
        self._restored.wait()

    def is_current(self, request_id: str) -> bool:
        """Whether this invocation is the one that runs, and takes an answer. Asks once."""
        if request_id != self._current:
            return False
        self._current = ""
        return True

    def end(self) -> None:
        """Let go of all who wait for work."""
        self._work.put(None)
        self._restored.set()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and a small body are two writes; together with delayed acknowledgement Nagle's
    # algorithm would make 40 ms of them.
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        if self.path == "/2018-06-01/runtime/restore/next":
            restoring = self._api.session
            restoring.tell(Paused())
            restoring.await_restore()
            self._send(HTTPStatus.OK, b"", {})
            return
        if self.path != "/2018-06-01/runtime/invocation/next":
            self._refuse(HTTPStatus.NOT_FOUND, "InvalidPath", f"no such path: {self.path}")
            return
        session = self._api.session
        session.tell(Asked())
        work = session.next_work()
        if work is None:
            self.close_connection = True
            return
        headers = {
            "Lambda-Runtime-Aws-Request-Id": work.request_id,
            "Lambda-Runtime-Deadline-Ms": str(work.deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": work.function_arn,
            "Lambda-Runtime-Trace-Id": work.trace_id,
        }
        if work.client_context:
            headers["Lambda-Runtime-Client-Context"] = work.client_context
        self._send(HTTPStatus.OK, work.event, headers)

    def do_POST(self) -> None:
        if not self.headers.get("Content-Length", "").isdigit():
            self.close_connection = True
            self._refuse(HTTPStatus.LENGTH_REQUIRED, "InvalidRequest", "no Content-Length")
            return
        size = int(self.headers["Content-Length"])
        session = self._api.session
        if self.path == "/2018-06-01/runtime/init/error":
            error_type = self.headers.get("Lambda-Runtime-Function-Error-Type", "Runtime.Unknown")
            session.tell(InitFailed(self.rfile.read(min(size, MAX_RESPONSE)), error_type))
            self._accept()
            return
        if self.path == "/2018-06-01/runtime/restore/error":
            session.tell(RestoreFailed(self.rfile.read(min(size, MAX_RESPONSE))))
            self._accept()
            return
        match = _INVOCATION.fullmatch(self.path)
        if match is None:
            self._read_away(size)
            self._refuse(HTTPStatus.NOT_FOUND, "InvalidPath", f"no such path: {self.path}")
        elif not session.is_current(match[1]):
            self._read_away(size)
            self._refuse(HTTPStatus.BAD_REQUEST, "InvalidRequestID", "Invalid request ID")
        elif size > MAX_RESPONSE:
            self._read_away(size)
            session.tell(TooLarge(size))
            self._refuse(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                "RequestEntityTooLarge",
                f"Exceeded maximum allowed payload size ({MAX_RESPONSE} bytes).",
            )
        else:
            body = self.rfile.read(size)
            if len(body) == size:  # else the process was killed while it sent
                session.tell(Answered(body, failed=match[2] == "error"))
                self._accept()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: standard error is the user's."""

    @property
    def _api(self) -> RuntimeApi:
        assert isinstance(self.server, RuntimeApi)
        return self.server

    def _read_away(self, size: int) -> None:
        while size > 0:
            chunk = self.rfile.read(min(size, 1 << 16))
            if not chunk:
                return
            size -= len(chunk)

    def _accept(self) -> None:
        self._send(HTTPStatus.ACCEPTED, b'{"status":"OK"}\n', {})

    def _refuse(self, status: HTTPStatus, error_type: str, message: str) -> None:
        document = {"errorMessage": message, "errorType": error_type}
        self._send(status, json.dumps(document).encode(), {})

    def _send(self, status: HTTPStatus, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class RuntimeApi(ThreadingHTTPServer):
    """The server, on a listening socket that was made inside the environment's network.

    :ivar session: of the runtime process that runs now.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, listener: socket.socket) -> None:
        super().__init__(("", 0), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        # What http.server sets when it binds by itself.
        self.server_name, self.server_port = "localhost", 0
        self.session = Session()
        self._closing = False
        threading.Thread(target=self._accept, daemon=True).start()

    def handle_error(self, request: object, client_address: object) -> None:
        """A process that is killed while it speaks is no news here."""

    def restart(self) -> Session:
        """End the session and begin that of a new runtime process."""
        self.session.end()
        self.session = Session()
        return self.session

    def tell_exit(self, code: int | None) -> None:
        """Record that the runtime process of the session has ended."""
        self.session.tell(Exited(code))

    def close(self) -> None:
        """Stop serving."""
        self._closing = True
        self.session.end()
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self.server_close()

    def _accept(self) -> None:
        # serve_forever would look every so often whether it is to end, and ending take so long.
        while not self._closing:
            with contextlib.suppress(OSError, ValueError):
                self.handle_request()
