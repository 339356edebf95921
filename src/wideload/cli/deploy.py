"""`wideload deploy`: to the embedded AWS, or to AWS."""

from __future__ import annotations

from pathlib import Path

import click

from wideload.cli import options
from wideload.errors import WideloadError


@click.command()
@options.functions
@options.everything
@options.jobs
@options.destination
@options.strategy
@click.option("--dry-run", is_flag=True, help="Show the instructions and change nothing.")
@click.option("--adopt", is_flag=True, help="Take over a function that wideload did not make.")
@click.option(
    "--create-network",
    is_flag=True,
    help="Make what a function is to mount and is not there: VPC, file system, access point. "
    "--dry-run shows it first, with what it costs.",
)
@click.option(
    "--smoke",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Invoke the new version with this event before callers get to it. Otherwise with "
    "event.json of the function's folder, where there is one.",
)
@click.option("--no-smoke", is_flag=True, help="Let callers get to it untried.")
@options.upgrade
@options.as_json
@options.session
def deploy(
    session: options.Session,
    functions: tuple[str, ...],
    everything: bool,
    jobs: int,
    destination: options.Destination,
    strategy: str | None,
    dry_run: bool,
    adopt: bool,
    create_network: bool,
    smoke: Path | None,
    no_smoke: bool,
    upgrade: bool,
    as_json: bool,
) -> None:
    """Build a function and let its callers get to it, without a moment of broken service.

    Of several functions each is deployed by itself: where one fails, the others are deployed.
    """
    from wideload.cli.deploying import Narration
    from wideload.pipeline import Terms, smoke_of
    from wideload.report.deployment import deployment_json, deployment_text

    terms = Terms(dry_run, adopt, create_network)
    if everything or len(functions) > 1:
        from wideload.cli.watching import watching
        from wideload.report.fleet import fleet_deployment_json, fleet_deployment_text

        if smoke:
            raise WideloadError(
                "--smoke is for one function",
                why="what is asked of one says nothing of another",
                hint="put an event.json into each function's folder, or say --no-smoke",
            )
        with watching(session.console) as watcher:
            outcomes = options.open_fleet(
                session,
                functions,
                watcher,
                everything=everything,
                destination=destination,
                jobs=jobs,
                strategy=strategy,
                upgrade=upgrade,
            ).deploy(destination, terms, smoke=not no_smoke)
        if as_json:
            session.console.json(fleet_deployment_json(outcomes))
        else:
            session.console.data(fleet_deployment_text(outcomes, dry_run=dry_run))
        options.end_fleet(outcomes)
        return
    pipeline = session.pipeline(destination)
    read = options.with_strategy(pipeline.source(options.only(functions), session.folder), strategy)
    built = pipeline.build(read, upgrade=upgrade)
    test = None if no_smoke else smoke_of(Path(read.source), smoke)
    result = pipeline.deploy(
        built,
        pipeline.cloud(Path(read.root), destination),
        test,
        terms,
        Narration(session.console),
    )
    if as_json:
        session.console.json(deployment_json(result))
    else:
        session.console.data(deployment_text(result, dry_run=dry_run))
