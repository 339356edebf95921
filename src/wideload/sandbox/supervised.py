"""The near end of the control socket: starts a supervisor and speaks with it."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec

from wideload.errors import WideloadError

_SCRIPT = Path(__file__).with_name("supervisor.py")
_MESSAGE = 1 << 20


class Holding(msgspec.Struct, frozen=True):
    """What a supervisor is to hold for one environment."""

    bwrap: str
    network: bool
    """Whether the environment has a network of its own, with nothing in it but `listen`."""
    listen: tuple[tuple[str, int], ...]
    files: dict[str, str]
    """Files to write into the scratch folder, by their path below it."""
    layers: tuple[str, ...]
    image: int
    """Bytes that /tmp is to have free on a file system of its own; 0: none is to be made."""
    disk: str
    """Folder whose disk the image lies on, without a name."""
    scratch: str
    """An empty folder; the supervisor's own mounts lie over it, seen by nobody else."""
    groups: tuple[str, ...]
    thaw: tuple[tuple[str, str], ...]
    memory: int
    """Bytes that it is to be held to by looking now and then; 0: a control group does it."""
    cpus: tuple[int, ...]
    """CPUs to run on; none: all."""


class Held(msgspec.Struct, frozen=True):
    """What came of it."""

    error: str = ""
    tmp: bool = False
    tmp_why: str = ""
    opt: bool = False
    opt_why: str = ""


class Supervisor:
    """A running supervisor.

    :ivar listeners: the sockets that were asked for, in that order.
    :ivar inner: the process id, on this machine, of the sandbox's first process.
    """

    def __init__(self, holding: Holding, log: int) -> None:
        """Start it and wait until the environment is prepared.

        :param log: descriptor that the sandboxed process writes its output to.
        :raises WideloadError: this machine does not let it be prepared.
        """
        self._lock = threading.Lock()
        # They hold credentials, so they are neither on a command line nor in a file.
        self._arguments = os.memfd_create("arguments")
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            descriptors = (theirs.fileno(), log, self._arguments)
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_SCRIPT), *map(str, descriptors)],
                pass_fds=descriptors,
                stdin=subprocess.DEVNULL,
                env=os.environ | {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"},
                cwd="/",
                start_new_session=True,
            )
        self._control.send(msgspec.json.encode(holding))
        message, sockets, _, _ = socket.recv_fds(self._control, _MESSAGE, len(holding.listen))
        self.held = msgspec.json.decode(message or b'{"error":"it ended"}', type=Held)
        self.listeners = [socket.socket(fileno=descriptor) for descriptor in sockets]
        self.inner = 0
        self._started = threading.Event()
        if self.held.error:
            self.close()
            raise WideloadError(
                "this machine does not let a sandbox be made",
                why=self.held.error,
                hint="it needs Linux namespaces: run as root, or allow users to make them "
                "(sysctl kernel.unprivileged_userns_clone=1, user.max_user_namespaces, "
                "kernel.apparmor_restrict_unprivileged_userns=0); a container has to be "
                "privileged",
            )

    def begin(self, arguments: list[str], ended: Callable[[int | None], None]) -> None:
        """Take the arguments for bubblewrap that every start is to have.

        :param ended: called with the exit code each time the sandboxed process has ended;
            with nothing where it could not be started or the supervisor itself is gone.
        """
        with os.fdopen(os.dup(self._arguments), "wb") as file:
            file.write(b"".join(os.fsencode(argument) + b"\0" for argument in arguments))
        threading.Thread(target=self._read, args=(ended,), daemon=True).start()

    def start(self, program: list[str]) -> None:
        """Start a program in the sandbox; the one before must have ended."""
        self._started.clear()
        self._send({"program": program})
        self._started.wait(10)

    def kill(self) -> None:
        """End the sandboxed process; `ended` is called once it has."""
        self._send({"kill": True})

    def close(self) -> None:
        """End everything and wait for it."""
        with self._lock:
            if self._control.fileno() != -1:
                self._control.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(OSError):
            os.close(self._arguments)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        with self._lock:
            self._control.close()

    def _send(self, order: dict[str, object]) -> None:
        with self._lock:
            try:
                self._control.send(json.dumps(order).encode())
            except OSError:
                return  # it is gone, which `ended` tells

    def _read(self, ended: Callable[[int | None], None]) -> None:
        while True:
            try:
                message = self._control.recv(_MESSAGE)
            except OSError:
                message = b""
            if not message:
                self._started.set()
                ended(None)
                return
            said = json.loads(message)
            if "inner" in said:
                self.inner = said["inner"]
                self._started.set()
            else:
                ended(said["exit"])


def visible_cpus(memory: int) -> int:
    """How many CPUs a function of this much memory (MB) sees in Lambda.

    As measured: 2 up to 3,008 MB, then one more at 3,009, 5,308, 7,077 and 8,846 MB.
    """
    return 2 + sum(memory >= step for step in (3009, 5308, 7077, 8846))


def chosen_cpus(count: int) -> tuple[int, ...]:
    """Which CPUs of this machine an environment is given; not the same for each."""
    available = sorted(os.sched_getaffinity(0))
    if len(available) <= count:
        return ()
    first = int.from_bytes(os.urandom(2)) % len(available)
    return tuple((available * 2)[first : first + count])
