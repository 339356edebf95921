"""Finds a Python of exactly a runtime's minor version, or fetches one."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import threading
from pathlib import Path

import msgspec
import uv

from wideload.cache import Stamp, write_atomically
from wideload.errors import WideloadError

_QUESTION = """
import json, os, sys, sysconfig
print(json.dumps({
    "executable": os.path.realpath(getattr(sys, "_base_executable", sys.executable)),
    "version": "%d.%d" % sys.version_info[:2],
    "prefix": sys.base_prefix,
    "stdlib": sysconfig.get_path("stdlib"),
}))
"""


# Looking for uv makes Python fill its table of installation paths, which is not safe among
# threads: whoever comes second finds half of it.
_FINDING = threading.Lock()


class Interpreter(msgspec.Struct, frozen=True):
    """A CPython of this machine. All paths are absolute."""

    executable: str
    version: str
    """``"3.13"``."""
    prefix: str
    """Of the installation itself, never of a virtual environment."""
    stdlib: str


class _Note(msgspec.Struct, frozen=True):
    """An interpreter, and what its file looked like when it was asked."""

    interpreter: Interpreter
    stamp: Stamp


def known_interpreter(version: str, cache: Path) -> Interpreter | None:
    """The Python that :func:`find_interpreter` found before, if it is still the same file."""
    try:
        note = msgspec.json.decode(_note(version, cache).read_bytes(), type=_Note)
        if Stamp.of(Path(note.interpreter.executable)) == note.stamp:
            return note.interpreter
    except (OSError, msgspec.MsgspecError):
        pass
    return None


def _note(version: str, cache: Path) -> Path:
    return cache / "interpreters" / f"{version}.json"


def find_interpreter(version: str, cache: Path) -> Interpreter:
    """The Python of this minor version (``"3.13"``) on this machine.

    Looks where uv looks, and into pyenv's versions, which uv passes over unless they are on
    the PATH; last of all lets uv download one below `cache`.

    :raises WideloadError: none is to be had. Another version is never taken.
    """
    known = known_interpreter(version, cache)
    if known is None:
        known = _find(version, cache)
        note = _Note(known, Stamp.of(Path(known.executable)))
        # Only a shortcut: a cache that cannot be written to is still a cache.
        with contextlib.suppress(WideloadError):
            write_atomically(_note(version, cache), msgspec.json.encode(note))
    return known


def _find(version: str, cache: Path) -> Interpreter:
    fetched = cache / "python"
    tried: list[str] = []
    for environment in (
        os.environ | {"PATH": _search_path(version)},
        os.environ | {"PATH": "", "UV_PYTHON_INSTALL_DIR": str(fetched)},
    ):
        found = _uv(
            ["find", "--system", "--no-project", "--no-python-downloads", f"cpython@{version}"],
            environment,
        )
        if found.returncode == 0:
            interpreter = _ask(found.stdout.strip())
            if interpreter is not None and interpreter.version == version:
                return interpreter
        tried.append(_last_line(found.stderr))
    environment = os.environ | {"UV_PYTHON_INSTALL_DIR": str(fetched), "UV_PYTHON_INSTALL_BIN": "0"}
    installed = _uv(["install", "--no-bin", f"cpython@{version}"], environment)
    if installed.returncode == 0:
        found = _uv(["find", "--system", "--no-project", f"cpython@{version}"], environment)
        interpreter = _ask(found.stdout.strip()) if found.returncode == 0 else None
        if interpreter is not None and interpreter.version == version:
            return interpreter
    tried.append(_last_line(installed.stderr))
    raise WideloadError(
        f"no Python {version} on this machine to run the function with",
        why="looked on the PATH, among pyenv's and uv's versions, then tried a download: "
        + "; ".join(dict.fromkeys(filter(None, tried))),
        hint=f"install it (`uv python install {version}` or `pyenv install {version}`); "
        "another version would not run what Lambda runs",
    )


def uv_command() -> str:
    """The path of uv."""
    with _FINDING:
        return uv.find_uv_bin()


def _uv(arguments: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    # A virtual environment that is active, or a UV_PYTHON, must not stand in for the answer.
    kept = {k: v for k, v in environment.items() if k not in ("VIRTUAL_ENV", "UV_PYTHON")}
    return subprocess.run(
        [uv_command(), "python", *arguments, "--color", "never"],
        env=kept,
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )


def _search_path(version: str) -> str:
    """The PATH with pyenv's versions first and without its shims.

    A shim of a version that is not switched on fails, and uv then stops looking.
    """
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    versions: list[Path] = []
    with contextlib.suppress(OSError):  # somebody else's
        versions = sorted(root.glob(f"versions/{version}.*/bin"), reverse=True)
    others = [
        entry
        for entry in os.environ.get("PATH", "").split(os.pathsep)
        if entry and Path(entry) != root / "shims"
    ]
    return os.pathsep.join([*map(str, versions), *others])


def _ask(executable: str) -> Interpreter | None:
    answer = subprocess.run(
        [executable, "-I", "-S", "-c", _QUESTION], capture_output=True, text=True, check=False
    )
    if answer.returncode != 0:
        return None
    return msgspec.convert(json.loads(answer.stdout), Interpreter)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
