"""`wideload invoke`: run a deployed function."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from wideload.cli import options


@click.command()
@options.function
@options.destination
@click.option(
    "--event",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help="File with the event, JSON; - for standard input. Otherwise event.json of the "
    "function's folder, else {}.",
)
@click.option("--qualifier", default="live", show_default=True, help="Alias, version, or $LATEST.")
@click.option("--logs", is_flag=True, help="Show the end of the log on stderr.")
@options.session
def invoke(
    session: options.Session,
    function: str | None,
    destination: options.Destination,
    event: Path | None,
    qualifier: str,
    logs: bool,
) -> None:
    """Run a deployed function; its answer alone goes to stdout."""
    from wideload.deploy import operate
    from wideload.errors import WideloadError

    pipeline = session.pipeline()
    named = pipeline.named(function, session.folder)
    if event is None:
        default = named.source / "event.json"
        data = default.read_bytes() if default.is_file() else b"{}"
    else:
        data = sys.stdin.buffer.read() if str(event) == "-" else event.read_bytes()
    try:
        json.loads(data)
    except ValueError as error:
        raise WideloadError(
            f"the event for {named.name} is not JSON", why=str(error), hint="Lambda takes JSON only"
        ) from error
    answer = operate.invoke(pipeline.cloud(named.root, destination), named.name, data, qualifier)
    if logs or answer.function_error:
        session.console.tell(answer.log_tail.rstrip())
    if answer.function_error:
        raise WideloadError(
            f"{named.name} answered with an error",
            why=answer.payload.decode(errors="replace"),
            hint="its log stands above; `wideload logs` shows all of it",
        )
    session.console.data(answer.payload.decode())
