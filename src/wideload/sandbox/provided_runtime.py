"""Lambda's runtimes without a language: the function brings its own, named ``bootstrap``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from wideload.sandbox.runtime import InvalidEntrypoint

if TYPE_CHECKING:
    from wideload.values.environment import EnvironmentSpec

_PLACES = ("/var/task/bootstrap", "/opt/bootstrap")
_PATHS = {
    "PATH": "/usr/local/bin:/usr/bin/:/bin:/opt/bin",
    "LD_LIBRARY_PATH": (
        "/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib"
    ),
}
_ELF = b"\x7fELF"
_MACHINE = slice(18, 20)
# https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html: e_machine
_MACHINES = {"x86_64": b"\x3e\x00", "arm64": b"\xb7\x00"}


class ProvidedRuntime:
    """Nothing but the system; implements `Runtime`."""

    def mounts(self) -> list[str]:
        """Nothing."""
        return []

    def variables(self) -> dict[str, str]:
        """Where the system has its programs and libraries."""
        return dict(_PATHS)

    def command(self, spec: EnvironmentSpec) -> list[str]:
        """The function's own bootstrap, or else the topmost layer's.

        :raises InvalidEntrypoint: there is none, or it is none that the system can run.
        """
        places = [(_PLACES[0], spec.task), *((_PLACES[1], each) for each in spec.layers[::-1])]
        for inside, folder in places:
            path = Path(folder) / "bootstrap"
            if path.is_file():
                _check(path, inside, spec.target.architecture)
                return [inside]
        raise InvalidEntrypoint(f"Couldn't find valid bootstrap(s): [{' '.join(_PLACES)}]")


def _check(path: Path, inside: str, architecture: str) -> None:
    # Functions are neither the owner of their files nor of its group.
    if not path.stat().st_mode & 0o001:
        raise InvalidEntrypoint(f"fork/exec {inside}: permission denied")
    check_format(path, inside, architecture)


def check_format(path: Path, inside: str, architecture: str) -> None:
    """Make sure that the kernel would run a file.

    :param inside: what it is called in the function.
    :raises InvalidEntrypoint: it would not.
    """
    with path.open("rb") as file:
        head = file.read(_MACHINE.stop)
    is_binary = head.startswith(_ELF) and head[_MACHINE] == _MACHINES[architecture]
    # A shell would run a script without its first line; the kernel does not.
    if not is_binary and not head.startswith(b"#!"):
        raise InvalidEntrypoint(f"fork/exec {inside}: exec format error")
