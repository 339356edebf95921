"""The command `wideload` itself: what stands before the verb."""

from __future__ import annotations

from pathlib import Path

import click

from wideload import __version__
from wideload.cli.bench import bench
from wideload.cli.build import build
from wideload.cli.console import Console
from wideload.cli.deploy import deploy
from wideload.cli.destroy import destroy
from wideload.cli.explain import explain
from wideload.cli.gc import gc
from wideload.cli.init import init
from wideload.cli.invoke import invoke
from wideload.cli.limits import limits
from wideload.cli.local import local
from wideload.cli.logs import logs
from wideload.cli.options import Session
from wideload.cli.plan import plan
from wideload.cli.rollback import rollback
from wideload.cli.status import status
from wideload.cli.trace import trace
from wideload.cli.verify import verify


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, "-V", "--version", message="%(prog)s %(version)s")
@click.option(
    "-C",
    "--folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    help="Work in this folder instead of the present one.",
)
@click.option("-q", "--quiet", is_flag=True, help="No narration on stderr.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.pass_context
def wideload(context: click.Context, folder: Path, quiet: bool, debug: bool) -> None:
    """Ship AWS Lambda functions that are too big to ship.

    FUNCTION is a name from wideload.toml or the path of a function's folder; where there is
    only one, it may be left out.
    """
    # --debug is read in main(), which prints the errors.
    del debug
    context.obj = Session(folder, Console(quiet=quiet))


for verb in (
    *(init, plan, build, verify, deploy, invoke, status, logs, rollback, destroy, gc),
    *(trace, bench, explain, limits, local),
):
    wideload.add_command(verb)
