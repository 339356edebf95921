"""`wideload status`: what there is of a deployed function."""

from __future__ import annotations

import click

from wideload.cli import options


@click.command()
@options.function
@options.destination
@options.as_json
@options.session
def status(
    session: options.Session,
    function: str | None,
    destination: options.Destination,
    as_json: bool,
) -> None:
    """Show a deployed function: its state, versions, and which one serves."""
    from wideload.deploy import operate
    from wideload.report.deployment import status_json, status_text

    pipeline = session.pipeline()
    named = pipeline.named(function, session.folder)
    found = operate.status(pipeline.cloud(named.root, destination), named.name)
    if as_json:
        session.console.json(status_json(found))
    else:
        session.console.data(status_text(found))
