"""A package index on loopback that misbehaves on demand and counts what it sends."""

from __future__ import annotations

import base64
import html
import json
import re
import secrets
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Literal, Self
from urllib.parse import unquote, urlsplit

import msgspec

if TYPE_CHECKING:
    from types import TracebackType

    from wheel_maker import Made

Ranges = Literal[
    "honest",
    "ignored",  # 200 and the whole file
    "no-suffix",  # 416 to `bytes=-N`, other ranges are served
    "refused",  # 416 to all
    "shifted",  # 206 with other bytes than were asked for, and saying so
    "unsaid",  # 206 without Content-Range
    "short",  # 206 that announces more than it sends, and closes
    "lying",  # 206 whose Content-Range announces more than Content-Length
]


class Manners(msgspec.Struct):
    """How the index answers for files. All can be changed while it runs."""

    ranges: Ranges = "honest"
    credentials: tuple[str, str] | None = None
    """Asked for by basic authentication, on pages and files."""
    failures: int = 0
    """So many requests for files are answered with 500 first."""
    pause: float = 0.0
    """Seconds between pieces of 16 KiB of a file."""
    moved: bool = False
    """Files are redirected to another path."""
    cut: bool = False
    """A file is sent by half, then the connection ends."""
    html_only: bool = False
    """Pages come as PEP 503 says, never as PEP 691."""


class Asked(msgspec.Struct, frozen=True):
    """One request that was answered."""

    method: str
    path: str
    """Below the root of this index."""
    range: str
    agent: str
    status: int


_PIECE = 16 * 1024
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


class LocalIndex:
    """Serves the files that it is given, as PEP 503 HTML and PEP 691 JSON.

    The root is secret and new each time, so that no cache takes it for an earlier one.
    """

    def __init__(self) -> None:
        self.manners = Manners()
        self.files: dict[str, Made] = {}
        self.sent: Counter[str] = Counter()
        """Bytes of bodies by path below the root."""
        self.asked: list[Asked] = []
        self.lock = threading.Lock()
        self.root = f"/{secrets.token_hex(4)}"
        self._server = _Server(self)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def netloc(self) -> str:
        return f"127.0.0.1:{self._server.server_port}"

    @property
    def url(self) -> str:
        """Of the simple pages."""
        return f"http://{self.netloc}{self.root}/simple/"

    def url_with(self, user: str, password: str) -> str:
        """The same with credentials in it."""
        return self.url.replace("http://", f"http://{user}:{password}@")

    def add(self, *made: Made) -> None:
        for one in made:
            self.files[one.filename] = one

    def remove(self, made: Made) -> None:
        del self.files[made.filename]

    def file_url(self, made: Made) -> str:
        return f"http://{self.netloc}{self.root}/files/{made.filename}"

    def sent_of(self, made: Made) -> int:
        """Bytes of this file that were sent so far, wherever it was redirected to."""
        with self.lock:
            return self.sent[f"/files/{made.filename}"] + self.sent[f"/moved/{made.filename}"]

    def asked_of(self, made: Made, *, by: str = "") -> list[Asked]:
        """Requests for this file, of agents whose name begins so."""
        with self.lock:
            return [
                one
                for one in self.asked
                if one.path.endswith(f"/{made.filename}") and one.agent.startswith(by)
            ]

    def forget(self) -> None:
        """Count from nothing again."""
        with self.lock:
            self.sent.clear()
            self.asked.clear()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, index: LocalIndex) -> None:
        self.index = index
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is none of our business."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    @property
    def index(self) -> LocalIndex:
        return self.server.index

    def do_HEAD(self) -> None:
        self._route()

    def do_GET(self) -> None:
        self._route()

    def _route(self) -> None:  # noqa: PLR0911 - one answer a line
        manners = self.index.manners
        path = unquote(urlsplit(self.path).path)
        if not path.startswith(self.index.root + "/"):
            return self._send(404, b"no such index")
        path = path.removeprefix(self.index.root)
        if manners.credentials and not self._allowed(manners.credentials):
            return self._send(401, b"", {"www-authenticate": 'Basic realm="index"'}, path)
        _, kind, rest = path.split("/", 2) if path.count("/") > 1 else ("", path, "")
        if kind == "simple":
            return self._page(path, rest.strip("/"))
        if kind not in ("files", "moved"):
            return self._send(404, b"", {}, path)
        if rest.endswith(".metadata") and rest.removesuffix(".metadata") in self.index.files:
            return self._send(200, self.index.files[rest.removesuffix(".metadata")].metadata)
        if rest not in self.index.files:
            return self._send(404, b"gone", {}, path)
        with self.index.lock:
            failing = manners.failures > 0
            manners.failures -= failing
        if failing:
            return self._send(500, b"try later", {}, path)
        if manners.moved and kind == "files":
            return self._send(302, b"", {"location": f"{self.index.root}/moved/{rest}"}, path)
        return self._file(path, self.index.files[rest].data)

    def _allowed(self, credentials: tuple[str, str]) -> bool:
        word = base64.b64encode(":".join(credentials).encode()).decode()
        return self.headers.get("authorization") == f"Basic {word}"

    def _page(self, path: str, project: str) -> None:
        found = [one for one in self.index.files.values() if one.name == project]
        if not found:
            return self._send(404, b"no such project", {}, path)
        accepted = self.headers.get("accept", "")
        if "application/vnd.pypi.simple.v1+json" in accepted and not self.index.manners.html_only:
            body = json.dumps(
                {
                    "meta": {"api-version": "1.1"},
                    "name": project,
                    "versions": [],
                    "files": [
                        {
                            "filename": one.filename,
                            "url": f"../../files/{one.filename}",
                            "hashes": {"sha256": one.sha256},
                            "size": len(one.data),
                            "core-metadata": one.filename.endswith(".whl"),
                        }
                        for one in found
                    ],
                }
            ).encode()
            return self._send(
                200, body, {"content-type": "application/vnd.pypi.simple.v1+json"}, path
            )
        links = "".join(
            f'<a href="../../files/{html.escape(one.filename)}#sha256={one.sha256}"'
            f"{' data-core-metadata=true' if one.filename.endswith('.whl') else ''}>"
            f"{html.escape(one.filename)}</a>\n"
            for one in found
        )
        text = f"<!DOCTYPE html><html><body>\n{links}</body></html>"
        return self._send(200, text.encode(), {"content-type": "text/html"}, path)

    def _file(self, path: str, data: bytes) -> None:
        manners = self.index.manners
        match = _RANGE.fullmatch(self.headers.get("range", ""))
        if not match or manners.ranges == "ignored":
            return self._send(200, data, {"accept-ranges": "none"}, path, cut=manners.cut)
        first, last = match.groups()
        if manners.ranges == "refused" or (not first and manners.ranges == "no-suffix"):
            return self._send(416, b"", {"content-range": f"bytes */{len(data)}"}, path)
        start = int(first) if first else max(0, len(data) - int(last))
        end = min(int(last) + 1 if first and last else len(data), len(data))
        if manners.ranges == "shifted":
            start, end = max(0, start - 7), max(1, end - 7)
        said = f"bytes {start}-{end - 1}/{len(data)}"
        if manners.ranges == "lying":
            said = f"bytes {start}-{end + 9}/{len(data) + 10}"
        headers = {} if manners.ranges == "unsaid" else {"content-range": said}
        return self._send(206, data[start:end], headers, path, cut=manners.ranges == "short")

    def _send(
        self,
        status: int,
        body: bytes,
        headers: dict[str, str] | None = None,
        path: str = "",
        *,
        cut: bool = False,
    ) -> None:
        index = self.index
        with index.lock:
            index.asked.append(
                Asked(
                    self.command,
                    path,
                    self.headers.get("range", ""),
                    self.headers.get("user-agent", ""),
                    status,
                )
            )
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.send_header("cache-control", "no-store")
        self.end_headers()
        if self.command == "HEAD":
            return
        if cut:
            body = body[: len(body) // 2]
            self.close_connection = True
        for at in range(0, len(body), _PIECE):
            piece = body[at : at + _PIECE]
            # Before it is written: whoever received it may count at once.
            with index.lock:
                index.sent[path] += len(piece)
            self.wfile.write(piece)
            if index.manners.pause and "files/" in path:
                time.sleep(index.manners.pause)
