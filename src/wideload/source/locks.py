"""What the readers of locks share: selection for the target, hashes, refusals."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec
from packaging.markers import InvalidMarker, Marker, UndefinedEnvironmentName
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from wideload.errors import WideloadError
from wideload.source.nearest import nearest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    from wideload.values.function import LockedPackage
    from wideload.values.target import Target

_SHA256 = re.compile(r"[0-9a-f]{64}")
# Lambda moves the patch version by itself; no Python has had as many.
_PATCHES = range(100)


class Selection(msgspec.Struct, frozen=True):
    """What of a lock is wanted."""

    target: Target
    groups: tuple[str, ...] = ()
    """Dependency groups besides the main one."""
    extras: tuple[str, ...] = ()

    def admits(self, marker: str, lock: Path) -> bool:
        """Whether a PEP 508 marker, in which `extra` is one of the extras, holds.

        :raises WideloadError: it is no marker.
        """
        environment = self.target.marker_environment()
        try:
            parsed = Marker(marker)
            return any(
                parsed.evaluate({**environment, "extra": extra}) for extra in self.extras or ("",)
            )
        except (InvalidMarker, UndefinedEnvironmentName) as error:
            raise damaged(lock, f"bad marker {marker!r}: {error}") from None

    def check_known(self, lock: Path, groups: Iterable[str], extras: Iterable[str]) -> None:
        """Refuse a group or extra that the lock does not have.

        :raises WideloadError: naming it and those that there are.
        """
        for kind, wanted, known in (
            ("group", self.groups, sorted(groups)),
            ("extra", self.extras, sorted(extras)),
        ):
            canonical = {canonicalize_name(name) for name in known}
            for name in wanted:
                if canonicalize_name(name) not in canonical:
                    guess = nearest(name, known)
                    raise WideloadError(
                        f"unknown {kind} {name!r}",
                        why=f"{lock} has {', '.join(known) or f'no {kind}s'}",
                        hint=f"did you mean {guess!r}?" if guess else f"remove it from {kind}s",
                    )


def check_python(lock: Path, specifier: str, target: Target, relock: str) -> None:
    """Refuse a lock, or a package of one, that is not for the target's Python.

    Any patch version will do.

    :param relock: what makes a lock that is, for the hint.
    :raises WideloadError: it is for other versions.
    """
    try:
        parsed = SpecifierSet(_pep440(specifier))
    except InvalidSpecifier:
        raise damaged(lock, f"bad Python versions {specifier!r}") from None
    if not any(parsed.contains(f"{target.python_version}.{patch}") for patch in _PATCHES):
        raise WideloadError(
            f"{lock} is not for {target.runtime}",
            why=f"it is for Python {specifier}",
            hint=f"set another runtime, or widen the versions and run `{relock}`",
        )


def _pep440(specifier: str) -> str:
    """Poetry's ``^3.11``, ``~3.11`` and ``*`` as PEP 440 writes them."""
    parts = []
    for part in (each.strip() for each in specifier.split(",")):
        match = re.fullmatch(r"([~^])\s*(\d+)(?:\.(\d+))?((?:\.\d+)*)", part)
        if match:
            sign, major, minor, rest = match.groups()
            version = f"{major}.{minor or 0}{rest}"
            narrow = sign == "~" and minor
            above = f"{major}.{int(minor) + 1}" if narrow else str(int(major) + 1)
            parts.append(f">={version},<{above}")
        elif part != "*":
            parts.append(part)
    return ",".join(parts)


def sha256_of(hashes: Mapping[str, object], lock: Path, what: str) -> str:
    """The sha256 among the hashes of a file, by algorithm.

    :raises WideloadError: there is none, or it is malformed.
    """
    found = hashes.get("sha256")
    if found is None:
        raise WideloadError(
            f"{what} has no sha256 in {lock}",
            why=f"its hashes are {', '.join(sorted(hashes)) or 'none'}, and only sha256 is checked",
            hint="lock it from an index that gives sha256",
        )
    if not isinstance(found, str) or not _SHA256.fullmatch(found.lower()):
        raise damaged(lock, f"bad sha256 {found!r} of {what}")
    return found.lower()


def refused(lock: Path, package: str, source: str) -> WideloadError:
    """The error for a package from a place that cannot be fetched and checked."""
    return WideloadError(
        f"{package} cannot be taken from {source}",
        why=f"{lock} locks it there, and only files with a hash and folders are taken",
        hint=f"build a wheel of {package}, put it on an index or in the project, and lock that",
    )


def stale(lock: Path, against: str, relock: str, why: str = "") -> WideloadError:
    """The error for a lock that no longer fits what it was made from."""
    return WideloadError(
        f"{lock} does not fit {against} any more",
        why=why or f"{against} was changed since it was locked",
        hint=f"run `{relock}`",
    )


def damaged(lock: Path, why: str) -> WideloadError:
    """The error for a lock that is not as its tool writes it."""
    return WideloadError(f"{lock} is damaged", why=why, hint="make the lock anew with its tool")


def local_folder(lock: Path, package: str, path: str, subdirectory: str = "") -> str:
    """The absolute path of a folder that a lock names.

    :raises WideloadError: it is not there.
    """
    folder = (lock.parent / path / subdirectory).resolve()
    if not folder.is_dir():
        raise WideloadError(
            f"the folder of {package} is missing",
            why=f"{lock} locks it at {path}, which is {folder}",
            hint="put it there, or lock again",
        )
    return str(folder)


def unique(packages: Iterable[LockedPackage], lock: Path) -> tuple[LockedPackage, ...]:
    """The packages by name, each once.

    :raises WideloadError: two of one name are chosen for the target.
    """
    by_name: dict[str, LockedPackage] = {}
    for package in packages:
        other = by_name.setdefault(package.name, package)
        if other is not package:
            raise WideloadError(
                f"{lock} gives {package.name} twice for this target",
                why=f"{other.version} and {package.version} both fit",
                hint="choose groups and extras that do not conflict",
            )
    return tuple(by_name[name] for name in sorted(by_name))


def only_selected(names: Iterable[str], selected: Collection[str]) -> tuple[str, ...]:
    """Those names, normalised, that are selected; sorted, each once."""
    return tuple(sorted({canonicalize_name(name) for name in names} & set(selected)))
