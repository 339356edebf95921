"""The ways to ship, put into order by what the user prefers. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from wideload.values.function import Merit, Strategy
from wideload.values.proposal import Proposal, Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable

ORDER = (
    Strategy.DIRECT_ZIP,
    Strategy.S3_ZIP,
    Strategy.LAYERS,
    Strategy.S3_BOOTSTRAP,
    Strategy.IMAGE,
    Strategy.S3_FILES,
    Strategy.EFS,
)
"""Every way, the simplest first: by how many things it needs besides the function that have to be
made, paid and looked after. A bucket; layers in it; a loader that fetches from it; a registry, and
a base that somebody has to renew; a VPC and a file system; the same, and a function that fills
it."""
_CENT = 0.01
_TENTH = 0.1


def ranked(
    candidates: Iterable[Proposal | Refusal], merit: Merit
) -> tuple[Proposal | Refusal, ...]:
    """First what works, the best first; then what does not, the simplest first.

    Seconds are compared in tenths and dollars in cents: of ways that are alike so the simpler
    comes first.
    """
    found = sorted(candidates, key=lambda one: ORDER.index(one.strategy))
    return tuple(sorted(found, key=lambda one: _place(one, merit)))


def _place(candidate: Proposal | Refusal, merit: Merit) -> tuple[bool, int]:
    merits = candidate.merits
    if isinstance(candidate, Refusal) or merits is None:
        return isinstance(candidate, Refusal), 0
    match merit:
        case "simple":
            return False, 0
        case "cold-start":
            return False, round(merits.cold_start.seconds / _TENTH)
        case "cheap":
            return False, round(merits.cost.dollars / _CENT)
        case _:
            assert_never(merit)
