"""Carries connections out of an environment's network to one address outside of it."""

from __future__ import annotations

import contextlib
import socket
import threading

_CHUNK = 1 << 18


class Pump:
    """Accepts on a socket that listens inside and connects each caller to the target.

    The bytes are not looked into, so TLS stays end to end. A target that cannot be reached
    shows inside as a connection that is closed at once.
    """

    def __init__(self, listener: socket.socket, target: tuple[str, int]) -> None:
        self._listener = listener
        self._target = target
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._closed = False
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Stop accepting and cut every connection."""
        self._closed = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self._listener.close()
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while not self._closed:
            try:
                inside, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(inside,), daemon=True).start()

    def _carry(self, inside: socket.socket) -> None:
        with inside:
            try:
                outside = socket.create_connection(self._target)
            except OSError:
                return
            with outside:
                for connection in (inside, outside):
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with self._lock:
                    self._open |= {inside, outside}
                back = threading.Thread(target=_copy, args=(outside, inside), daemon=True)
                back.start()
                _copy(inside, outside)
                back.join()
                with self._lock:
                    self._open -= {inside, outside}


def _copy(source: socket.socket, sink: socket.socket) -> None:
    buffer = memoryview(bytearray(_CHUNK))
    with contextlib.suppress(OSError):
        while size := source.recv_into(buffer):
            sink.sendall(buffer[:size])
    # One side may be done while the other still speaks.
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
