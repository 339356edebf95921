"""Outcomes are held to each other test by test."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from suites.comparing import ABSENT, Difference, compare, tally
from suites.running import Outcome

OUTCOMES = st.dictionaries(
    st.sampled_from([f"shelf/tests/test_books.py::test_{letter}" for letter in "abcdef"]),
    st.sampled_from(["passed", "failed", "skipped", "crashed"]),
)


def of(outcomes: dict[str, str]) -> dict[str, Outcome]:
    return {test: Outcome(test, outcome) for test, outcome in outcomes.items()}


def test_the_same_outcomes_are_no_difference_whatever_was_said() -> None:
    raw = {"a": Outcome("a", "failed", "in 1.1 s")}
    assert compare(raw, {"a": Outcome("a", "failed", "in 1.2 s")}) == []


def test_another_outcome_is_told_with_both_messages() -> None:
    raw = {"a": Outcome("a", "passed"), "b": Outcome("b", "skipped", "no compiler")}
    slimmed = {"a": Outcome("a", "failed", "no such file"), "b": Outcome("b", "skipped")}
    assert compare(raw, slimmed) == [Difference("a", "passed", "failed", "", "no such file")]


def test_a_test_that_vanished_is_a_difference() -> None:
    assert compare(of({"a": "passed"}), {}) == [Difference("a", "passed", ABSENT)]
    assert compare({}, of({"a": "passed"})) == [Difference("a", ABSENT, "passed")]


@given(OUTCOMES, OUTCOMES)
def test_nothing_is_lost_between_the_counts_and_the_differences(
    raw: dict[str, str], slimmed: dict[str, str]
) -> None:
    found = compare(of(raw), of(slimmed))
    assert (found == []) == (raw == slimmed)
    assert sum(tally(of(raw)).values()) == len(raw)
    # Whoever takes the differences back has the unslimmed outcomes again.
    taken_back = slimmed | {one.id: one.raw for one in found}
    assert {test: each for test, each in taken_back.items() if each != ABSENT} == raw
