"""Who needs whom, for the target: extras and markers worked out."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wideload.values.target import Target


def parse_wishes(lines: Iterable[str], target: Target) -> tuple[Requirement, ...]:
    """PEP 508 lines as requirements, without those whose marker the target does not meet."""
    found = []
    for line in lines:
        requirement = Requirement(line)
        if requirement.marker and not requirement.marker.evaluate(
            {**target.marker_environment(), "extra": ""}
        ):
            continue
        requirement.marker = None
        found.append(requirement)
    return tuple(found)


def edges(
    roots: Iterable[Requirement], requires: Mapping[str, Iterable[str]], target: Target
) -> dict[str, tuple[str, ...]]:
    """For each package, its requirements that hold for the target, without markers.

    :param roots: what the user asked for, with extras.
    :param requires: ``Requires-Dist`` lines by normalised name.
    """
    environment = target.marker_environment()
    extras: dict[str, set[str]] = {name: set() for name in requires}
    found: dict[str, dict[str, None]] = {name: {} for name in requires}
    parsed = {name: list(_parse(lines)) for name, lines in requires.items()}
    queue: deque[tuple[str, str]] = deque((name, "") for name in requires)
    for root in roots:
        name = str(canonicalize_name(root.name))
        for extra in sorted(root.extras):
            queue.append((name, extra))
    while queue:
        name, extra = queue.popleft()
        for requirement in parsed.get(name, ()):
            marker = requirement.marker
            if marker and not marker.evaluate({**environment, "extra": extra}):
                continue
            child = str(canonicalize_name(requirement.name))
            if child not in requires:
                continue
            bare = Requirement(str(requirement))
            bare.marker = None
            found[name][str(bare)] = None
            for wanted in sorted(bare.extras):
                if wanted not in extras[child]:
                    extras[child].add(wanted)
                    queue.append((child, wanted))
    return {name: tuple(sorted(lines)) for name, lines in found.items()}


def _parse(lines: Iterable[str]) -> Iterable[Requirement]:
    for line in lines:
        try:
            yield Requirement(line)
        except InvalidRequirement:
            # Old metadata that no resolver reads either: it adds no edge.
            continue
