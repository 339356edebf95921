"""`wideload trace`: run the function's events and see what of its package they use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wideload.cli import options

if TYPE_CHECKING:
    from wideload.proving import Traced

SCHEMA = 1


@click.command()
@options.function
@options.destination
@click.option(
    "--event",
    "events",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Run with this event; may be given again, and all that the function can do should be "
    "among them. Otherwise event.json of the function's folder.",
)
@options.as_json
@options.session
def trace(
    session: options.Session,
    function: str | None,
    destination: options.Destination,
    events: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Run a function's events in a local Lambda and see which files of its package they use.

    What was used is written to NAME.profile.json beside the requirements, to be committed.
    """
    from wideload import proving

    pipeline = session.pipeline(destination)
    traced = proving.trace(pipeline, pipeline.source(function, session.folder), events)
    if as_json:
        session.console.json(_json(traced))
    else:
        _draw(session, traced)


def _json(traced: Traced) -> dict[str, Any]:
    import msgspec

    return {
        "schema": SCHEMA,
        "function": traced.profile.function,
        "profile": traced.path.name,
        "events": [event.name for event in traced.profile.events],
        "packages": [msgspec.structs.asdict(use) for use in traced.account],
    }


def _draw(session: options.Session, traced: Traced) -> None:
    from rich.table import Table

    from wideload.report.sizes import human

    table = Table(box=None, pad_edge=False)
    table.add_column("package")
    for column in ("files", "used", "kept", "bytes", "used", "kept"):
        table.add_column(column, justify="right")
    sums = [0] * 6
    for use in traced.account:
        counts = (use.files, use.used_files, use.kept_files)
        sizes = (use.bytes, use.used_bytes, use.kept_bytes)
        sums = [total + more for total, more in zip(sums, (*counts, *sizes), strict=True)]
        told = (*(f"{count:,}" for count in counts), *map(human, sizes))
        table.add_row(use.name or "the function", *told)
    table.add_row("together", *(f"{total:,}" for total in sums[:3]), *map(human, sums[3:]))
    session.console.draw(table)
    session.console.tell('kept is what ships of each package with slim = "traced"')
