"""`wideload explain`: why a package is there, and what leaving it out would free."""

from __future__ import annotations

import click

from wideload.cli import options


@click.command()
@click.argument("package")
@options.function
@options.destination
@options.as_json
@options.session
def explain(
    session: options.Session,
    package: str,
    function: str | None,
    destination: options.Destination,
    as_json: bool,
) -> None:
    """Show why PACKAGE is there, what it weighs, and what leaving it out would free."""
    from wideload.plan.explain import explain as case
    from wideload.report.explanation import explanation_json, explanation_text

    pipeline = session.pipeline(destination)
    prepared = pipeline.prepare(pipeline.source(function, session.folder))
    found = case(package, prepared.resolution, prepared.slimmed)
    if as_json:
        session.console.json(explanation_json(found))
    else:
        session.console.data(explanation_text(found))
