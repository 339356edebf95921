"""Running uv: the resolver's questions put to it, its refusals put into our words."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

from wideload.errors import WideloadError
from wideload.interpreters import uv_command

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from wideload.values.target import Target

_NO_WHEELS = re.compile(r"Wheels are required for `([^`]+)`")
_NOT_FOUND = re.compile(r"[Bb]ecause (\S+) was not found in the (?:package registry|cache)")
_UNREACHABLE = ("Failed to fetch", "error sending request", "dns error", "tcp connect error")
_UNAUTHORISED = re.compile(r"\b(401 Unauthorized|403 Forbidden)\b")
_MAX_SOURCE_PACKAGES = 50


def run(arguments: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run uv in a folder. Its exit code is the caller's to judge."""
    environment = {
        **os.environ,
        "NO_COLOR": "1",
        "UV_NO_PROGRESS": "1",
        # What must be built is pure Python or refused: a compiler would make a package that
        # fits this machine, not the target, and take minutes to do so.
        "CC": "false",
        "CXX": "false",
        "UV_PYTHON_DOWNLOADS": "never",
    }
    environment.pop("VIRTUAL_ENV", None)
    return subprocess.run(
        [uv_command(), *arguments],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def compile_lock(
    arguments: Sequence[str], folder: Path, target: Target, *, what: str
) -> subprocess.CompletedProcess[str]:
    """``uv pip compile`` for the target, wheels first.

    Only wheels are admitted, so that uv goes back to the newest version that has one for
    this target; a package that has none at all is then admitted as source.

    :param what: the file that is resolved, for messages.
    :raises WideloadError: there is no solution, or the index cannot be reached.
    """
    from_source: list[str] = []
    while True:
        done = run(
            [
                *("pip", "compile", "--format", "pylock.toml", "--no-header", "--no-annotate"),
                *("--python-version", target.python_version),
                *("--python-platform", target.uv_platform),
                # Only builds use it; without it uv looks through all Pythons of the machine.
                *("--python", sys.executable),
                *("--only-binary", ":all:"),
                *(word for name in from_source for word in ("--no-binary", name)),
                *arguments,
            ],
            folder,
        )
        if done.returncode == 0:
            return done
        missing = [name for name in _NO_WHEELS.findall(done.stderr) if name not in from_source]
        if not missing or len(from_source) > _MAX_SOURCE_PACKAGES:
            raise _refusal(done.stderr, target, what)
        from_source.extend(missing)


def _refusal(stderr: str, target: Target, what: str) -> WideloadError:
    words = " ".join(
        line.strip().removeprefix("error: ").removeprefix("cause: ")
        for line in stderr.splitlines()
        if line.strip() and not line.startswith(("warning:", "hint:"))
    )
    unsolved = "No solution found" in words
    words = words.removeprefix("No solution found when resolving dependencies ")
    # uv takes an index that refuses for one that does not have the package, and says so in
    # a hint only.
    unauthorised = _UNAUTHORISED.search(stderr)
    if unauthorised:
        return WideloadError(
            f"the package index refused the requirements of {what}",
            why=f"HTTP {unauthorised[1]}; {words}",
            hint="give the index's credentials as for uv: in its URL, UV_INDEX_*_USERNAME and "
            "_PASSWORD, or netrc",
        )
    missing = _NOT_FOUND.search(words)
    if missing:
        return WideloadError(
            f"the requirement {missing[1]!r} of {what} does not exist",
            why=words,
            hint="check the spelling; for a private index give its URL as for uv "
            "(--index-url in requirements.txt, [[tool.uv.index]], UV_INDEX)",
        )
    if any(sign in words for sign in _UNREACHABLE):
        return WideloadError(
            "the package index could not be reached",
            why=words,
            hint="check the network, the proxy settings and the index URL",
        )
    if unsolved:
        return WideloadError(
            f"the requirements of {what} cannot be met for {target.runtime} on "
            f"{target.architecture}",
            why=words,
            hint="relax the versions named there, or choose another runtime",
        )
    if "Failed to build" in words or "build backend" in words:
        return WideloadError(
            f"a requirement of {what} has no wheel and cannot be built here",
            why=words[:2000],
            hint="choose a version with a wheel for the target, or build one on Amazon Linux "
            "and give its folder with --find-links",
        )
    return WideloadError(f"uv could not resolve {what}", why=words[:2000])
