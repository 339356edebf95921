"""`wideload build`: artifacts and manifest, byte-identical wherever it is run."""

from __future__ import annotations

import click

from wideload.cli import options


@click.command()
@options.function
@options.strategy
@options.upgrade
@options.as_json
@options.session
def build(
    session: options.Session,
    function: str | None,
    strategy: str | None,
    upgrade: bool,
    as_json: bool,
) -> None:
    """Write what is to be shipped, with a manifest that accounts for every byte."""
    from wideload.report.build import build_json, build_text

    pipeline = session.pipeline()
    read = pipeline.source(function, session.folder)
    built = pipeline.build(options.with_strategy(read, strategy), upgrade=upgrade)
    if as_json:
        session.console.json(build_json(built.manifest, str(built.folder)))
    else:
        session.console.data(build_text(built.manifest, str(built.folder)))
