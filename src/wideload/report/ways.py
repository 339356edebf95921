"""The ways to ship a function side by side, with what is estimated of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from rich import box
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from wideload import limits, prices
from wideload.report.sizes import human
from wideload.values.merit import STARTS_A_MONTH
from wideload.values.proposal import Proposal, Refusal

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

    from wideload.values.function import Merit
    from wideload.values.merit import Merits
    from wideload.values.proposal import Plan

WIDE = 100
"""Columns of a terminal from which on the reasons stand beside the figures."""


_ORDERS: dict[Merit, str] = {
    "simple": 'the simplest; prefer = "cold-start" or "cheap" puts them otherwise',
    "cold-start": 'the soonest start, as prefer = "cold-start" wants',
    "cheap": 'the least a month, as prefer = "cheap" wants',
}


class WaysTable(msgspec.Struct, frozen=True):
    """Every way with its figures and reasons: beside each other, or below where it is narrow."""

    plan: Plan

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """What rich draws."""
        wide = options.max_width >= WIDE
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        table.add_column("")
        table.add_column("strategy", no_wrap=True)
        for heading in ("unzipped", "zipped", "start", "a month"):
            table.add_column(heading, justify="right", no_wrap=True)
        if wide:
            table.add_column("why", overflow="fold")
        reasons = Table.grid(padding=(0, 2))
        reasons.add_column(no_wrap=True)
        reasons.add_column(overflow="fold")
        for candidate in self.plan.candidates:
            taken = candidate.strategy is self.plan.choice
            feasible = isinstance(candidate, Proposal)
            style = "bold green" if taken else "green" if feasible else "red"
            mark = "→" if taken else "✓" if feasible else "✗"
            name, why = Text(candidate.strategy.value, style), Text(_why(candidate))
            figures = (
                human(candidate.unzipped_bytes),
                human(candidate.zipped_bytes),
                *_figures(candidate.merits),
            )
            table.add_row(Text(mark, style), name, *figures, *([why] if wide else []))
            reasons.add_row(name, why)
        yield table
        if not wide:
            yield Padding(reasons, (0, 0, 1, 0))


def _why(candidate: Proposal | Refusal) -> str:
    match candidate:
        case Proposal():
            return candidate.reason
        case Refusal():
            return "\n".join(
                (
                    # Several layers may be refused in the same words.
                    *dict.fromkeys(limit.aws_error for limit in candidate.limits),
                    *candidate.reasons,
                    *([candidate.hint] if candidate.hint else []),
                )
            )


def _figures(merits: Merits | None) -> tuple[str, str]:
    if merits is None:
        return "", ""
    start, dollars = merits.cold_start, merits.cost.dollars
    about = "" if start.basis == "measured" else "~"
    digits = 2 if start.seconds < 1 or not about else 1 if start.seconds < 10 else 0
    cost = f"~${dollars:,.2f}" if dollars >= 0.01 else "<$0.01"
    return f"{about}{start.seconds:,.{digits}f} s", cost


def basis_notes(plan: Plan) -> list[Text]:
    """What the estimates in the table rest on, a line each."""
    bases = {one.merits.cold_start.basis for one in plan.candidates if one.merits}
    if not bases:
        return []
    if "measured" in bases:
        start = "without ~ measured by `wideload bench` on this machine"
        if "corrected" in bases:
            start += ", with ~ estimated from these and from sizes"
    else:
        start = f"estimated from sizes; `wideload bench {plan.function}` measures it"
    return [
        *_slow(plan),
        Text(f"order: what works first, then {_ORDERS[plan.merit]}", "dim"),
        Text(f"start: cold, {start}", "dim"),
        Text(
            f"a month: estimated for {STARTS_A_MONTH:,} cold starts at {prices.REGION}'s prices of "
            f"{prices.AS_OF}, without what calls cost by any way",
            "dim",
        ),
    ]


def _slow(plan: Plan) -> list[Text]:
    """What it means that a start takes longer than Lambda gives an init."""
    ways = [
        one.strategy.value
        for one in plan.candidates
        if isinstance(one, Proposal)
        and one.merits
        and one.merits.cold_start.seconds > limits.INIT_SECONDS
    ]
    if not ways:
        return []
    return [
        Text(
            f"note: by {', '.join(ways)} a start takes longer than the {limits.INIT_SECONDS:.0f} s "
            "of an init; Lambda ends it there and begins it again within the first call, whose "
            "timeout counts",
            "yellow",
        )
    ]


def merits_json(merits: Merits | None) -> dict[str, Any]:
    """The estimates of a way as `wideload plan --json` prints them."""
    if merits is None:
        return {"cold_start": None, "cost": None}
    start, cost = merits.cold_start, merits.cost
    return {
        "cold_start": {
            "seconds": round(start.seconds, 3),
            "basis": start.basis,
            "parts": {name: round(seconds, 3) for name, seconds in start.parts.items()},
        },
        "cost": {
            "dollars_a_month": round(cost.dollars, 4),
            "storage": round(cost.storage, 4),
            "requests": round(cost.requests, 4),
            "cold_starts": round(cost.cold_starts, 4),
            "network": round(cost.network, 4),
            "basis": (
                f"{STARTS_A_MONTH} cold starts a month; prices of {prices.REGION}, {prices.AS_OF}"
            ),
        },
    }
