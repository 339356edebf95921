"""`wideload verify`: start it as Lambda would, from the artifacts, on this machine."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from wideload.cli import options


@click.command()
@options.function
@options.destination
@click.option(
    "--event",
    "events",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Invoke with this event; may be given again. Otherwise event.json of the function's "
    "folder, whose answer must be that of expected.json, where there is one.",
)
@click.option(
    "--compare",
    is_flag=True,
    help="Import every module and invoke, slimmed and unslimmed, and tell what differs.",
)
@options.as_json
@options.session
def verify(
    session: options.Session,
    function: str | None,
    destination: options.Destination,
    events: tuple[Path, ...],
    compare: bool,
    as_json: bool,
) -> None:
    """Build a function and run it in a local Lambda with the real limits."""
    from wideload import proving
    from wideload.report.verdict import verdict_json, verdict_text

    pipeline = session.pipeline(destination)
    built = pipeline.build(pipeline.source(function, session.folder))
    prove = proving.compare if compare else proving.verify
    verdict = prove(pipeline, built, events)
    if as_json:
        session.console.json(verdict_json(built.manifest, verdict))
    else:
        session.console.data(verdict_text(verdict))
        for line in verdict.missing:
            session.console.tell(f"not guaranteed on this machine: {line}")
    if not verdict.passed:
        sys.exit(1)
