"""`wideload gc`: take away layers and bundles that nobody uses any more."""

from __future__ import annotations

import time

import click

from wideload.cli import options


@click.command()
@options.destination
@click.option("--dry-run", is_flag=True, help="Show the instructions and change nothing.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@options.session
def gc(
    session: options.Session, destination: options.Destination, dry_run: bool, yes: bool
) -> None:
    """Delete layers, bundles and images of wideload's that no version of a function uses.

    Of the whole account and region: layers are shared by projects. What is less than an hour
    old stays, since a deployment may be about to use it. What killed runs left half written in the
    cache of this machine goes as well.
    """
    from wideload.deploy import operate
    from wideload.deploy.gc import YOUNG_SECONDS
    from wideload.mounting import sweeper

    pipeline = session.pipeline()
    cloud = pipeline.cloud(session.root(), destination)
    sweep = operate.sweep(cloud, now=time.time(), sweeper=sweeper(pipeline.cache))
    for line in sweep.young:
        session.console.tell(f"note: {line}")
    if sweep.instructions and destination == "aws" and not dry_run and not yes:
        for instruction in sweep.instructions:
            session.console.tell(instruction.describe())
        click.confirm("Delete all this?", abort=True, err=True)
    if not dry_run:
        pipeline.cache.sweep_partials(YOUNG_SECONDS, time.time())
    options.carry_out(session, sweep.instructions, cloud, dry_run=dry_run)
