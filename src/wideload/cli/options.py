"""Arguments and options that several verbs share."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

import click

from wideload.cli.console import Console, show_error

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wideload.deploy.cloud import Cloud
    from wideload.errors import WideloadError
    from wideload.fleet import Fleet, Watcher
    from wideload.pipeline import Pipeline
    from wideload.values.function import Function
    from wideload.values.instruction import Instruction

Command = TypeVar("Command", bound="Callable[..., object]")


class Session:
    """What the options before the verb say."""

    def __init__(self, folder: Path, console: Console) -> None:
        self.folder = folder
        self.console = console

    def pipeline(self, destination: Destination = "local") -> Pipeline:
        """The stages, narrating to this session's console.

        :param destination: which AWS knows the layers that functions attach.
        """
        from wideload.pipeline import Pipeline

        return Pipeline(self.console, destination=destination)

    def root(self) -> Path:
        """The folder of the configuration that applies here, else the present folder."""
        from wideload.errors import WideloadError
        from wideload.source.config import load_project

        try:
            return Path(load_project(self.folder).root)
        except WideloadError:
            return self.folder.resolve()


Destination = Literal["local", "aws"]

session = click.make_pass_decorator(Session)

function = click.argument("function", required=False)

functions = click.argument("functions", nargs=-1, metavar="[FUNCTION]...")

everything = click.option("--all", "everything", is_flag=True, help="All functions of the project.")

jobs = click.option(
    "--jobs",
    "-j",
    type=click.IntRange(min=1),
    default=4,
    show_default=True,
    help="Of several functions, work on so many at once.",
)

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")

upgrade = click.option(
    "--upgrade",
    is_flag=True,
    help="Resolve the requirements anew, to the latest that fits, and read attached layers anew.",
)

# Written out, since to import them takes as long as all else that `--help` needs.
STRATEGIES = ("direct-zip", "s3-zip", "layers", "s3-bootstrap", "image", "s3-files", "efs")

strategy = click.option(
    "--strategy",
    type=click.Choice(STRATEGIES),
    help="Ship it this way instead of the configured one.",
)

destination = click.option(
    "--to",
    "destination",
    type=click.Choice(["local", "aws"]),
    default="local",
    show_default=True,
    envvar="WIDELOAD_TO",
    help="The embedded AWS on this machine, or the account that the AWS credentials are for.",
)


def only(functions: tuple[str, ...]) -> str | None:
    """The one function that was named, if any was."""
    return functions[0] if functions else None


def with_strategy(function: Function, strategy: str | None) -> Function:
    """The function, shipped by the strategy of the command line where one is given."""
    import msgspec

    from wideload.values.function import Strategy

    if strategy is None:
        return function
    return msgspec.structs.replace(function, strategy=Strategy(strategy))


def open_fleet(
    session: Session,
    functions: tuple[str, ...],
    watcher: Watcher,
    *,
    everything: bool,
    destination: Destination,
    jobs: int,
    strategy: str | None = None,
    upgrade: bool = False,
) -> Fleet:
    """Many functions, as the options say."""
    from wideload.fleet import Fleet, selected
    from wideload.values.function import Strategy

    return Fleet(
        session.pipeline(destination),
        selected(functions, session.folder, everything=everything),
        watcher,
        jobs=jobs,
        strategy=None if strategy is None else Strategy(strategy),
        upgrade=upgrade,
    )


def end_fleet(outcomes: Mapping[str, object | WideloadError]) -> None:
    """Say in full what failed, and let the exit code tell."""
    from wideload.errors import WideloadError

    failed = {name: one for name, one in outcomes.items() if isinstance(one, WideloadError)}
    for name, one in failed.items():
        show_error(WideloadError(f"{name}: {one.what}", why=one.why, hint=one.hint))
    if failed:
        sys.exit(1)


def carry_out(
    session: Session, instructions: tuple[Instruction, ...], cloud: Cloud, *, dry_run: bool
) -> None:
    """Execute instructions that need no artifact, or only show them."""
    from wideload.cli.deploying import Narration
    from wideload.deploy.execute import execute

    if not instructions:
        session.console.tell("nothing to do")
    elif dry_run:
        for instruction in instructions:
            session.console.data(instruction.describe())
    else:
        execute(instructions, cloud, session.folder, progress=Narration(session.console))
