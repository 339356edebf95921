"""The table of the ways, on terminals narrow and wide, and what its estimates rest on."""

from __future__ import annotations

import io

import msgspec
import pytest
from rich.console import Console

from made_values import AL2023, resolution_of, slimmed_of
from wideload.plan.planner import propose
from wideload.report.plan import plan_json
from wideload.report.ways import WIDE, WaysTable, basis_notes, merits_json
from wideload.values.function import Merit, Strategy
from wideload.values.image import ImageEstimate
from wideload.values.merit import MEASURED_SCHEMA, ColdStart, Measured, Merits, MonthlyCost
from wideload.values.mount import MountEstimate
from wideload.values.proposal import Plan

IMAGE = ImageEstimate("registry.example/python:3.13", 600_000_000, 9_000_000, 3_000_000, 7)
MOUNT = MountEstimate(500, 900, 50_000_000, 300_000_000, 4000, ("subnets",))


def plan_of(prefer: Merit = "simple", **seconds: float) -> Plan:
    ways = {name.replace("_", "-"): value for name, value in seconds.items()}
    measured = (
        Measured(MEASURED_SCHEMA, AL2023, 1024, "safe", "all", (), ways, {}) if ways else None
    )
    return propose(
        "shop",
        resolution_of(),
        slimmed_of(60_000_000, 200_000_000),
        image=IMAGE,
        mount=MOUNT,
        prefer=prefer,
        measured=measured,
    )


def drawn(plan: Plan, width: int) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=width, color_system=None).print(WaysTable(plan), *basis_notes(plan))
    return out.getvalue().splitlines()


def rows(lines: list[str], strategy: str) -> list[str]:
    return [line for line in lines if strategy in line.split()[:2]]


@pytest.mark.parametrize("width", [60, 80, WIDE - 1])
def test_where_it_is_narrow_the_reasons_stand_below(width: int) -> None:
    lines = drawn(plan_of(), width)
    assert max(len(line) for line in lines) <= width
    for strategy in Strategy:
        figures, reason = rows(lines, strategy.value)
        assert figures.split()[0] in "→✓✗"
        assert reason.startswith(strategy.value)
    # No word of a reason is lost, nor broken.
    text = " ".join(" ".join(lines).split())
    assert "Request must be smaller than 69905067 bytes for the UpdateFunctionCode" in text


@pytest.mark.parametrize("width", [WIDE, 120, 200])
def test_where_it_is_wide_they_stand_beside(width: int) -> None:
    lines = drawn(plan_of(), width)
    assert max(len(line) for line in lines) <= width
    assert next(line.split()[-1] for line in lines if line.strip()) == "why"
    for strategy in Strategy:
        (row,) = rows(lines, strategy.value)
        assert len(row.split()) > 6 or strategy is Strategy.DIRECT_ZIP


def test_estimates_are_marked_and_what_was_measured_is_not() -> None:
    (row,) = rows(drawn(plan_of(), 200), "s3-zip")
    assert "~0.08 s" in row
    lines = drawn(plan_of(plain=2.167), 200)
    (row,) = rows(lines, "s3-zip")
    assert " 2.17 s" in row
    assert "~2.1" not in row
    (row,) = rows(lines, "image")
    assert "~2.2 s" in row
    text = "\n".join(lines)
    assert "without ~ measured by `wideload bench`" in text
    assert "with ~ estimated from these" in text


@pytest.mark.parametrize(("seconds", "told"), [(8.0, False), (11.0, True)])
def test_a_start_that_is_longer_than_an_init(seconds: float, told: bool) -> None:
    text = " ".join(" ".join(drawn(plan_of(s3_zip=seconds), 200)).split())
    assert ("takes longer than the 10 s of an init" in text) is told
    assert ("by s3-zip, layers" in text) is told


def test_of_what_a_quota_refuses_nothing_is_estimated() -> None:
    (row,) = rows(drawn(plan_of(), 200), "direct-zip")
    assert "$" not in row
    assert merits_json(None) == {"cold_start": None, "cost": None}


@pytest.mark.parametrize(
    ("prefer", "words"),
    [
        ("simple", 'the simplest; prefer = "cold-start" or "cheap"'),
        ("cold-start", 'the soonest start, as prefer = "cold-start" wants'),
        ("cheap", 'the least a month, as prefer = "cheap" wants'),
    ],
)
def test_by_what_they_are_in_order_is_told(prefer: Merit, words: str) -> None:
    plan = plan_of(prefer)
    assert words in "\n".join(drawn(plan, 200))
    assert plan_json(plan)["prefer"] == prefer


@pytest.mark.parametrize(
    ("dollars", "text"), [(0, "<$0.01"), (0.01, "~$0.01"), (6.4, "~$6.40"), (1234.5, "~$1,234.50")]
)
def test_dollars(dollars: float, text: str) -> None:
    plan = plan_of()
    merits = Merits(ColdStart(12.0, "model"), MonthlyCost(dollars, 0, 0, 0))
    found = tuple(
        msgspec.structs.replace(one, merits=merits) if one.strategy is Strategy.EFS else one
        for one in plan.candidates
    )
    (row,) = rows(drawn(msgspec.structs.replace(plan, candidates=found), 200), "efs")
    assert text in row.split()
    assert "~12" in row.split()


def test_estimates_in_json_say_what_they_rest_on() -> None:
    found = merits_json(
        Merits(
            ColdStart(1.83949, "corrected", {"runtime": 0.081, "import": 1.75849}),
            MonthlyCost(0.5, 0.25, 0.125, 32.85),
        )
    )
    assert found["cold_start"] == {
        "seconds": 1.839,
        "basis": "corrected",
        "parts": {"runtime": 0.081, "import": 1.758},
    }
    assert found["cost"].pop("basis").startswith("1000 cold starts a month; prices of us-east-1")
    assert found["cost"] == {
        "dollars_a_month": 33.725,
        "storage": 0.5,
        "requests": 0.25,
        "cold_starts": 0.125,
        "network": 32.85,
    }
