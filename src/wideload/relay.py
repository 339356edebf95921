"""Carries connections from a socket that listens to one address."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable

Carry = Callable[[socket.socket, socket.socket], None]
"""Carries what a first socket receives to a second, until there is no more."""

_CHUNK = 1 << 18


def copy(source: socket.socket, sink: socket.socket) -> None:
    """Carry bytes as they come, and then the end."""
    buffer = memoryview(bytearray(_CHUNK))
    with contextlib.suppress(OSError):
        while size := source.recv_into(buffer):
            sink.sendall(buffer[:size])
    end(sink)


def end(sink: socket.socket) -> None:
    """Say that no more is sent: one side may be done while the other still speaks."""
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


class Relay:
    """Accepts on a socket and connects each caller to the target.

    A target that cannot be reached shows as a connection that is closed at once.

    :param carriers: makes, for each connection, what carries from the caller to the target and
        what carries back.
    """

    def __init__(
        self,
        listener: socket.socket,
        target: tuple[str, int],
        carriers: Callable[[], tuple[Carry, Carry]] = lambda: (copy, copy),
    ) -> None:
        self._listener = listener
        self._target = target
        self._carriers = carriers
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Stop accepting and cut every connection."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self._listener.close()
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                caller, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(caller,), daemon=True).start()

    def _carry(self, caller: socket.socket) -> None:
        with caller:
            try:
                called = socket.create_connection(self._target)
            except OSError:
                return
            with called:
                for connection in (caller, called):
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with self._lock:
                    self._open |= {caller, called}
                forth, back = self._carriers()
                answering = threading.Thread(target=back, args=(called, caller), daemon=True)
                answering.start()
                forth(caller, called)
                answering.join()
                with self._lock:
                    self._open -= {caller, called}
