"""`wideload logs`: what a deployed function wrote."""

from __future__ import annotations

import re
import time

import click

from wideload.cli import options

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def _ago(context: click.Context, parameter: click.Parameter, value: str) -> int:
    """Seconds of ``15m``, ``2h`` and the like."""
    del context, parameter
    match = re.fullmatch(r"(\d+)([smhd])", value)
    if not match:
        raise click.BadParameter("a number with s, m, h or d behind it, as in 15m")
    return int(match[1]) * _UNITS[match[2]]


@click.command()
@options.function
@options.destination
@click.option(
    "--since", default="1h", show_default=True, callback=_ago, help="How far back: 30s, 15m, 2d."
)
@click.option("--follow", "-f", is_flag=True, help="Go on with what it writes from now on.")
@options.session
def logs(
    session: options.Session,
    function: str | None,
    destination: options.Destination,
    since: int,
    follow: bool,
) -> None:
    """Show what a deployed function wrote, oldest first."""
    from wideload.deploy import operate

    pipeline = session.pipeline()
    named = pipeline.named(function, session.folder)
    start = int((time.time() - since) * 1000)
    cloud = pipeline.cloud(named.root, destination)
    for event in operate.logs(cloud, named.name, since=start, follow=follow):
        session.console.data(event.message.rstrip("\n"))
