"""Arguments and options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

import click

from wideload.cli.console import Console

if TYPE_CHECKING:
    from collections.abc import Callable

    from wideload.deploy.cloud import Cloud
    from wideload.pipeline import Pipeline
    from wideload.values.function import Function
    from wideload.values.instruction import Instruction

Command = TypeVar("Command", bound="Callable[..., object]")


class Session:
    """What the options before the verb say."""

    def __init__(self, folder: Path, console: Console) -> None:
        self.folder = folder
        self.console = console

    def pipeline(self) -> Pipeline:
        """The stages, narrating to this session's console."""
        from wideload.pipeline import Pipeline

        return Pipeline(self.console)

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

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")

upgrade = click.option(
    "--upgrade", is_flag=True, help="Resolve the requirements anew, to the latest that fits."
)

strategy = click.option(
    "--strategy",
    type=click.Choice(["direct-zip", "s3-zip"]),
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


def with_strategy(function: Function, strategy: str | None) -> Function:
    """The function, shipped by the strategy of the command line where one is given."""
    import msgspec

    from wideload.values.function import Strategy

    if strategy is None:
        return function
    return msgspec.structs.replace(function, strategy=Strategy(strategy))


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
