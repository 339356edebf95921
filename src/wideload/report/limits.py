"""The quotas in force as JSON and as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wideload.limits import Quota

SCHEMA = 1


def limits_json(quotas: Sequence[Quota]) -> dict[str, Any]:
    """The quotas as `wideload limits --json` prints them."""
    return {
        "schema": SCHEMA,
        "limits": [
            {
                "name": quota.name,
                "value": quota.value,
                "unit": quota.unit,
                "what": quota.what,
                "source": quota.source,
                "aws_error": quota.aws_error,
            }
            for quota in quotas
        ],
    }


def limits_table(quotas: Sequence[Quota]) -> Table:
    """The quotas for a terminal."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("limit", no_wrap=True)
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("unit", no_wrap=True)
    table.add_column("of what")
    table.add_column("from", overflow="fold")
    for quota in quotas:
        table.add_row(quota.name, f"{quota.value:,}", quota.unit, quota.what, quota.source)
    return table
