"""Starts a process beside the function's own, for work that must not wait for Python's lock."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
import sys
import warnings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Work = Callable[[socket.socket, Sequence[str]], None]

_SPAWN = (
    "import os, sys\n"
    "if os.fork(): os._exit(0)\n"
    "sys.path.insert(0, sys.argv[1])\n"
    "import importlib\n"
    "work = vars(importlib.import_module(sys.argv[2]))[sys.argv[3]]\n"
    "here = sys.argv[2].rpartition('.')[0] + '.apart'\n"
    "importlib.import_module(here).run(work, int(sys.argv[4]), sys.argv[5:])\n"
)


def launch(home: str, work: Work, words: Sequence[str]) -> socket.socket:
    """Start a process that does some work; what it says can be read from the socket.

    It is nobody's child when this returns, so that the function never waits for it by mistake.

    :param home: the loader's folder.
    :param work: a function of one of the loader's modules, called with the other end of the socket.
    :param words: what it is told besides.
    """
    ours, theirs = socket.socketpair()
    if len(os.listdir("/proc/self/task")) == 1:  # noqa: PTH208 - importing pathlib takes longer
        pid = _forked(work, theirs, words)
    else:
        # A fork takes the locks of other threads along, but not these threads.
        theirs.set_inheritable(True)
        above, _, package = home.rpartition("/")
        module = f"{package}.{work.__module__.rpartition('.')[2]}"
        spawned = ["-I", "-S", "-B", "-c", _SPAWN, above, module, work.__name__]
        descriptor = str(theirs.fileno())
        command = [sys.executable, *spawned, descriptor, *words]
        pid = os.posix_spawn(sys.executable, command, os.environ)
    theirs.close()
    os.waitpid(pid, 0)
    return ours


def _forked(work: Work, channel: socket.socket, words: Sequence[str]) -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pid = os.fork()
    if pid == 0:
        status = 1
        try:
            if os.fork() == 0:
                gc.disable()
                run(work, channel.fileno(), words)
            status = 0
        finally:
            os._exit(status)
    return pid


def run(work: Work, descriptor: int, words: Sequence[str]) -> None:
    """Be the process; never returns.

    :param descriptor: of a socket, the only one that stays open besides the standard ones.
    """
    try:
        for each in os.listdir("/proc/self/fd"):  # noqa: PTH208 - as above
            if int(each) > 2 and int(each) != descriptor:
                with contextlib.suppress(OSError):
                    os.close(int(each))
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        os.umask(0o022)
        work(socket.socket(fileno=descriptor), words)
    finally:
        os._exit(0)
