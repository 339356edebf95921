"""A plan as JSON and as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from wideload.limits import CODE_SIZE_UNZIPPED
from wideload.report.places import place_of
from wideload.report.sizes import human
from wideload.report.ways import WaysTable, basis_notes, merits_json
from wideload.values.proposal import Plan, Proposal, Refusal

if TYPE_CHECKING:
    from rich.console import RenderableType

    from wideload.values.bundle import BundleEstimate
    from wideload.values.slimmed import Slimmed
    from wideload.values.split import Split
    from wideload.values.tree import FileTree

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
                    else [*candidate.reasons, *([candidate.hint] if candidate.hint else [])]
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
                "split": (
                    _split_json(candidate.split, plan) if isinstance(candidate, Proposal) else None
                ),
                "bundle": (
                    _bundle_json(candidate.bundle) if isinstance(candidate, Proposal) else None
                ),
                **merits_json(candidate.merits),
            }
            for candidate in plan.candidates
        ],
        "choice": plan.choice.value if plan.choice else None,
        "downloaded_bytes": plan.downloaded_bytes,
        "exact": plan.exact,
        "prefer": plan.merit,
    }


def _split_json(split: Split | None, plan: Plan) -> dict[str, Any] | None:
    if split is None:
        return None
    return {
        "function": _part_json(split.function, split.packages),
        "layers": [_part_json(share.tree, share.packages) for share in split.layers],
        "attached": [
            {
                "arn": layer.arn,
                "zipped_bytes": layer.zipped_bytes,
                "unzipped_bytes": layer.unzipped_bytes,
            }
            for layer in plan.attached
        ],
        "sum_unzipped_bytes": split.unzipped_bytes + plan.attached_bytes,
        "allowed_unzipped_bytes": CODE_SIZE_UNZIPPED,
    }


def _bundle_json(bundle: BundleEstimate | None) -> dict[str, int] | None:
    if bundle is None:
        return None
    return {
        "code_zipped_bytes": bundle.code_zipped,
        "code_unzipped_bytes": bundle.code_unzipped,
        "zipped_bytes": bundle.zipped,
        "unzipped_bytes": bundle.unzipped,
        "tmp_bytes": bundle.tmp_bytes,
    }


def _part_json(tree: FileTree, packages: tuple[str, ...]) -> dict[str, Any]:
    return {
        "zipped_bytes": tree.zipped_bytes,
        "unzipped_bytes": tree.unzipped_bytes,
        "packages": list(packages),
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
        where = f"in {place_of(package.provided_by)}" if package.provided_by else "packed"
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


def _parts(split: Split, plan: Plan) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("part")
    table.add_column("unzipped", justify="right", no_wrap=True)
    table.add_column("zipped", justify="right", no_wrap=True)
    table.add_column("holds", overflow="fold")
    rows = [("function", split.function, ("its own files", *split.packages))]
    rows += [
        (f"layer {number}", share.tree, share.packages)
        for number, share in enumerate(split.layers, start=1)
    ]
    for name, tree, packages in rows:
        table.add_row(
            name, human(tree.unzipped_bytes), human(tree.zipped_bytes), ", ".join(packages)
        )
    for layer in plan.attached:
        table.add_row(
            "attached",
            human(layer.unzipped_bytes),
            human(layer.zipped_bytes),
            place_of(layer.arn),
        )
    table.add_row(
        "together",
        human(split.unzipped_bytes + plan.attached_bytes),
        human(split.zipped_bytes + sum(layer.zipped_bytes for layer in plan.attached)),
        f"of at most {human(CODE_SIZE_UNZIPPED)} unzipped",
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
            f"{human(slimmed.tree.unzipped_bytes)} to ship; "
            f"{human(plan.downloaded_bytes)} fetched to know it"
        )
    )
    parts.extend(Text(f"note: {note}", "yellow") for note in slimmed.notes)
    parts.append(WaysTable(plan))
    parts.extend(basis_notes(plan))
    if plan.chosen and plan.chosen.split:
        parts.append(_parts(plan.chosen.split, plan))
    return Group(*parts)
