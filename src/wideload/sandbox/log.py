"""Collects what the processes of an environment write to standard output and error."""

from __future__ import annotations

import os
import re
import select
import threading

# The runtime joins the lines of an error by carriage returns, to be one event of the stream.
_ERROR_EVENT = re.compile(r"^\[ERROR\].*\r.*$", re.MULTILINE)


class LogPipe:
    """A pipe that is read as it fills.

    :ivar writer: descriptor for the processes; close it here once they have it.
    """

    def __init__(self) -> None:
        self._reader, self.writer = os.pipe()
        os.set_blocking(self._reader, False)
        self._lock = threading.Lock()
        self._collected = bytearray()
        self._thread = threading.Thread(target=self._collect, daemon=True)
        self._thread.start()

    def take(self) -> str:
        """All that was written up to now and not taken before."""
        with self._lock:
            while self._read():
                pass
            text = self._collected.decode(errors="replace")
            self._collected.clear()
        return _ERROR_EVENT.sub(lambda event: event[0].replace("\r", "\n"), text)

    def close(self) -> None:
        """Let go of the pipe, once no process writes to it any more."""
        self._thread.join(5)
        os.close(self._reader)

    def _collect(self) -> None:
        poll = select.poll()
        poll.register(self._reader, select.POLLIN)
        while True:
            poll.poll()
            with self._lock:
                if self._read() == b"":
                    return

    def _read(self) -> bytes | None:
        try:
            chunk = os.read(self._reader, 1 << 16)
        except BlockingIOError:
            return None
        self._collected += chunk
        return chunk
