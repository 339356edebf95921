"""A plan as JSON and as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from wideload.report.sizes import human
from wideload.values.proposal import Plan, Proposal, Refusal

if TYPE_CHECKING:
    from rich.console import RenderableType

    from wideload.values.slimmed import Slimmed

SCHEMA = 1
_SHOWN = 12


def plan_json(plan: Plan) -> dict[str, Any]:
    """The plan as `wideload plan --json` prints it."""
    return {
        "schema": SCHEMA,
        "function": plan.function,
        "target": {
            "runtime": plan.target.runtime,
            "architecture": plan.target.architecture.value,
        },
        "packages": [
            {
                "name": package.name,
                "version": package.version,
                "unzipped_bytes": package.unzipped_bytes,
                "zipped_bytes": package.zipped_bytes,
                "provided_by": package.provided_by,
            }
            for package in plan.packages
        ],
        "candidates": [
            {
                "strategy": candidate.strategy.value,
                "feasible": isinstance(candidate, Proposal),
                "zipped_bytes": candidate.zipped_bytes,
                "unzipped_bytes": candidate.unzipped_bytes,
                "reasons": (
                    [candidate.reason]
                    if isinstance(candidate, Proposal)
                    else list(candidate.reasons)
                ),
                "refusals": [
                    {
                        "limit": limit.limit,
                        "allowed": limit.allowed,
                        "actual": limit.actual,
                        "aws_error": limit.aws_error,
                    }
                    for limit in (candidate.limits if isinstance(candidate, Refusal) else ())
                ],
            }
            for candidate in plan.candidates
        ],
        "choice": plan.choice.value if plan.choice else None,
        "downloaded_bytes": plan.downloaded_bytes,
    }


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _packages(plan: Plan) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("package")
    table.add_column("version")
    table.add_column("unzipped", justify="right")
    table.add_column("zipped", justify="right")
    table.add_column("where")
    ordered = sorted(plan.packages, key=lambda package: -package.unzipped_bytes)
    for package in ordered[:_SHOWN]:
        where = f"in the {package.provided_by}" if package.provided_by else "packed"
        table.add_row(
            package.name,
            package.version,
            human(package.unzipped_bytes),
            human(package.zipped_bytes),
            where,
            style="dim" if package.provided_by else "",
        )
    rest = ordered[_SHOWN:]
    if rest:
        table.add_row(
            f"{len(rest)} more",
            "",
            human(sum(package.unzipped_bytes for package in rest)),
            human(sum(package.zipped_bytes for package in rest)),
            "",
            style="dim",
        )
    return table


def _candidates(plan: Plan) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("")
    table.add_column("strategy", no_wrap=True)
    table.add_column("unzipped", justify="right", no_wrap=True)
    table.add_column("zipped", justify="right", no_wrap=True)
    table.add_column("why", overflow="fold")
    for candidate in plan.candidates:
        match candidate:
            case Proposal():
                taken = candidate.strategy is plan.choice
                mark, style = ("→", "bold green") if taken else ("✓", "green")
                why = candidate.reason
            case Refusal():
                mark, style = "✗", "red"
                why = "\n".join(
                    (*(limit.aws_error for limit in candidate.limits), *candidate.reasons)
                )
        table.add_row(
            Text(mark, style),
            Text(candidate.strategy.value, style),
            human(candidate.unzipped_bytes),
            human(candidate.zipped_bytes),
            Text(why),
        )
    return table


def plan_text(plan: Plan, slimmed: Slimmed) -> RenderableType:
    """The plan for a terminal: what it weighs, and every way to ship it."""
    raw = sum(package.unzipped_bytes for package in plan.packages)
    parts: list[RenderableType] = [
        Text.assemble(
            (plan.function, "bold"), f"  {plan.target.runtime} on {plan.target.architecture}"
        )
    ]
    if plan.packages:
        parts.append(_packages(plan))
    parts.append(
        Text(
            f"{human(raw)} unzipped in {_count(len(plan.packages), 'package')}, "
            f"{human(slimmed.tree.unzipped_bytes)} left to ship; "
            f"{human(plan.downloaded_bytes)} fetched to know it"
        )
    )
    parts.extend(Text(f"note: {note}", "yellow") for note in slimmed.notes)
    parts.append(_candidates(plan))
    return Group(*parts)
