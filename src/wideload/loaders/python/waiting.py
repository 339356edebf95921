"""The function's side: which frames are there, and waiting for those that are not."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import threading
import time

from .metrics import Metrics
from .trouble import BundleError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from .index import Index

_TURN_S = 0.05
_RESTARTS = 2


class Waiting:
    """What the process that unpacks has said so far.

    :param launch: starts that process, told whether only cold frames are still wanted; the
        socket to it is returned.
    :param index: of the bundle.
    """

    def __init__(self, launch: Callable[[bool], socket.socket], index: Index) -> None:
        self._launch = launch
        self._all = range(len(index.frames))
        self._hot = range(index.hot)
        self._has_cold = index.has_cold
        self.metrics = Metrics(index)
        self._lock = threading.Lock()
        self._there: set[int] = set()
        self._launcher = 0
        self._channel: socket.socket | None = launch(False)
        self._heard = b""
        self._restarts = 0
        self._is_rested = False
        self._failure: BundleError | None = None
        self.raised: BundleError | None = None
        """What was raised in the middle of an import, where it may have been swallowed."""
        self.complete = False
        """Whether all frames are there."""
        self.is_started = False
        """Whether all frames are that are fetched at start."""
        self.account: dict[str, Any] = {}
        self.waited = 0.0
        """Seconds that imports were held back."""

    def until(self, frames: Iterable[int], path: str = "") -> None:
        """Return when these frames are there.

        :param path: for whose sake, relative to the tree; what has none is not counted.
        :raises BundleError: they will not be.
        """
        if self.complete:
            return
        lacking = set(frames) - self._there
        if lacking:
            if path:
                self.metrics.wanted(lacking, path)
            try:
                self._wait(lacking, None)
            except BundleError:
                self.metrics.refused(lacking)
                raise

    def everything(self, path: str = "") -> None:
        """Return when all is there, cold frames too.

        :param path: for whose sake; what has none is not counted.
        :raises BundleError: it will not be.
        """
        self.finish(None)
        self.until(self._all, path)

    def finish(self, deadline: float | None) -> bool:
        """Wait for all that is fetched at start; whether it is there.

        :param deadline: of the monotonic clock; nothing is as long as it takes.
        :raises BundleError: it will not be.
        """
        if not self.is_started:
            self._wait(set(self._hot), deadline, start=True)
        return self.is_started

    def is_launching(self) -> bool:
        """Whether this thread is about to start the process that unpacks."""
        return self._launcher == threading.get_ident()

    def _wait(self, lacking: set[int], deadline: float | None, *, start: bool = False) -> None:
        began = time.monotonic()
        asked: socket.socket | None = None
        try:
            while True:
                with self._lock:
                    if self.complete or (self.is_started if start else lacking <= self._there):
                        return
                    if self._channel is None:
                        self._again()
                    channel = self._channel
                    assert channel is not None
                    # Another thread may have started another process meanwhile.
                    if asked is not channel and not start:
                        self._ask(channel, lacking - self._there)
                        asked = channel
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
            self.metrics.waited(time.monotonic() - began)

    def _again(self) -> None:
        """Start the process anew, so many times as makes sense."""
        if self._is_rested:
            self._restarts = 0
        elif self._restarts >= _RESTARTS:
            self._restarts = 0
            raise self._failure or BundleError("the bundle cannot be unpacked")
        else:
            self._restarts += 1
        self._is_rested = False
        self._heard = b""
        self._launcher = threading.get_ident()
        try:
            self._channel = self._launch(self.is_started)
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
            if not self.complete and not self._is_rested:
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
        if kind in (b"d", b"r"):
            self._there.add(int(rest))
            self.metrics.arrived(int(rest), fetched=kind == b"d")
            if self._has_cold and self.is_started and len(self._there) == len(self._all):
                self.complete = True
        elif kind == b"i":
            self._is_rested = True
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
        elif kind == b"f" and self._has_cold:
            self.is_started = True
            self.complete = len(self._there) == len(self._all)
        elif kind == b"f":
            self.is_started = self.complete = True
            if self._channel is not None:
                self._channel.close()
                self._channel = None
