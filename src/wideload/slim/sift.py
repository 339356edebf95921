"""Sifts the files of each wheel by the rules: what stays, what goes and why. Makes nothing."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import msgspec

from wideload.slim.asked import asked_for
from wideload.slim.compilers import brings_compiler
from wideload.slim.ledger import removed
from wideload.slim.rules import docs, tests
from wideload.slim.rules.order import RULES
from wideload.slim.rules.rule import Asked, Risk, Subject
from wideload.slim.runtime import SDK
from wideload.slim.sources_kept import sources_kept
from wideload.slim.survey import Survey
from wideload.values.proposal import Removal
from wideload.values.resolution import Wheel
from wideload.values.tree import FileEntry, FileTree, WheelMember

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_WRAPS_SDK = SDK | {"aioboto3", "aiobotocore", "moto"}
"""Distributions that hand the names of services on; who calls them names these."""


class Sifted(msgspec.Struct, frozen=True):
    """What stays of one wheel."""

    wheel: Wheel
    entries: tuple[FileEntry, ...]
    """Sorted by path."""
    stay: dict[str, str]
    """Sources that stay as text even where others do not, and why."""
    untouched: frozenset[str] = frozenset()
    """Paths that the configuration keeps as they are."""


class Sieve(msgspec.Struct, frozen=True):
    """What stays of all wheels, and the account of what went."""

    wheels: tuple[Sifted, ...]
    own: tuple[FileEntry, ...]
    removals: tuple[Removal, ...]
    notes: tuple[str, ...]
    paths: frozenset[str]
    """Of all that stays, the function's own files as well."""


def _by_wheel(tree: FileTree) -> tuple[dict[str, list[FileEntry]], tuple[FileEntry, ...]]:
    groups: dict[str, list[FileEntry]] = {}
    own: list[FileEntry] = []
    for entry in tree:
        if isinstance(entry.origin, WheelMember):
            groups.setdefault(entry.origin.wheel, []).append(entry)
        else:
            own.append(entry)
    return groups, tuple(own)


def _asked(
    tree: FileTree,
    groups: Mapping[str, list[FileEntry]],
    wheels: Sequence[Wheel],
    surveys: Mapping[str, Survey],
    own: Survey,
) -> Asked:
    candidates: dict[str, str] = {}
    for wheel in wheels:
        paths = [entry.path for entry in groups.get(wheel.sha256, ())]
        candidates |= docs.candidates(paths, wheel.name)
        candidates |= tests.candidates(paths, surveys[wheel.sha256])
    callers = [own, *(surveys[wheel.sha256] for wheel in wheels if wheel.name not in _WRAPS_SDK)]
    sources = [entry.path for entry in tree if entry.path.endswith(".py")]
    compilers = (wheel.name for wheel in wheels if brings_compiler(wheel.name))
    return asked_for(
        [own, *surveys.values()],
        candidates,
        sources=sources,
        sdk=callers,
        # The function's own files may read headers of any package.
        compiler=next(iter((*compilers, *own.headers)), ""),
    )


def _matches(path: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(path, pattern) for pattern in patterns)


def _dropped(subject: Subject, keep: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Rule and reason by path."""
    gone: dict[str, tuple[str, str]] = {}
    # Where code cannot be read, that it asks for nothing is not known either.
    opaque = subject.survey.opaque(subject.asked.sources)
    for rule in RULES:
        if opaque and rule.risk is not Risk.SAFE:
            continue
        for drop in rule.find(subject):
            if drop.path not in gone and not _matches(drop.path, keep):
                gone[drop.path] = (rule.name, drop.reason)
    return gone


def sift(
    tree: FileTree,
    wheels: Sequence[Wheel],
    surveys: Mapping[str, Survey],
    own_survey: Survey,
    keep: Sequence[str] = (),
) -> Sieve:
    """Apply all rules to a raw tree.

    :param wheels: all that files of the tree are of.
    :param surveys: of each wheel, by sha256; an empty one where it was not fetched yet.
    :param keep: shell patterns of paths that no rule touches.
    """
    groups, own = _by_wheel(tree)
    asked = _asked(tree, groups, wheels, surveys, own_survey)
    kept: dict[str, list[FileEntry]] = {}
    removals: list[Removal] = []
    for wheel in wheels:
        entries = groups.get(wheel.sha256, [])
        subject = Subject(
            wheel.name, tuple(entry.path for entry in entries), surveys[wheel.sha256], asked
        )
        gone = _dropped(subject, keep)
        removals += [
            removed(entry, *gone[entry.path], wheel.name) for entry in entries if entry.path in gone
        ]
        kept[wheel.sha256] = [entry for entry in entries if entry.path not in gone]
    paths = frozenset(entry.path for group in kept.values() for entry in group)
    paths |= {entry.path for entry in own}
    sifted = []
    for wheel in wheels:
        entries = kept[wheel.sha256]
        names = tuple(entry.path for entry in entries)
        stay = sources_kept(Subject(wheel.name, names, surveys[wheel.sha256], asked), paths)
        untouched = frozenset(name for name in names if _matches(name, keep))
        stay |= dict.fromkeys(untouched, "the configuration keeps it")
        sifted.append(Sifted(wheel, tuple(entries), stay, untouched))
    packs_sdk = any(wheel.name == "botocore" for wheel in wheels)
    notes = []
    if packs_sdk and asked.services_unknown:
        notes.append(
            "all AWS services of the SDK are packed: the service that "
            f"{asked.services_unknown} asks for cannot be told"
        )
    return Sieve(tuple(sifted), own, tuple(removals), tuple(notes), paths)
