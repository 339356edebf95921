"""The order in which a bundle holds its files: that in which the import will want them.

Files are put into groups, each of one wheel and one tier. A group's frames depend on nothing
but the group, so that they are made once; the bundle is the groups one after the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from wideload.build.bundle.owners import source_of
from wideload.build.bundle.units import METADATA

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wideload.values.profile import Profile
    from wideload.values.resolution import Wheel
    from wideload.values.tree import FileEntry

_FIRST, _INIT, _EVENT, _REST, _COLD = range(5)
_NEVER = 1 << 40


class Group(msgspec.Struct, frozen=True):
    """Files whose frames are made together."""

    name: str
    """For people: the distribution's name, or what it holds."""
    entries: tuple[FileEntry, ...]
    is_cold: bool = False
    """Whether it is fetched only when something wants it."""


def arrange(
    entries: Sequence[FileEntry],
    owners: Mapping[str, str],
    units: Mapping[str, str],
    wheels: Mapping[str, Wheel],
    imported: Sequence[str],
    profile: Profile | None,
    cold: frozenset[str] = frozenset(),
) -> tuple[Group, ...]:
    """The groups of a bundle in their order.

    First all metadata, which is small and which any module may ask for. Then, by profile, the
    sub-packages that initialising used, those that events used, and the rest; within each by
    distribution in the order of first use. Without a profile the distributions that the
    handler imports come in that order, each after those that it requires, then the rest. The
    user's own large files come before all of them: his modules may read them at any time. What
    is cold comes last.

    :param imported: top-level names that the handler's module imports, in order.
    :param cold: paths of whole units.
    """
    uses = _uses(profile, units, owners) if profile else _Uses({}, {})
    ranks = (
        {sha256: (at, name) for sha256, (at, name) in uses.wheels.items()}
        if profile
        else _guessed(entries, owners, wheels, imported)
    )

    def tier(entry: FileEntry) -> int:
        if METADATA.fullmatch(entry.path):
            return _FIRST
        if entry.path in cold:
            return _COLD
        if not owners[entry.path] or not profile:
            return _INIT
        return uses.units.get(units[entry.path], (_REST, 0))[0]

    grouped: dict[tuple[int, int, str, str], list[FileEntry]] = {}
    for entry in entries:
        level, owner = tier(entry), owners[entry.path]
        if level == _FIRST:
            key = (level, 0, "metadata", "")
        elif not owner:
            # The handler's module does not run before these are there.
            key = (level, -1, "own", "")
        else:
            wheel = wheels[owner]
            key = (level, ranks.get(owner, (_NEVER, ""))[0], wheel.name, owner)
        grouped.setdefault(key, []).append(entry)
    return tuple(
        Group(
            key[2],
            tuple(sorted(grouped[key], key=lambda entry: _place(entry, uses, units))),
            key[0] == _COLD,
        )
        for key in sorted(grouped)
    )


class _Uses(msgspec.Struct, frozen=True):
    units: dict[str, tuple[int, int]]
    """Tier and place in the profile of a unit's first use."""
    wheels: dict[str, tuple[int, str]]


def _uses(profile: Profile, units: Mapping[str, str], owners: Mapping[str, str]) -> _Uses:
    by_source = {source_of(path): path for path in units}
    found: dict[str, tuple[int, int]] = {}
    wheels: dict[str, tuple[int, str]] = {}
    for at, use in enumerate(profile.entries):
        path = by_source.get(use.path)
        if use.use == "list" or path is None:
            continue
        tier = _INIT if use.phase == "init" else _EVENT
        found[units[path]] = min(found.get(units[path], (tier, at)), (tier, at))
        wheels.setdefault(owners[path], (at, ""))
    return _Uses(found, wheels)


def _guessed(
    entries: Sequence[FileEntry],
    owners: Mapping[str, str],
    wheels: Mapping[str, Wheel],
    imported: Sequence[str],
) -> dict[str, tuple[int, str]]:
    """The wheels that the handler's imports lead to, each after what it requires."""
    providers: dict[str, list[str]] = {}
    for entry in entries:
        top = entry.path.split("/")[0].split(".")[0]
        owner = owners[entry.path]
        if owner and owner not in providers.setdefault(top, []):
            providers[top].append(owner)
    by_name = {wheel.name: wheel.sha256 for wheel in wheels.values()}
    ordered: dict[str, tuple[int, str]] = {}
    entered: set[str] = set()

    def visit(sha256: str) -> None:
        if sha256 in entered:
            return
        entered.add(sha256)
        for name in wheels[sha256].required_names:
            if name in by_name:
                visit(by_name[name])
        ordered[sha256] = (len(ordered), wheels[sha256].name)

    for name in imported:
        # What the runtime carries is not in the tree, but what it requires may be.
        carried = [by_name[name]] if name in by_name else []
        for sha256 in providers.get(name, carried):
            visit(sha256)
    return ordered


def _place(
    entry: FileEntry, uses: _Uses, units: Mapping[str, str]
) -> tuple[int, int, int, str, int, str]:
    """Where in its group a file stands: its unit's first use, else shared libraries and the
    packages nearest to the root first; in a unit compiled modules, then the others."""
    unit = units[entry.path]
    is_library = ".libs" in unit and unit.endswith(".libs")
    kind = 0 if entry.path.endswith(".so") or ".so." in entry.path else 1
    first_use = uses.units.get(unit, (_REST, _NEVER))[1]
    return (0 if is_library else 1, first_use, unit.count("/"), unit, kind, entry.path)
