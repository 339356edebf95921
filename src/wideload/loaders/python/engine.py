"""The process that fetches and unpacks while the function's modules are imported.

A process and not threads of the function's own: importing holds Python's lock for
milliseconds at a time, and thousands of small files would wait for it thousands of times.

Both ends speak in lines. To the function: ``d N`` (a frame is there), ``r N`` (it was there
before), ``e JSON`` (nothing more will come, and why), ``t JSON`` (how it went), ``f`` (all that is
fetched at start is there). From it: ``w N …`` (somebody waits for these frames). When the
function's process ends, so does this one.

Where the bundle has cold frames it goes on for a moment, for these come in bursts, says ``i`` and
ends: no connection, and no key, is kept from one invocation to the next. When more is wanted
another is started, for cold frames only.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import threading
import time

from . import apart
from .memory import memory_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

    from .cold import Cold
    from .fetching import Fetching
    from .folder import Folder
    from .index import Index
    from .trouble import BundleError
    from .unpacking import Unpacking

_TICK_S = 0.05
_IDLE_S = 1.0
"""Seconds that the process waits for more cold frames to be wanted."""
_MB = 1 << 20


def launch(home: str, root: str, *, cold: bool = False, shared: bool = False) -> socket.socket:
    """Start the process; what it says can be read from the socket.

    :param home: the loader's folder.
    :param root: the folder in /tmp to unpack into.
    :param cold: whether only cold frames are still wanted.
    :param shared: whether the folder lies in a mounted file system instead.
    """
    return apart.launch(home, work, [home, root, "cold" if cold else "shared" if shared else "all"])


def work(channel: socket.socket, words: Sequence[str]) -> None:
    """What the process does, until it ends."""
    home, root, kind = words
    Engine(home, root, channel, only_cold=kind == "cold", shared=kind == "shared").run()


class Engine:
    """Fetches what lacks, unpacks it, and says so."""

    def __init__(
        self,
        home: str,
        root: str,
        channel: socket.socket,
        *,
        only_cold: bool = False,
        shared: bool = False,
    ) -> None:
        self._home, self._root, self._channel = home, root, channel
        self._shared = shared
        self._only_cold = only_cold
        self._heard = b""
        self._cold: Cold | None = None
        self._folder: Folder | None = None
        self._sending = threading.Lock()
        self._began = time.monotonic()
        self._reused = 0
        self._left: set[int] = set()
        self._change = threading.Condition()
        self._first_frame = 0.0
        self._woken, self._wake = os.pipe()

    def run(self) -> None:
        """Do all of it."""
        # Not before the fork: the function may well do without these.
        from .trouble import BundleError  # noqa: PLC0415

        try:
            self._run()
        except BundleError as error:
            self._failed(error)
        except OSError as error:
            self._failed(BundleError("the loader failed", f"{type(error).__name__}: {error}"))
        except BaseException as error:
            self._failed(BundleError("the loader failed", f"{type(error).__name__}: {error}"))
            raise

    def _run(self) -> None:
        from .cold import Cold  # noqa: PLC0415
        from .credentials import Keyring  # noqa: PLC0415
        from .download import Source  # noqa: PLC0415
        from .fetching import CONNECTIONS, Fetching  # noqa: PLC0415
        from .folder import Folder  # noqa: PLC0415
        from .index import Index  # noqa: PLC0415
        from .place import Place  # noqa: PLC0415
        from .unpacking import Unpacking  # noqa: PLC0415

        environ = dict(os.environ)
        index = Index.read(self._home)
        self._left = set() if self._only_cold else set(range(index.hot))
        source = Source(Place(environ), Keyring(environ), index.size)
        arrived: list[tuple[int, list[memoryview]]] = []
        unpacking: Unpacking | None = None

        def deliver(frame: int, parts: list[memoryview]) -> None:
            with self._change:
                if unpacking is None:
                    arrived.append((frame, parts))
                    return
            unpacking.add(frame, parts)

        fetching = Fetching(source, index, deliver, self._failed, _under_way(environ))

        def done(frame: int) -> None:
            fetching.release(frame)
            self._there(frame)

        # The first answers are under way while the folder is made.
        is_new = not os.path.lexists(self._root)
        fetching.start(CONNECTIONS)
        if is_new:
            fetching.want(sorted(self._left))
        folder = Folder(self._root, index, shared=self._shared)
        made = Unpacking(index, folder, done, fetching.corrupt, self._failed)
        if self._only_cold:
            made.inherit()
        elif is_new:
            folder.room(index.tmp_bytes)
        else:
            self._survey(index, folder, made, fetching)
        self._cold, self._folder = Cold(index, folder, made, fetching, self._reuse), folder
        with self._change:
            unpacking = made
        made.start(max(2, min(4, len(os.sched_getaffinity(0)))))
        for frame, parts in arrived:
            made.add(frame, parts)
        self._serve(fetching, made)
        self._conclude(index, folder, fetching, made)

    def _conclude(
        self, index: Index, folder: Folder, fetching: Fetching, unpacking: Unpacking
    ) -> None:
        """Say that all is there that is fetched at start, and fetch what is wanted then."""
        if not self._only_cold:
            folder.complete()
            if not index.has_cold:
                folder.leave()
            self._say("t " + json.dumps(self._account(fetching)))
            self._say("f")
        if index.has_cold:
            self._linger(fetching, unpacking)
            folder.leave()
            self._say("i")

    def _survey(
        self, index: Index, folder: Folder, unpacking: Unpacking, fetching: Fetching
    ) -> None:
        """Take what is there already and is right, and fetch the rest."""
        unpacking.inherit()
        folder.tidy()
        if folder.untouched():
            for frame in range(index.hot):
                self._reuse(frame)
            return
        folder.incomplete()
        lacking = 0
        for frame in range(index.hot):
            if unpacking.survey(frame):
                self._reuse(frame)
            else:
                lacking += index.frames[frame][3]
                fetching.want([frame])
        folder.room(lacking)

    def _serve(self, fetching: Fetching, unpacking: Unpacking) -> None:
        """Hear who waits for what, until all is there that is fetched at start."""
        while True:
            with self._change:
                if not self._left:
                    return
            self._hear(fetching, unpacking)
            fetching.watch()

    def _linger(self, fetching: Fetching, unpacking: Unpacking) -> None:
        """Hear which cold frames are wanted, until none were for a moment."""
        assert self._cold is not None
        busy = time.monotonic()
        while time.monotonic() - busy < _IDLE_S:
            if self._hear(fetching, unpacking, busy + _IDLE_S) or not self._cold.is_idle:
                busy = time.monotonic()
            fetching.watch()

    def _hear(self, fetching: Fetching, unpacking: Unpacking, until: float = float("inf")) -> bool:
        """Do what was asked for, if anything was within a tick.

        :param until: what is asked for later is left to another process: Lambda may have stood
            still for hours since.
        """
        channel = self._channel.fileno()
        heard = select.select([channel, self._woken], [], [], _TICK_S)[0]
        if self._woken in heard:
            os.read(self._woken, 1)
        if channel not in heard or time.monotonic() > until:
            return False
        data = self._channel.recv(1 << 16)
        if not data:
            os._exit(0)
        *lines, self._heard = (self._heard + data).split(b"\n")
        for line in lines:
            frames = [int(each) for each in line.split()[1:]]
            if self._cold is not None:
                self._cold.want(frames)
            fetching.hurry(frames)
            unpacking.hurry(frames)
        return True

    def _there(self, frame: int, said: str = "d") -> None:
        if self._cold is not None:
            self._cold.arrived(frame)
        self._say(f"{said} {frame}")
        with self._change:
            self._first_frame = self._first_frame or time.monotonic()
            if frame in self._left:
                self._left.remove(frame)
                if not self._left:
                    os.write(self._wake, b".")

    def _reuse(self, frame: int) -> None:
        self._reused += 1
        self._there(frame, "r")

    def _failed(self, error: BundleError) -> None:
        if self._only_cold and self._folder is not None:
            # The function goes on, and may want the room.
            with contextlib.suppress(OSError):
                self._folder.leave()
        self._say("e " + json.dumps([error.what, error.why, error.hint]))
        os._exit(0)

    def _say(self, line: str) -> None:
        with self._sending:
            try:
                self._channel.sendall(line.encode() + b"\n")
            except OSError:
                os._exit(0)

    def _account(self, fetching: Fetching) -> dict[str, float]:
        """Moments are those of the monotonic clock, which is the same for all processes."""
        counts = fetching.counts
        return {
            "began": self._began,
            "first_byte": counts.connected,
            "first_frame": self._first_frame,
            "fetched": counts.fetched,
            "unpacked": time.monotonic(),
            "cpu": time.process_time(),
            "bytes": counts.bytes,
            "requests": counts.requests,
            "retries": counts.retries,
            "hedges": counts.hedges,
            "corrupt": counts.corrupt,
            "reused_frames": self._reused,
        }


def _under_way(environ: dict[str, str]) -> int:
    """Bytes that may be under way: an eighth of the function's memory, within reason."""
    return max(32 * _MB, min(256 * _MB, memory_of(environ) // 8))
