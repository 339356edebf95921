"""`wideload plan`: every way to ship it, side by side, nothing downloaded."""

from __future__ import annotations

import click

from wideload.cli import options


@click.command()
@options.function
@options.upgrade
@options.as_json
@options.session
def plan(session: options.Session, function: str | None, upgrade: bool, as_json: bool) -> None:
    """Show every way to ship a function, with exact sizes, downloading no wheel."""
    from wideload.report.plan import plan_json, plan_text

    pipeline = session.pipeline()
    prepared = pipeline.prepare(pipeline.source(function, session.folder), upgrade=upgrade)
    found = pipeline.plan(prepared)
    if as_json:
        session.console.json(plan_json(found))
    else:
        session.console.draw(plan_text(found, prepared.slimmed))
