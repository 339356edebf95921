"""`wideload destroy`: take a deployed function away."""

from __future__ import annotations

import click

from wideload.cli import options


@click.command()
@options.function
@options.destination
@click.option("--bucket", is_flag=True, help="The bucket too, if nothing else lies in it.")
@click.option("--dry-run", is_flag=True, help="Show the instructions and change nothing.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@options.session
def destroy(
    session: options.Session,
    function: str | None,
    destination: options.Destination,
    bucket: bool,
    dry_run: bool,
    yes: bool,
) -> None:
    """Delete a deployed function with its role, logs and packages."""
    from wideload.deploy import operate
    from wideload.mounting import sweeper

    pipeline = session.pipeline()
    named = pipeline.named(function, session.folder)
    cloud = pipeline.cloud(named.root, destination)
    code = sweeper(pipeline.cache)
    instructions = operate.destroy(cloud, named.name, bucket=bucket, sweeper=code)
    if instructions and destination == "aws" and not dry_run and not yes:
        for instruction in instructions:
            session.console.tell(instruction.describe())
        click.confirm("Delete all this?", abort=True, err=True)
    options.carry_out(session, instructions, cloud, dry_run=dry_run)
