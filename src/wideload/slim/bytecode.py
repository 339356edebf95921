"""The rule `bytecode`: modules compiled by the target's own Python, as Lambda loads them.

Zips of functions have no dates, so byte-code that is checked against its source's date is
stale; PEP 552's unchecked hashes are loaded as they are. ``co_filename`` is the place in
/var/task, so tracebacks read as they would without it. In the stead of sources the columns
of expressions are left out as well (``-X no_debug_ranges``): they serve to underline source
lines, which are not there, and they are a fifth of the compressed byte-code.

What is written depends on nothing but the compiler's version, the source and the seed of
hashes (before 3.11 the order of frozen sets), which is fixed here.
"""

from __future__ import annotations

import re
import struct
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from wideload.errors import WideloadError
from wideload.slim.kinds import is_module_path

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

RULE = "bytecode/2"
"""Name and version of this rule: another output for the same source is another version."""
TASK_ROOT = "/var/task"

_CHILD = Path(__file__).with_name("compile_child.py")
_LENGTH = struct.Struct("<I")
_EXTENSION = re.compile(r"(?P<stem>.+?)\.(?:[\w-]+\.)*so")


class Style(msgspec.Struct, frozen=True):
    """What goes into a compiled module."""

    columns: bool
    """Whether tracebacks can underline expressions; of no use without the source."""
    docstrings: Literal["keep", "strip"] = "keep"


class Compiled(msgspec.Struct, frozen=True):
    """What became of one source."""

    data: bytes
    """The .pyc file; empty where it does not compile."""
    reason: str = ""
    """The compiler's words, where it does not."""


def compilable(paths: Collection[str]) -> tuple[str, ...]:
    """The sources among these paths that are modules, sorted.

    Names that cannot be imported are scripts or templates. Where an extension of the same
    name lies beside it, that is what is imported.
    """
    extensions = {
        match["stem"] for path in paths if (match := _EXTENSION.fullmatch(path)) is not None
    }
    return tuple(
        sorted(
            path
            for path in paths
            if path.endswith(".py") and is_module_path(path) and path[:-3] not in extensions
        )
    )


def beside(path: str, python: tuple[int, int]) -> str:
    """Where the compiled module of a source lies when the source lies there as well."""
    folder, slash, name = path.rpartition("/")
    return f"{folder}{slash}__pycache__/{name[:-3]}.cpython-{python[0]}{python[1]}.pyc"


def instead(path: str) -> str:
    """Where the compiled module of a source lies in its stead."""
    return f"{path}c"


def compile_all(
    sources: Sequence[tuple[str, bytes]], executable: str, style: Style
) -> list[Compiled]:
    """Each source compiled, in one process of the target's Python.

    :param sources: paths below /var/task, and contents.
    :param executable: a CPython of the target's minor version.
    :raises WideloadError: it cannot be run.
    """
    done = _run(sources, executable, style)
    if len(done) == len(sources):
        return done
    # It died (a parser's stack overflow, say): the culprit is the file after the last answer.
    path = sources[len(done)][0]
    if not done and not _run((("probe.py", b""),), executable, style):
        raise WideloadError(
            f"{executable} does not compile", hint="reinstall this Python, or set another one"
        )
    died = Compiled(b"", f"the compiler of {Path(executable).name} crashed on {path}")
    return [*done, died, *compile_all(sources[len(done) + 1 :], executable, style)]


def _run(sources: Sequence[tuple[str, bytes]], executable: str, style: Style) -> list[Compiled]:
    if not sources:
        return []
    frames = []
    for path, source in sources:
        name = f"{TASK_ROOT}/{path}".encode()
        frames += [_LENGTH.pack(len(name)), name, _LENGTH.pack(len(source)), source]
    options = [] if style.columns else ["-X", "no_debug_ranges"]
    try:
        ran = subprocess.run(
            # Not as a file: its folder would come first on the module path.
            [executable, "-s", "-S", "-B", *options, "-c", _CHILD.read_text(), style.docstrings],
            input=b"".join(frames),
            cwd="/",
            env={"PYTHONHASHSEED": "0", "PYTHONIOENCODING": "utf-8"},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=False,
        )
    except OSError as error:
        raise WideloadError(
            f"{executable} cannot be run", why=str(error), hint="reinstall this Python"
        ) from error
    return list(_answers(ran.stdout))


def _answers(output: bytes) -> Iterator[Compiled]:
    at = 0
    while at + 5 <= len(output):
        done = output[at]
        (length,) = _LENGTH.unpack_from(output, at + 1)
        result = output[at + 5 : at + 5 + length]
        if len(result) < length:
            return
        yield Compiled(result) if done else Compiled(b"", result.decode(errors="replace"))
        at += 5 + length
