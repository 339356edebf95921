"""`wideload deploy`: to the embedded AWS, or to AWS."""

from __future__ import annotations

from pathlib import Path

import click

from wideload.cli import options


@click.command()
@options.function
@options.destination
@options.strategy
@click.option("--dry-run", is_flag=True, help="Show the instructions and change nothing.")
@click.option("--adopt", is_flag=True, help="Take over a function that wideload did not make.")
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
    function: str | None,
    destination: options.Destination,
    strategy: str | None,
    dry_run: bool,
    adopt: bool,
    smoke: Path | None,
    no_smoke: bool,
    upgrade: bool,
    as_json: bool,
) -> None:
    """Build a function and let its callers get to it, without a moment of broken service."""
    from wideload.cli.deploying import Narration
    from wideload.pipeline import Terms
    from wideload.report.deployment import deployment_json, deployment_text
    from wideload.values.instruction import Smoke
    from wideload.verify.verifier import read_cases

    pipeline = session.pipeline()
    read = options.with_strategy(pipeline.source(function, session.folder), strategy)
    built = pipeline.build(read, upgrade=upgrade)
    cases = () if no_smoke else read_cases([smoke] if smoke else [], Path(read.source))
    test = None
    if cases:
        expected = cases[0].expected
        test = Smoke(cases[0].event.decode(), expected.decode() if expected else None)
    result = pipeline.deploy(
        built,
        pipeline.cloud(Path(read.root), destination),
        test,
        Terms(dry_run, adopt),
        Narration(session.console),
    )
    if as_json:
        session.console.json(deployment_json(result))
    else:
        session.console.data(deployment_text(result, dry_run=dry_run))
