"""`wideload plan`: every way to ship it, side by side, nothing downloaded."""

from __future__ import annotations

import click

from wideload.cli import options


@click.command()
@options.functions
@options.everything
@options.jobs
@options.destination
@options.upgrade
@options.as_json
@options.session
def plan(
    session: options.Session,
    functions: tuple[str, ...],
    everything: bool,
    jobs: int,
    destination: options.Destination,
    upgrade: bool,
    as_json: bool,
) -> None:
    """Show every way to ship a function side by side, downloading no wheel.

    What the wheels weigh is exact. What of them ships is exact too, once these versions were
    built; before that some sizes are estimates, and it says so. Of several functions it shows
    the way of each, and the layers that they share.
    """
    if everything or len(functions) > 1:
        from wideload.cli.watching import watching
        from wideload.report.fleet import fleet_plan_json, fleet_plan_text

        with watching(session.console) as watcher:
            outcomes = options.open_fleet(
                session,
                functions,
                watcher,
                everything=everything,
                destination=destination,
                jobs=jobs,
                upgrade=upgrade,
            ).plan()
        if as_json:
            session.console.json(fleet_plan_json(outcomes))
        else:
            session.console.draw(fleet_plan_text(outcomes))
        options.end_fleet(outcomes)
        return
    from wideload.report.plan import plan_json, plan_text

    pipeline = session.pipeline(destination)
    prepared = pipeline.prepare(
        pipeline.source(options.only(functions), session.folder), upgrade=upgrade
    )
    found = pipeline.plan(prepared)
    if as_json:
        session.console.json(plan_json(found))
    else:
        session.console.draw(plan_text(found, prepared.slimmed))
