"""Runs ``npm ci``: what a package-lock.json says comes to lie in a folder, for the target.

npm, and not a reader of tarballs of ours, so that registries, logins, proxies and hashes are
what the user's other installs have. It is told the target's system, so that packages with
binaries are the target's whatever this machine is. Install scripts are not run unless the user
says so: they are programs of strangers, and what they compile or fetch is for this machine.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from wideload.errors import WideloadError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from wideload.nodejs import Node
    from wideload.values.function import NpmPackage, NpmRequirements
    from wideload.values.target import Target

_ABANDONED = 24 * 3600
"""Seconds after which nobody installs there any more."""
_TAIL = 30
"""Lines of a failed npm that are shown."""
_LIBC = "glibc"
_FOLDER = "node_modules"
_MANIFEST = "package.json"
_SETTINGS = ".npmrc"


class _Installed(msgspec.Struct, frozen=True):
    version: str = ""
    libc: str | tuple[str, ...] = ()


class Tree:
    """What npm laid into a folder."""

    def __init__(self, folder: Path, packages: Sequence[NpmPackage], npm: str) -> None:
        self._folder = folder
        self._locations = {one.location for one in packages}
        self._npm = npm

    def files(self, package: NpmPackage) -> dict[str, Path] | None:
        """The files of a package by the path that they will have in the function, without those
        of packages that are locked in its folder; nothing where it is for another C library.

        Links are left out: npm makes them in ``.bin``, for a shell.

        :raises WideloadError: it is not there, or in another version than was locked.
        """
        found = self._manifest(package)
        libc = (found.libc,) if isinstance(found.libc, str) else found.libc
        if package.optional and libc and _LIBC not in libc:
            return None
        return dict(self._walk(package.location))

    def _manifest(self, package: NpmPackage) -> _Installed:
        path = self._folder / package.location / _MANIFEST
        try:
            found = msgspec.json.decode(path.read_bytes(), type=_Installed)
        except FileNotFoundError:
            raise WideloadError(
                f"npm did not install {package.label}",
                why=f"npm {self._npm} was told the target's system, which npm 10.4 and later heed",
                hint="update npm: `npm install --global npm`",
            ) from None
        except (OSError, msgspec.MsgspecError) as error:
            raise WideloadError(
                f"the {_MANIFEST} of {package.label} cannot be read", why=str(error)
            ) from None
        if found.version != package.version:
            raise WideloadError(
                f"npm installed {package.label} {found.version or 'without a version'}",
                why=f"the lock has {package.version}",
                hint="make the lock anew: run `npm install --package-lock-only`",
            )
        return found

    def _walk(self, location: str) -> Iterator[tuple[str, Path]]:
        with os.scandir(self._folder / location) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
        for entry in found:
            path = f"{location}/{entry.name}"
            if entry.is_symlink():
                continue
            if entry.is_dir():
                if path not in self._locations:
                    yield from self._walk(path)
            elif not (location.endswith(_FOLDER) and entry.name == ".package-lock.json"):
                yield path, Path(entry.path)


@contextlib.contextmanager
def installed(
    requirements: NpmRequirements, target: Target, node: Node, cache: Path
) -> Iterator[Tree]:
    """A folder in which the packages of a lock lie, until the block ends.

    :param node: runs npm.
    :param cache: folder below which there is room for all of them.
    :raises WideloadError: npm is not there, or fails.
    """
    if not node.npm:
        raise WideloadError(
            "npm is not on this machine",
            why=f"none lies beside {node.executable}",
            hint="install npm, which comes with Node.js",
        )
    lock = Path(requirements.path)
    place = cache / "installing"
    place.mkdir(parents=True, exist_ok=True)
    _sweep(place)
    with tempfile.TemporaryDirectory(dir=place) as name:
        folder = Path(name)
        for file in (lock, lock.with_name(_MANIFEST), lock.with_name(_SETTINGS)):
            if file.is_file():
                shutil.copyfile(file, folder / file.name)
        said = _run(_arguments(requirements, target, node), folder, node)
        yield Tree(folder, requirements.packages, said)


def _sweep(place: Path) -> None:
    """Remove what runs left that were killed."""
    for left in place.iterdir():
        with contextlib.suppress(FileNotFoundError):
            if time.time() - left.stat().st_mtime > _ABANDONED:
                shutil.rmtree(left, ignore_errors=True)


def _arguments(requirements: NpmRequirements, target: Target, node: Node) -> list[str]:
    return [
        *(node.executable, node.npm, "ci", "--omit=dev", "--no-audit", "--no-fund"),
        *("--loglevel=error", "--no-progress", "--no-update-notifier"),
        *("--os=linux", f"--cpu={target.architecture.npm_cpu}", f"--libc={_LIBC}"),
        *("--install-strategy=hoisted", "--no-workspaces", "--no-bin-links"),
        "--no-ignore-scripts" if requirements.install_scripts else "--ignore-scripts",
    ]


def _run(arguments: Sequence[str], folder: Path, node: Node) -> str:
    """Run npm; its version."""
    # What npm's scripts run with is the Node.js that runs npm.
    environment = {**os.environ, "NODE_ENV": "production"}
    environment["PATH"] = f"{Path(node.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    try:
        done = subprocess.run(
            arguments,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
    except OSError as error:
        raise WideloadError("npm cannot be run", why=str(error)) from error
    if done.returncode:
        said = done.stdout.decode(errors="replace").replace(f"{folder}/", "").strip()
        raise WideloadError(
            "npm ci failed",
            why="\n".join(said.splitlines()[-_TAIL:]) or f"it ended with {done.returncode}",
            hint="run `npm ci --omit=dev` beside the lock to see all that it says",
        )
    return _version(node)


def _version(node: Node) -> str:
    try:
        manifest = Path(node.npm).parents[1] / _MANIFEST
        return msgspec.json.decode(manifest.read_bytes(), type=_Installed).version
    except (OSError, msgspec.MsgspecError):
        return ""
