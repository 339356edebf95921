"""The tracer: strace's command line, and what its lines say.

Why strace, of all that could watch: it sees what the kernel does for any process, so opens of
C code, libraries that the dynamic linker pulls in, and children too; and it sees *stats*, by
which alone Python uses a source whose byte-code is not to be checked. fanotify tells of no
stat and asks for root, audit hooks know only what Python itself does, and neither sees what
was listed. With ``--seccomp-bpf`` only the system calls that are looked at are stopped at:
measured, an init of 14,000 such calls takes 0.2 to 1.4 s longer, and the other way twice that.
"""

from __future__ import annotations

import posixpath
import re
import shutil
from typing import TYPE_CHECKING

import msgspec

from wideload.errors import WideloadError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from wideload.values.profile import Use

_SYSTEM = "/usr/bin:/bin:/usr/local/bin:/usr/sbin:/sbin"
# All that names a file, and reading a folder. ``?``: not every architecture has it.
_CALLS = "%file,getdents64,?getdents,fchdir"
_OPTIONS = (
    *("-f", "--seccomp-bpf"),
    # Only what succeeded, and each call on one line, however many threads there are.
    *("-qq", "-z", "-e", "signal=none"),
    # Descriptors with their real paths: links, ``..`` and relative names are resolved.
    *("-y", "-e", f"trace={_CALLS}"),
)
# The function's library path is not for the tracer, which could not be sure of its own.
_SCRIPT = 'path=$LD_LIBRARY_PATH; unset LD_LIBRARY_PATH; exec "$0" -E "LD_LIBRARY_PATH=$path" "$@"'

_LINE = re.compile(rb"\d+ +(\w+)\((.*)\) += (.*)")
_DIRECTORY = re.compile(rb"(?:AT_FDCWD|\d+)(?:<([^>]*)>)?")
_NAMED = re.compile(rb'(?:(AT_FDCWD|\d+)(?:<([^>]*)>)?, )?"((?:[^"\\]|\\.)*)"')
_OPENED = re.compile(rb"\d+<([^>]*)>")
_OPENING = frozenset({b"open", b"openat", b"openat2", b"creat"})
_RUNNING = frozenset({b"execve", b"execveat"})
_LISTING = frozenset({b"getdents", b"getdents64"})


class Access(msgspec.Struct, frozen=True):
    """Something that was done with a path, and worked."""

    path: str
    """Absolute and normalised, as seen inside."""
    use: Use


def tracer(path: str = _SYSTEM) -> str:
    """The path of strace on this machine, which is also its path in the sandbox.

    :param path: folders to look in that the sandbox sees too, as in ``$PATH``.

    :raises WideloadError: it is not there, or not where the sandbox sees it.
    """
    found = shutil.which("strace", path=path)
    if found is None:
        raise WideloadError(
            "no strace on this machine to trace the function with",
            why=f"`strace` is in none of {', '.join(path.split(':'))}",
            hint="install the package `strace`",
        )
    return found


def command(program: str, log: str) -> tuple[str, ...]:
    """The words to start a command under, so that it is traced with all its children.

    :param program: of strace.
    :param log: the path in the sandbox of the file that is written.
    """
    return ("/bin/sh", "-c", _SCRIPT, program, *_OPTIONS, "-o", log)


class Reader:
    """Reads a log as it grows.

    The few system calls that do not say which folder a relative name is meant in are taken to
    mean any that a process was seen in: a path too many is only looked up in vain.
    """

    def __init__(self, log: Path, working: str) -> None:
        """Begin, the first process being in this folder."""
        self._log = log
        self._read = 0
        self._folders = [working]

    def read(self) -> Iterator[Access]:
        """What the lines tell that were written since the last time, in their order."""
        with self._log.open("rb") as log:
            log.seek(self._read)
            lines = log.read().splitlines(keepends=True)
        for line in lines:
            if not line.endswith(b"\n"):  # the rest of it is still to come
                break
            self._read += len(line)
            match = _LINE.match(line)
            if match:
                yield from self._accesses(match[1], match[2], match[3])

    def _accesses(self, call: bytes, arguments: bytes, result: bytes) -> Iterator[Access]:
        if call in _OPENING:
            opened = _OPENED.match(result)
            if opened:
                yield Access(_normal("/", _text(opened[1])), "open")
            return
        if call in _LISTING or call == b"fchdir":
            folder = _DIRECTORY.match(arguments)
            if folder and folder[1]:
                path = _normal("/", _text(folder[1]))
                if call == b"fchdir":
                    self._enter(path)
                else:
                    yield Access(path, "list")
            return
        named = _NAMED.match(arguments)
        if not named or not named[3]:  # without a name it is the descriptor's own file
            return
        base = _text(named[2]) if named[2] else ""
        if base and named[1] == b"AT_FDCWD":
            self._enter(base)
        use: Use = "open" if call in _RUNNING else "stat"
        name = _text(named[3])
        paths = dict.fromkeys(
            _normal(folder, name) for folder in ([base] if base else self._folders)
        )
        for path in paths:
            yield Access(path, use)
            if call == b"chdir":
                self._enter(path)

    def _enter(self, folder: str) -> None:
        if folder not in self._folders:
            self._folders.append(folder)


def _normal(folder: str, name: str) -> str:
    # POSIX lets two slashes at the start mean something else; Linux does not.
    return "/" + posixpath.normpath(posixpath.join(folder, name)).lstrip("/")


def _text(escaped: bytes) -> str:
    """A path as strace quotes it: all but printable ASCII as C escapes."""
    if b"\\" not in escaped:
        return escaped.decode(errors="surrogateescape")
    raw = escaped.decode("unicode_escape")
    return raw.encode("latin-1").decode(errors="surrogateescape")
