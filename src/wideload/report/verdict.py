"""A verdict as JSON and as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wideload.report.advice import used_advice

if TYPE_CHECKING:
    from wideload.values.artifact import Manifest
    from wideload.values.verdict import Verdict

SCHEMA = 1


def verdict_json(manifest: Manifest, verdict: Verdict) -> dict[str, Any]:
    """The verdict as `wideload verify --json` prints it."""
    return {
        "schema": SCHEMA,
        "function": manifest.function,
        "strategy": manifest.strategy.value,
        "passed": verdict.passed,
        "checks": [
            {"name": check.name, "passed": check.passed, "detail": check.detail}
            for check in verdict.checks
        ],
        "not_guaranteed": list(verdict.missing),
        "advice": list(used_advice(verdict.used)) if verdict.used else [],
    }


def verdict_text(verdict: Verdict) -> str:
    """The verdict, a line a check, and what measurements advise."""
    lines = [
        f"{'ok  ' if check.passed else 'FAIL'}  {check.name}: {check.detail}"
        for check in verdict.checks
    ]
    if verdict.used:
        lines += [f"advice: {line}" for line in used_advice(verdict.used)]
    return "\n".join(lines)
