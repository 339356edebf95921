"""Laws of the planner: what it proposes meets every limit, what it refuses breaks one."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from made_values import attached_of, resolution_of, slimmed_of
from wideload.plan.planner import propose
from wideload.values.function import Strategy
from wideload.values.proposal import Plan, Proposal

ZIPPED_QUOTA = 52_428_800
UNZIPPED_QUOTA = 262_144_000
REQUEST_QUOTA = 69_905_067


def near(*edges: int) -> st.SearchStrategy[int]:
    """Sizes of any order, and many about the edges."""
    about = [st.integers(edge - 20, edge + 20) for edge in edges]
    return st.one_of(st.integers(200, 600_000_000), *about)


ZIPPED = near(ZIPPED_QUOTA)
UNZIPPED = near(UNZIPPED_QUOTA)
LAYERS = st.one_of(st.just(0), near(UNZIPPED_QUOTA))
WANTED = st.sampled_from([None, *Strategy])


def fits(strategy: Strategy, zipped: int, unzipped: int, layers: int) -> bool:
    """The limits as AWS's documents say them, without wideload's own functions."""
    if unzipped + layers > UNZIPPED_QUOTA:
        return False
    if strategy is not Strategy.DIRECT_ZIP:
        return True
    body = len('{"ZipFile": ""}') + 1 + 4 * math.ceil(zipped / 3)
    return zipped <= ZIPPED_QUOTA and body < REQUEST_QUOTA


def plan_of(zipped: int, unzipped: int, layers: int, wanted: Strategy | None) -> Plan:
    return propose(
        "shop",
        resolution_of(),
        slimmed_of(zipped, unzipped),
        wanted=wanted or "auto",
        attached=[attached_of(layers)] if layers else [],
    )


@given(ZIPPED, UNZIPPED, LAYERS, WANTED)
def test_a_way_is_proposed_exactly_when_it_meets_every_limit(
    zipped: int, unzipped: int, layers: int, wanted: Strategy | None
) -> None:
    plan = plan_of(zipped, unzipped, layers, wanted)
    for candidate in plan.candidates:
        if candidate.strategy not in (Strategy.DIRECT_ZIP, Strategy.S3_ZIP, Strategy.LAYERS):
            # Weighed by other sizes; here is nothing to bundle or to mount, and no base.
            assert not isinstance(candidate, Proposal)
            continue
        feasible = fits(candidate.strategy, zipped, unzipped, layers)
        assert isinstance(candidate, Proposal) is feasible
        assert (candidate.zipped_bytes, candidate.unzipped_bytes) == (zipped, unzipped)
        if not isinstance(candidate, Proposal):
            assert candidate.limits
            assert all(limit.actual > limit.allowed - 1 for limit in candidate.limits)
            assert all(": " in limit.aws_error for limit in candidate.limits)


@given(ZIPPED, UNZIPPED, LAYERS, WANTED)
def test_the_choice_is_the_first_that_works_and_is_wanted(
    zipped: int, unzipped: int, layers: int, wanted: Strategy | None
) -> None:
    plan = plan_of(zipped, unzipped, layers, wanted)
    working = [
        one.strategy
        for one in plan.candidates
        if isinstance(one, Proposal) and wanted in (None, one.strategy)
    ]
    assert plan.choice == (working[0] if working else None)
    if plan.chosen:
        assert plan.chosen.strategy is plan.choice


@given(ZIPPED, UNZIPPED, st.integers(1, 1000))
def test_what_is_smaller_is_never_refused_where_the_bigger_is_not(
    zipped: int, unzipped: int, less: int
) -> None:
    bigger = plan_of(zipped, unzipped, 0, None)
    smaller = plan_of(max(200, zipped - less), max(0, unzipped - less), 0, None)
    for one, other in zip(bigger.candidates, smaller.candidates, strict=True):
        assert not isinstance(one, Proposal) or isinstance(other, Proposal)
