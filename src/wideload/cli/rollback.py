"""`wideload rollback`: let an earlier version serve."""

from __future__ import annotations

import click

from wideload.cli import options


@click.command()
@options.function
@options.destination
@click.option("--version", "to", help="Number of the version; otherwise the one before.")
@click.option("--dry-run", is_flag=True, help="Show the instructions and change nothing.")
@options.session
def rollback(
    session: options.Session,
    function: str | None,
    destination: options.Destination,
    to: str | None,
    dry_run: bool,
) -> None:
    """Let an earlier version of a function serve again."""
    from wideload.deploy import operate

    pipeline = session.pipeline()
    named = pipeline.named(function, session.folder)
    cloud = pipeline.cloud(named.root, destination)
    options.carry_out(session, operate.rollback(cloud, named.name, to), cloud, dry_run=dry_run)
