"""The function's side: which frames are there, and waiting for those that are not."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import threading
import time

from .trouble import BundleError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

_TURN_S = 0.05
_RESTARTS = 2


class Waiting:
    """What the process that unpacks has said so far.

    :param launch: starts that process; the socket to it is returned.
    :param frames: how many there are.
    """

    def __init__(self, launch: Callable[[], socket.socket], frames: int) -> None:
        self._launch = launch
        self._all = range(frames)
        self._lock = threading.Lock()
        self._there: set[int] = set()
        self._launcher = 0
        self._channel: socket.socket | None = launch()
        self._heard = b""
        self._restarts = 0
        self._failure: BundleError | None = None
        self.raised: BundleError | None = None
        """What was raised in the middle of an import, where it may have been swallowed."""
        self.complete = False
        self.account: dict[str, Any] = {}
        self.waited = 0.0
        """Seconds that imports were held back."""

    def until(self, frames: Iterable[int]) -> None:
        """Return when these frames are there.

        :raises BundleError: they will not be.
        """
        if self.complete:
            return
        lacking = set(frames) - self._there
        if lacking:
            self._wait(lacking, None)

    def finish(self, deadline: float | None) -> bool:
        """Wait for everything; whether it is there.

        :param deadline: of the monotonic clock; nothing is as long as it takes.
        :raises BundleError: it will not be.
        """
        if not self.complete:
            self._wait(set(self._all), deadline, all_of_it=True)
        return self.complete

    def is_launching(self) -> bool:
        """Whether this thread is about to start the process that unpacks."""
        return self._launcher == threading.get_ident()

    def _wait(self, lacking: set[int], deadline: float | None, *, all_of_it: bool = False) -> None:
        began = time.monotonic()
        asked = False
        try:
            while True:
                with self._lock:
                    if self.complete or (not all_of_it and lacking <= self._there):
                        return
                    if self._channel is None:
                        self._again()
                        asked = False
                    channel = self._channel
                    assert channel is not None
                    if not asked and not all_of_it:
                        self._ask(channel, lacking - self._there)
                        asked = True
                    rest = _TURN_S
                    if deadline is not None:
                        rest = min(rest, deadline - time.monotonic())
                        if rest <= 0:
                            return
                    poll = select.poll()
                    poll.register(channel, select.POLLIN)
                    if poll.poll(rest * 1000):
                        self._hear(channel)
        except BundleError as error:
            self.raised = error
            raise
        finally:
            self.waited += time.monotonic() - began

    def _again(self) -> None:
        """Start the process anew, so many times as makes sense."""
        if self._restarts >= _RESTARTS:
            self._restarts = 0
            raise self._failure or BundleError("the bundle cannot be unpacked")
        self._restarts += 1
        self._heard = b""
        self._launcher = threading.get_ident()
        try:
            self._channel = self._launch()
        finally:
            self._launcher = 0

    @staticmethod
    def _ask(channel: socket.socket, frames: set[int]) -> None:
        # Where it has ended, what it said before is still to be heard.
        with contextlib.suppress(OSError):
            channel.sendall(f"w {' '.join(map(str, sorted(frames)))}\n".encode())

    def _hear(self, channel: socket.socket) -> None:
        try:
            data = channel.recv(1 << 16)
        except ConnectionResetError:
            data = b""
        if not data:
            channel.close()
            self._channel = None
            if not self.complete:
                self._failure = BundleError(
                    "the process that unpacks the function's packages ended",
                    "it was killed: perhaps for want of memory",
                    "give the function more memory",
                )
            return
        *lines, self._heard = (self._heard + data).split(b"\n")
        for line in lines:
            self._obey(line)

    def _obey(self, line: bytes) -> None:
        kind, _, rest = line.partition(b" ")
        if kind == b"d":
            self._there.add(int(rest))
        elif kind == b"t":
            self.account = json.loads(rest)
        elif kind == b"e":
            self._failure = BundleError(*json.loads(rest))
            if self._channel is not None:
                self._channel.close()
                self._channel = None
            # Heard at once by whoever waits; who waits later has it tried again.
            self._restarts = 0
            raise self._failure
        elif kind == b"f":
            self.complete = True
            if self._channel is not None:
                self._channel.close()
                self._channel = None
