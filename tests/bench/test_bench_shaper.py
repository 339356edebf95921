from __future__ import annotations

import http.client
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from wideload.bench.shaper import Shaper
from wideload.values.network import Network

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZE = 2_000_000


class Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = b"x" * (SIZE if self.path == "/big" else 10)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[tuple[str, int]]:
    found = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=found.serve_forever, daemon=True).start()
    yield "127.0.0.1", found.server_port
    found.shutdown()
    found.server_close()


def ask(connection: http.client.HTTPConnection, path: str) -> tuple[bytes, float]:
    began = time.monotonic()
    connection.request("GET", path)
    body = connection.getresponse().read()
    return body, time.monotonic() - began


def test_every_answer_waits_for_its_latency(server: tuple[str, int]) -> None:
    shaper = Shaper(server, Network(median=0.05, p95=0.0501))
    connection = http.client.HTTPConnection("127.0.0.1", shaper.port)
    for _ in range(3):
        body, seconds = ask(connection, "/small")
        assert body == b"x" * 10
        assert seconds >= 0.049
    connection.close()
    shaper.close()


def test_a_connection_has_its_rate(server: tuple[str, int]) -> None:
    shaper = Shaper(server, Network(connection_rate=10e6, median=0.001, p95=0.002))
    connection = http.client.HTTPConnection("127.0.0.1", shaper.port)
    body, seconds = ask(connection, "/big")
    assert len(body) == SIZE
    assert seconds >= 0.9 * SIZE / 10e6
    assert shaper.carried > SIZE
    connection.close()
    shaper.close()


def test_all_together_have_the_functions_rate_once_the_burst_is_spent(
    server: tuple[str, int],
) -> None:
    network = Network(
        burst_rate=1e9, burst_seconds=0.001, rate=10e6, connection_rate=1e9, median=0.001, p95=0.002
    )
    shaper = Shaper(server, network)
    connections = [http.client.HTTPConnection("127.0.0.1", shaper.port) for _ in range(2)]
    began = time.monotonic()
    threads = [threading.Thread(target=ask, args=(one, "/big")) for one in connections]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    spent = time.monotonic() - began
    assert spent >= 0.9 * (2 * SIZE - 1e6) / 10e6
    for one in connections:
        one.close()
    shaper.close()
