"""Has the kernel read files before they are wanted.

The dynamic linker reads a library page by page as it comes to it, and holds Python's lock
meanwhile: over a network each piece is a round trip. So another process opens the libraries of a
distribution, many at once, when the first of its modules is imported; for what the kernel has read
by then nobody waits.
"""

from __future__ import annotations

import contextlib
import os
import threading

from . import apart

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator, Sequence

    Launch = Callable[[str, apart.Work, Sequence[str]], socket.socket]

_AT_ONCE = 8
_PIECE = 1 << 17
"""Bytes. Of more the kernel would read as much only: as far as it reads ahead where nobody says
otherwise (read_ahead_kb)."""
_SHARE = 4
"""The kernel keeps what it read in the function's own memory: a fourth of it may be asked for."""


class Ahead:
    """Asks for files, until it has asked for as much as memory allows.

    :param home: the loader's folder.
    :param memory: bytes that the function has.
    :param launch: as :func:`~.apart.launch`.
    """

    def __init__(self, home: str, memory: int, launch: Launch = apart.launch) -> None:
        self._home, self._left, self._launch = home, memory // _SHARE, launch
        self._channel: socket.socket | None = None
        self._is_starting = True

    def want(self, files: Sequence[tuple[str, int]]) -> None:
        """Have these read, and do not wait for it.

        :param files: paths, and bytes.
        """
        paths = []
        for path, size in files:
            if size <= self._left:
                self._left -= size
                paths.append(path)
        if not paths:
            return
        with contextlib.suppress(OSError):
            if self._channel is None:
                self._channel = self._launch(self._home, read, [])
            self._channel.sendall("".join(f"{path}\n" for path in paths).encode())
        if not self._is_starting:
            self.close()

    def started(self) -> None:
        """The function has started: nothing is to outlive what it asks for from now on."""
        self._is_starting = False
        self.close()

    def close(self) -> None:
        """Let the process end when it is done."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None


def read(channel: socket.socket, _: Sequence[str]) -> None:
    """What the process does: read the files that it is told of, until nobody tells it more."""
    with channel.makefile("r", encoding="utf-8") as lines:
        told, lock = (line.rstrip("\n") for line in lines), threading.Lock()
        threads = [threading.Thread(target=_read, args=(told, lock)) for _ in range(_AT_ONCE)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()


def _read(told: Iterator[str], lock: threading.Lock) -> None:
    while True:
        with lock:
            path = next(told, "")
        if not path:
            return
        with contextlib.suppress(OSError):
            file = os.open(path, os.O_RDONLY)
            try:
                for at in range(0, os.fstat(file).st_size, _PIECE):
                    os.posix_fadvise(file, at, _PIECE, os.POSIX_FADV_WILLNEED)
            finally:
                os.close(file)
