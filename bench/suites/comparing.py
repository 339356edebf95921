"""Holds the outcomes of one side to those of another, test by test."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from suites.running import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

ABSENT = "absent"
"""The outcome of a test that only the other side has."""


class Difference(msgspec.Struct, frozen=True, order=True):
    """A test with another outcome than unslimmed."""

    id: str
    raw: str
    slimmed: str
    raw_message: str = ""
    slimmed_message: str = ""


def compare(raw: Mapping[str, Outcome], slimmed: Mapping[str, Outcome]) -> list[Difference]:
    """Every test whose outcomes differ, and every test that only one side has."""
    return sorted(
        Difference(test, before.outcome, after.outcome, before.message, after.message)
        for test in raw.keys() | slimmed.keys()
        if (before := raw.get(test, Outcome(test, ABSENT))).outcome
        != (after := slimmed.get(test, Outcome(test, ABSENT))).outcome
    )


def tally(outcomes: Mapping[str, Outcome]) -> dict[str, int]:
    """How many tests had which outcome; what was not even collected apart."""
    return dict(sorted(Counter(one.outcome for one in outcomes.values()).items()))
