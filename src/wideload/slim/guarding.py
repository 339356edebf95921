"""Refuses a package of which a library cannot load on the target, before it is uploaded.

What is sure to fail refuses: a library for a later glibc, for another machine, for musl, cut
off. What may be meant so is told: wheels carry plugins for libraries that are not there
(CUDA, X11, ODBC) and that nobody may ever load. Files of the user's own were put there for
the function, so there a library that is lacking refuses as well, save within packages that
an installer put into the folder. ``docs/decisions`` tells why.
"""

from __future__ import annotations

import posixpath
from collections import Counter
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import msgspec

from wideload.errors import WideloadError
from wideload.slim.elf.facts import facts_of_own, facts_of_wheels
from wideload.slim.elf.guard import GLIBC, Problem, Surroundings, judge, names_a_system
from wideload.values.target import Target
from wideload.values.tree import LocalFile, WheelMember

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from wideload.cache import Cache
    from wideload.slim.elf.guard import Facts
    from wideload.values.resolution import Resolution, Wheel
    from wideload.values.tree import FileTree

_NAMED = 3
"""How many files a message names before it counts the rest."""


class Layers(msgspec.Struct, frozen=True):
    """What layers made by others bring."""

    libraries: tuple[str, ...] = ()
    """Names of the files in their folder lib/."""
    known: bool = True
    """Whether these are all: otherwise nothing that a layer might bring refuses."""


class Guarded(msgspec.Struct, frozen=True):
    """That nothing refuses, as far as is known."""

    notes: tuple[str, ...] = ()
    """What is to be told, lines for a person."""
    complete: bool = True
    """Whether every wheel was read, now or before."""


class _Found(msgspec.Struct, frozen=True):
    problem: Problem
    package: str
    """``name version``; empty for files of the user's own."""


def guard(
    resolution: Resolution,
    tree: FileTree,
    cache: Cache,
    paths: Mapping[str, Path] | None = None,
    *,
    layers: Layers | None = None,
    allowed: Sequence[str] = (),
) -> Guarded:
    """Judge every ELF file that would ship.

    :param tree: what would ship, slimmed or not.
    :param paths: where the wheels lie, by sha256. Without them only what is known of wheels
        from an earlier time is judged.
    :param allowed: shell patterns of paths that are packed all the same.
    :raises WideloadError: a file is sure not to load.
    """
    wheels = _shipped(resolution, tree)
    facts = facts_of_wheels(wheels, cache, paths)
    named: dict[str, tuple[str, Facts]] = {}
    # In the order in which they are laid over each other: the last one's file is the one.
    for wheel in sorted(wheels, key=lambda wheel: wheel.name):
        for one in facts.get(wheel.sha256, ()):
            if one.facts is not None:
                named[one.path] = (f"{wheel.name} {wheel.version}", one.facts)
    for entry in tree:
        if isinstance(entry.origin, LocalFile):
            named.pop(entry.path, None)
            own = facts_of_own(entry, cache)
            if own is not None:
                named[entry.path] = ("", own)
    complete = len(facts) == len(wheels)
    if not named:
        return Guarded(complete=complete)
    layers = layers or Layers()
    shipped = tree.by_path
    around = Surroundings.of(shipped, layers.libraries)
    installed = _installed(shipped)
    refused: list[_Found] = []
    told: list[_Found] = []
    for path, (package, known) in sorted(named.items()):
        if path not in shipped:
            continue
        for problem in judge(known, path, resolution.target, around):
            is_own = not package and not _inside(path, installed)
            sure = _refuses(problem, around, is_wheels=bool(package), is_own=is_own, layers=layers)
            permitted = any(fnmatchcase(path, pattern) for pattern in allowed)
            (refused if sure and not permitted else told).append(_Found(problem, package))
    if refused:
        raise _refusal(refused, resolution.target)
    return Guarded(_notes(told), complete)


def _shipped(resolution: Resolution, tree: FileTree) -> tuple[Wheel, ...]:
    """The wheels of which something ships: of each at least its metadata, as it is."""
    digests = {entry.origin.wheel for entry in tree if isinstance(entry.origin, WheelMember)}
    return tuple(wheel for wheel in resolution.wheels if wheel.sha256 in digests)


def _installed(paths: Iterable[str]) -> frozenset[str]:
    """Folders into which an installer put packages."""
    return frozenset(
        posixpath.dirname(posixpath.dirname(path))
        for path in paths
        if path.endswith(".dist-info/METADATA")
    )


def _inside(path: str, folders: Collection[str]) -> bool:
    """Whether a file is of a package in one of these folders; a file at the root is not."""
    while path := posixpath.dirname(path):
        if posixpath.dirname(path) in folders:
            return True
    return False


def _refuses(
    problem: Problem, around: Surroundings, *, is_wheels: bool, is_own: bool, layers: Layers
) -> bool:
    if problem.kind == "python" and is_wheels:
        return False  # Faster code for other Pythons: its package goes on without it.
    if problem.library and problem.library not in GLIBC and not layers.known:
        return False
    if problem.refuses:
        return True
    elsewhere = problem.library in around.names or names_a_system(problem.path)
    return is_own and problem.kind != "python" and not elsewhere


def _refusal(refused: Sequence[_Found], target: Target) -> WideloadError:
    packages = Counter(one.package for one in refused)
    first = next((one for one in refused if one.package), refused[0])
    name = first.package or first.problem.path
    others = len(packages) - 1 if first.package else 0
    more = f" and {others} more" if others else ""
    lines = [
        f"{one.problem.path}{f' of {one.package}' if one.package else ''}: {one.problem.what}"
        for one in refused[:_NAMED]
    ]
    if len(refused) > _NAMED:
        lines.append(f"{len(refused) - _NAMED} more files")
    return WideloadError(
        f"{name}{more} cannot be loaded on {target.runtime}, {target.architecture}",
        why="; ".join(lines),
        hint=_hint(first, target),
    )


def _hint(found: _Found, target: Target) -> str:
    problem = found.problem
    package = found.package.partition(" ")[0]
    allow = f'; where nothing ever loads it, write allow_unloadable = ["{problem.path}"]'
    source = f"another release of {package}" if package else "a file"
    if problem.kind == "version":
        major, minor = target.glibc
        runtime = _later(target)
        ways = f"take {source} made for glibc {major}.{minor} or older"
        return f"{ways}{f', or runtime = {runtime!r}' if runtime else ''}{allow}"
    if problem.kind == "library":
        return f"pack {problem.library} in a folder of its RPATH, or attach a layer with it{allow}"
    if problem.kind == "damaged":
        return f"put a whole file in its place{allow}"
    python = f"Python {target.python_version} on " if problem.kind == "python" else ""
    return f"take {source} made for {python}{target.architecture} Linux with glibc{allow}"


def _later(target: Target) -> str:
    """The next runtime with a newer glibc, if there is one."""
    for runtime in Target.known_runtimes():
        other = Target.parse(runtime, target.architecture)
        if other.family is target.family and other.glibc > target.glibc:
            return runtime
    return ""


def _notes(told: Sequence[_Found]) -> tuple[str, ...]:
    """One line for all libraries that are lacking, one a file for the rest."""
    lacking: dict[str, list[str]] = {}
    for one in told:
        if one.problem.kind == "library":
            lacking.setdefault(one.problem.path, []).append(one.problem.library)
    notes = []
    if lacking:
        names = "; ".join(
            f"{path} ({_some(libraries)})" for path, libraries in list(lacking.items())[:_NAMED]
        )
        more = f" and {len(lacking) - _NAMED} more" if len(lacking) > _NAMED else ""
        notes.append(f"would fail if loaded, for libraries that are not there: {names}{more}")
    rest = [one.problem for one in told if one.problem.kind != "library"]
    notes += [f"would fail if loaded: {one.path} {one.what}" for one in rest[:_NAMED]]
    if len(rest) > _NAMED:
        notes.append(f"would fail if loaded: {len(rest) - _NAMED} more files")
    return tuple(notes)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"
