"""Whether the ``bootstrap`` of a provided runtime is there, and one that Lambda could start."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import TYPE_CHECKING

from wideload.errors import WideloadError
from wideload.source.nearest import nearest
from wideload.values.target import Architecture

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wideload.source.files import SourceFile
    from wideload.values.target import Target

BOOTSTRAP = "bootstrap"
"""What Lambda starts: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html"""

# e_machine of the ELF header; of a 64-bit file with the least significant byte first.
_HEADER = struct.Struct("<4sBB10xHH")
_MACHINES = {Architecture.X86_64: 62, Architecture.ARM64: 183}
_NAMES = {3: "32-bit x86", 40: "32-bit arm", 62: "x86_64", 183: "arm64", 243: "riscv64"}
_RUNS = (2, 3)
"""e_type of an executable, and of one that may be loaded anywhere."""
_OTHERS = {
    b"MZ": "a Windows program",
    b"\xcf\xfa\xed\xfe": "a macOS program",
    b"\xca\xfe\xba\xbe": "a macOS program or a Java class",
    b"PK\x03\x04": "a zip or a Java archive",
    b"\x00asm": "WebAssembly",
}


def check_bootstrap(
    files: Iterable[SourceFile], folder: Path, target: Target, *, built: bool = False
) -> None:
    """Check that a file ``bootstrap`` is packed that the target could start.

    :param folder: the source folder, for the messages.
    :param built: whether it is what a command of the user's made.
    :raises WideloadError: it is missing, not executable, neither a script nor an ELF program, or
        for another machine.
    """
    by_path = {file.path: file for file in files}
    file = by_path.get(BOOTSTRAP)
    if file is None:
        raise _missing(by_path, folder, target, built=built)
    try:
        with Path(file.location).open("rb") as stream:
            start = stream.read(_HEADER.size)
    except OSError as error:
        raise WideloadError(f"cannot read {BOOTSTRAP}", why=error.strerror or str(error)) from None
    _check_start(start, target)
    if not file.executable:
        raise WideloadError(
            f"{BOOTSTRAP} is not executable",
            why=f"{target.runtime} starts it as a program",
            hint=f"run `chmod +x {BOOTSTRAP}`",
        )


def _missing(by_path: Iterable[str], folder: Path, target: Target, *, built: bool) -> WideloadError:
    what = f"no {BOOTSTRAP} to start"
    if built:
        return WideloadError(
            what,
            why=f"the command of the key build left no file of that name in {folder.name}",
            hint=f"let it write {BOOTSTRAP}, e.g. `go build -o {BOOTSTRAP} .`",
        )
    if (folder / BOOTSTRAP).is_file():
        return WideloadError(
            what,
            why=f"{BOOTSTRAP} is there but left out of the package",
            hint="see .wideloadignore and the key exclude; include takes it back",
        )
    guess = nearest(BOOTSTRAP, by_path)
    return WideloadError(
        what,
        why=f"{target.runtime} starts a program of this name, and none is in {folder}",
        hint=f"rename {guess!r}"
        if guess
        else 'put it there, or say how it is made: build = "go build -o bootstrap ."',
    )


def _check_start(start: bytes, target: Target) -> None:
    if start.startswith(b"#!"):
        return
    if len(start) < _HEADER.size or not start.startswith(b"\x7fELF"):
        kind = next((name for magic, name in _OTHERS.items() if start.startswith(magic)), "")
        raise WideloadError(
            f"{BOOTSTRAP} is no program for Linux",
            why=f"it is {kind}" if kind else "it is neither an ELF file nor a script with #!",
            hint=_mend(target),
        )
    _, bits, order, kind_of_file, machine = _HEADER.unpack(start)
    if (bits, order, machine) != (2, 1, _MACHINES[target.architecture]):
        raise WideloadError(
            f"{BOOTSTRAP} is for {_NAMES.get(machine, f'machine {machine}')}, "
            f"not for {target.architecture}",
            why=f'architecture = "{target.architecture}" is set for the function',
            hint=_mend(target),
        )
    if kind_of_file not in _RUNS:
        raise WideloadError(
            f"{BOOTSTRAP} is an ELF file, but no program",
            why="it is an object file or a core dump",
            hint="link it",
        )


def _mend(target: Target) -> str:
    return (
        f"build it for {target.architecture} Linux, with Go by GOOS=linux "
        f"GOARCH={target.architecture.goarch}; the key build sets both"
    )
