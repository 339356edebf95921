"""`wideload limits`: the quotas in force, and where each number is from."""

from __future__ import annotations

import click

from wideload.cli import options


@click.command()
@options.as_json
@options.session
def limits(session: options.Session, as_json: bool) -> None:
    """Show Lambda's quotas as wideload holds them, with the source of each number."""
    from wideload.limits import quotas
    from wideload.report.limits import limits_json, limits_table

    if as_json:
        session.console.json(limits_json(quotas()))
    else:
        session.console.draw(limits_table(quotas()))
