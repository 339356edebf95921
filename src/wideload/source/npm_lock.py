"""Reads a package-lock.json: what npm would lay into node_modules for the target.

Versions 2 and 3 of the format list every package by the folder that it lies in. What counts is
what can be reached from the dependencies of package.json, as Node.js looks for them, folder by
folder upwards; what only development needs, and optional packages for other systems, are not.
https://docs.npmjs.com/cli/configuring-npm/package-lock-json
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from wideload.errors import WideloadError
from wideload.source.locks import damaged, stale
from wideload.values.function import NpmPackage, NpmRequirements

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from wideload.values.target import Target

LOCK_NAMES = ("npm-shrinkwrap.json", "package-lock.json")
"""In the order in which npm prefers them."""
MANIFEST_NAME = "package.json"
RELOCK = "npm install --package-lock-only"

_FOLDER = "node_modules/"
_SYSTEM = "linux"
_LIBC = "glibc"


class _PeerMeta(msgspec.Struct, frozen=True):
    optional: bool = False


class Manifest(msgspec.Struct, frozen=True, rename="camel"):
    """What of a package.json matters here; a lock has the same keys."""

    dependencies: dict[str, str] = {}
    optional_dependencies: dict[str, str] = {}
    peer_dependencies: dict[str, str] = {}
    dev_dependencies: dict[str, str] = {}
    peer_dependencies_meta: dict[str, _PeerMeta] = {}
    type: str = "commonjs"
    """Of its .js files: ``module`` or ``commonjs``."""

    @property
    def needs_any(self) -> bool:
        """Whether it asks for packages where it is run."""
        return bool(self.dependencies or self.optional_dependencies or self.peer_dependencies)


class _Entry(Manifest, frozen=True, rename="camel"):
    name: str = ""
    version: str = ""
    resolved: str = ""
    integrity: str = ""
    link: bool = False
    in_bundle: bool = False
    optional: bool = False
    dev_optional: bool = False
    has_install_script: bool = False
    os: str | tuple[str, ...] = ()
    cpu: str | tuple[str, ...] = ()
    libc: str | tuple[str, ...] = ()


class _Lock(msgspec.Struct, frozen=True, rename="camel"):
    lockfile_version: int = 1
    packages: dict[str, Any] = {}


def read_manifest(path: Path) -> Manifest:
    """A package.json.

    :raises WideloadError: it cannot be read, or is none.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Manifest)
    except OSError as error:
        raise WideloadError(f"{path} cannot be read", why=str(error)) from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise WideloadError(
            f"{path} is no package.json",
            why=str(error),
            hint="mend it: npm must be able to read it",
        ) from None


def read_npm_lock(path: Path, target: Target, *, install_scripts: bool = False) -> NpmRequirements:
    """The packages that a lock means for a target.

    :raises WideloadError: the lock is of a kind that is not read, is damaged or does not fit the
        package.json beside it, or a package is not to be had or not for the target.
    """
    try:
        lock = msgspec.json.decode(path.read_bytes(), type=_Lock)
    except OSError as error:
        raise WideloadError(f"{path} cannot be read", why=str(error)) from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise damaged(path, str(error)) from None
    if lock.lockfile_version not in (2, 3):
        raise WideloadError(
            f"{path} is of version {lock.lockfile_version}",
            why="versions 2 and 3 are read, which npm 7 and later write",
            hint=f"run `{RELOCK} --lockfile-version 3`",
        )
    try:
        entries = {
            location: msgspec.convert(entry, _Entry) for location, entry in lock.packages.items()
        }
    except msgspec.MsgspecError as error:
        raise damaged(path, str(error)) from None
    root = entries.get("")
    if root is None:
        raise damaged(path, "it says nothing of the package itself")
    _check_fresh(path, root)
    reached = _Reached(path, entries, target)
    roots = reached.visit("", root)
    return NpmRequirements(
        path=str(path),
        packages=tuple(
            _package(path, location, entries[location], requires)
            for location, requires in sorted(reached.requires.items())
            if location and not entries[location].in_bundle
        ),
        roots=tuple(sorted(roots)),
        install_scripts=install_scripts,
    )


def _check_fresh(path: Path, root: _Entry) -> None:
    manifest_path = path.with_name(MANIFEST_NAME)
    if not manifest_path.is_file():
        raise WideloadError(
            f"{manifest_path} is missing",
            why=f"{path.name} is the lock of a package.json beside it",
            hint="put it there",
        )
    manifest = read_manifest(manifest_path)
    for kind, asked, locked in (
        ("dependencies", manifest.dependencies, root.dependencies),
        (
            "optionalDependencies",
            manifest.optional_dependencies,
            root.optional_dependencies,
        ),
        ("peerDependencies", manifest.peer_dependencies, root.peer_dependencies),
        ("devDependencies", manifest.dev_dependencies, root.dev_dependencies),
    ):
        # npm takes what is in both for optional.
        own = {
            name: wanted
            for name, wanted in asked.items()
            if kind != "dependencies" or name not in manifest.optional_dependencies
        }
        if own != locked:
            differ = sorted(
                name for name in own.keys() | locked.keys() if own.get(name) != locked.get(name)
            )
            raise stale(
                path,
                MANIFEST_NAME,
                RELOCK,
                f"its {kind} differ in {', '.join(differ[:5])}",
            )


class _Reached:
    """What can be reached from package.json, with what each package finds."""

    def __init__(self, lock: Path, entries: Mapping[str, _Entry], target: Target) -> None:
        self._lock = lock
        self._entries = entries
        self._target = target
        self.requires: dict[str, tuple[str, ...]] = {}

    def visit(self, location: str, entry: _Entry) -> tuple[str, ...]:
        """Note all that a package needs; returns what it finds for its own dependencies."""
        found: list[str] = []
        waiting = [(location, entry)]
        while waiting:
            at, one = waiting.pop()
            if at in self.requires:
                continue
            self.requires[at] = tuple(sorted(set(self._found(at, one))))
            waiting += [(each, self._entries[each]) for each in self.requires[at]]
        found += self.requires[location]
        return tuple(found)

    def _found(self, location: str, entry: _Entry) -> Iterator[str]:
        optional = set(entry.optional_dependencies)
        optional |= {name for name, meta in entry.peer_dependencies_meta.items() if meta.optional}
        names = {*entry.dependencies, *entry.optional_dependencies, *entry.peer_dependencies}
        for name in sorted(names):
            there = self._look_up(location, name)
            if there is None:
                # A peer that npm did not install was left out on purpose (legacy-peer-deps).
                if name in entry.dependencies and name not in optional:
                    of = location.removeprefix(_FOLDER) or MANIFEST_NAME
                    raise damaged(self._lock, f"{name}, which {of} needs, is not in it")
                continue
            if self._fits(there, self._entries[there]):
                yield there

    def _look_up(self, location: str, name: str) -> str | None:
        folder = location
        while True:
            place = f"{folder}/{_FOLDER}{name}" if folder else f"{_FOLDER}{name}"
            if place in self._entries:
                return place
            if not folder:
                return None
            # To the package that this one lies in: `a/node_modules/@s/b` lies in `a`.
            folder = folder[: folder.rfind(_FOLDER)].rstrip("/") if _FOLDER in folder else ""

    def _fits(self, location: str, entry: _Entry) -> bool:
        wanted = (
            ("os", entry.os, _SYSTEM),
            ("cpu", entry.cpu, self._target.architecture.npm_cpu),
            ("libc", entry.libc, _LIBC),
        )
        wrong = [
            f"{key} {', '.join(_words(said))}" for key, said, own in wanted if not admits(said, own)
        ]
        if not wrong:
            return True
        if entry.optional or entry.dev_optional:
            return False
        raise WideloadError(
            f"{location.removeprefix(_FOLDER)} {entry.version} is not for "
            f"{self._target.runtime} on {self._target.architecture}",
            why=f"it is for {'; '.join(wrong)} only",
            hint="take another package, or set another architecture",
        )


def _words(said: str | Sequence[str]) -> Sequence[str]:
    return (said,) if isinstance(said, str) else said


def admits(said: str | Sequence[str], own: str) -> bool:
    """Whether a list of systems as in package.json, where ``!`` excludes, admits this one."""
    words = _words(said)
    if not words or "any" in words:
        return True
    if f"!{own}" in words:
        return False
    named = [word for word in words if not word.startswith("!")]
    return not named or own in named


def _package(lock: Path, location: str, entry: _Entry, requires: Sequence[str]) -> NpmPackage:
    name = entry.name or location.rpartition(_FOLDER)[2]
    if entry.link or not location.startswith(_FOLDER):
        raise WideloadError(
            f"{name} is linked from a folder",
            why=f"{lock} has it at {entry.resolved or location}, and only packages of a registry, "
            "with a hash, are taken",
            hint="publish it to a registry of your own, or copy it into the function's folder",
        )
    # npm leaves the URL out of the lock where it is told to (omit-lockfile-registry-resolved).
    if entry.resolved and not entry.resolved.startswith(("https://", "http://")):
        raise WideloadError(
            f"{name} cannot be taken from {entry.resolved}",
            why=f"{lock} locks it there, and only packages of a registry are taken",
            hint="publish it to a registry of your own, or copy it into the function's folder",
        )
    if not entry.integrity:
        raise WideloadError(
            f"{name} {entry.version} has no hash in {lock}",
            why="what comes from the network without a hash may be another tomorrow",
            hint=f"take it from a registry, and run `{RELOCK}`",
        )
    return NpmPackage(
        location=location,
        name=name,
        version=entry.version,
        resolved=entry.resolved,
        integrity=entry.integrity,
        requires=tuple(requires),
        optional=entry.optional or entry.dev_optional,
        runs_script=entry.has_install_script,
    )
