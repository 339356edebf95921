"""A proxy before the embedded AWS that is as slow as a function's way to S3."""

from __future__ import annotations

import contextlib
import math
import random
import socket
import threading
import time
from functools import partial

from wideload.relay import Carry, Relay, end
from wideload.values.network import Network

_CHUNK = 1 << 17
# Of the standard normal distribution: 95 % lie below.
_Z95 = 1.6448536269514722


class Bucket:
    """Tokens for bytes: full at first, refilled at a rate; waits where they are short."""

    def __init__(self, network: Network) -> None:
        self._rate, self._peak = network.rate, network.burst_rate
        self._room = max(0.0, network.burst_rate - network.rate) * network.burst_seconds
        self._tokens = self._room
        self._lock = threading.Lock()
        self._seen = time.monotonic()
        self._free = self._seen

    def take(self, size: int) -> None:
        """Return when `size` bytes may pass."""
        with self._lock:
            now = time.monotonic()
            self._tokens = min(self._room, self._tokens + (now - self._seen) * self._rate)
            self._seen = now
            self._tokens -= size
            # Never faster than the peak, whatever is in the bucket.
            self._free = max(self._free, now) + size / self._peak
            due = max(self._free, now - min(0.0, self._tokens) / self._rate)
        if due > now:
            time.sleep(due - now)

    def fill(self) -> None:
        """As for a new environment."""
        with self._lock:
            self._tokens = self._room
            self._seen = self._free = time.monotonic()


class Shaper:
    """Carries connections to a server, answers delayed and slowed as `Network` says.

    Bytes are not looked into: what the client sends after it was answered is a new request,
    whose answer begins after a latency drawn anew. Draws repeat with the seed.
    """

    def __init__(self, target: tuple[str, int], network: Network, *, seed: int = 0) -> None:
        self._network = network
        self._bucket = Bucket(network)
        self._random = random.Random(seed)
        self._sigma = math.log(network.p95 / network.median) / _Z95
        self._lock = threading.Lock()
        self._carried = 0
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self._relay = Relay(self._listener, target, self._carriers)

    @property
    def port(self) -> int:
        """On the loopback interface."""
        port: int = self._listener.getsockname()[1]
        return port

    @property
    def carried(self) -> int:
        """Bytes answered so far."""
        return self._carried

    def refill(self) -> None:
        """Give the burst back, as a new environment has it."""
        self._bucket.fill()

    def close(self) -> None:
        """Stop accepting and cut every connection."""
        self._relay.close()

    def _carriers(self) -> tuple[Carry, Carry]:
        asked = threading.Event()
        return partial(_ask, asked), partial(self._answer, asked)

    def _latency(self) -> float:
        with self._lock:
            draw = self._random.gauss(0, self._sigma)
        return self._network.median * math.exp(draw)

    def _answer(self, asked: threading.Event, server: socket.socket, client: socket.socket) -> None:
        buffer = memoryview(bytearray(_CHUNK))
        free = time.monotonic()
        with contextlib.suppress(OSError):
            while size := server.recv_into(buffer):
                if asked.is_set():
                    asked.clear()
                    time.sleep(self._latency())
                    free = time.monotonic()
                self._bucket.take(size)
                now = time.monotonic()
                free = max(free, now - _CHUNK / self._network.connection_rate)
                free += size / self._network.connection_rate
                if free > now:
                    time.sleep(free - now)
                self._carried += size
                client.sendall(buffer[:size])
        end(client)


def _ask(asked: threading.Event, client: socket.socket, server: socket.socket) -> None:
    buffer = memoryview(bytearray(_CHUNK))
    with contextlib.suppress(OSError):
        while size := client.recv_into(buffer):
            asked.set()
            server.sendall(buffer[:size])
    end(server)
