"""The order of the ways by what is preferred."""

from __future__ import annotations

import pytest

from wideload.plan.ranking import ORDER, ranked
from wideload.values.function import Merit, Strategy
from wideload.values.merit import ColdStart, Merits, MonthlyCost
from wideload.values.proposal import Proposal, Refusal

# Seconds and dollars.
FIGURES = {
    Strategy.DIRECT_ZIP: (2.0, 0.02),
    Strategy.S3_ZIP: (2.04, 0.0),
    Strategy.LAYERS: (2.0, 0.021),
    Strategy.S3_BOOTSTRAP: (1.4, 0.05),
    Strategy.IMAGE: (1.2, 0.3),
    Strategy.S3_FILES: (9.0, 0.5),
    Strategy.EFS: (7.0, 6.0),
}


def proposal(strategy: Strategy) -> Proposal:
    seconds, dollars = FIGURES[strategy]
    merits = Merits(ColdStart(seconds, "model"), MonthlyCost(dollars, 0, 0, 0))
    return Proposal(strategy, 1, 1, "", merits=merits)


def order(merit: Merit, *refused: Strategy) -> list[Strategy]:
    candidates = [
        Refusal(strategy, 1, 1) if strategy in refused else proposal(strategy)
        for strategy in reversed(Strategy)
    ]
    return [one.strategy for one in ranked(candidates, merit)]


def test_each_strategy_has_its_place() -> None:
    assert sorted(ORDER) == sorted(Strategy)


def test_the_simplest_comes_first() -> None:
    assert order("simple") == list(ORDER)


def test_the_soonest_comes_first_and_of_those_alike_the_simplest() -> None:
    assert order("cold-start") == [
        Strategy.IMAGE,
        Strategy.S3_BOOTSTRAP,
        Strategy.DIRECT_ZIP,
        Strategy.S3_ZIP,
        Strategy.LAYERS,
        Strategy.EFS,
        Strategy.S3_FILES,
    ]


def test_the_cheapest_comes_first_and_of_those_alike_the_simplest() -> None:
    assert order("cheap") == [
        Strategy.S3_ZIP,
        Strategy.DIRECT_ZIP,
        Strategy.LAYERS,
        Strategy.S3_BOOTSTRAP,
        Strategy.IMAGE,
        Strategy.S3_FILES,
        Strategy.EFS,
    ]


@pytest.mark.parametrize("merit", ["simple", "cold-start", "cheap"])
def test_what_is_refused_comes_last_the_simplest_first(merit: Merit) -> None:
    refused = (Strategy.EFS, Strategy.IMAGE, Strategy.DIRECT_ZIP)
    found = order(merit, *refused)
    assert found[-3:] == [Strategy.DIRECT_ZIP, Strategy.IMAGE, Strategy.EFS]
    assert found[:-3] == [one for one in order(merit) if one not in refused]
