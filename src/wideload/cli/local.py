"""`wideload local`: the embedded AWS, for any AWS client."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

import click

from wideload.cli import options

if TYPE_CHECKING:
    from pathlib import Path


def _state(session: options.Session) -> Path:
    """Beside the configuration, where there is one, so that every folder of a project agrees."""
    from wideload.prepared import local_state

    return local_state(session.root())


@click.group()
def local() -> None:
    """Start, stop and address the embedded AWS of this project."""


@local.command()
@click.option("--region", default="us-east-1", show_default=True, help="Region to answer as.")
@click.option(
    "--idle-minutes",
    type=click.FloatRange(min=0),
    default=60,
    show_default=True,
    help="Stop by itself after this long without a request; 0: never.",
)
@options.session
def up(session: options.Session, region: str, idle_minutes: float) -> None:
    """Start it, if it is not running."""
    from wideload.local import daemon

    endpoint = daemon.ensure(_state(session), region=region, idle_minutes=idle_minutes)
    session.console.tell(f"the embedded AWS serves at {endpoint.url}")


@local.command()
@options.session
def down(session: options.Session) -> None:
    """Stop it. What it holds stays in .wideload/local/."""
    from wideload.local import daemon

    stopped = daemon.stop(_state(session))
    session.console.tell("stopped" if stopped else "it was not running")


@local.command()
@click.option(
    "--account",
    default="123456789012",
    show_default=True,
    help="Whose keys to print; an account comes to be by being named.",
)
@options.session
def env(session: options.Session, account: str) -> None:
    """Print what an AWS client needs: eval "$(wideload local env | sed 's/^/export /')"."""
    from wideload.errors import WideloadError
    from wideload.local import daemon

    if not re.fullmatch(r"\d{12}", account):
        raise WideloadError(
            f"bad account {account!r}",
            why="an account of AWS's has twelve digits",
            hint="for instance --account 111122223333",
        )
    endpoint = daemon.ensure(_state(session), account=account)
    for name, value in daemon.environment(endpoint).items():
        session.console.data(f"{name}={shlex.quote(value)}")


@local.command()
@click.option("--runtime", default="python3.13", show_default=True)
@click.option("--architecture", default="x86_64", show_default=True)
@options.as_json
@options.session
def check(session: options.Session, runtime: str, architecture: str, as_json: bool) -> None:
    """Tell which of Lambda's guarantees functions get that run on this machine."""
    from wideload.sandbox.check import capabilities
    from wideload.values.target import Target

    found = capabilities(Target.parse(runtime, architecture))
    if as_json:
        session.console.json(
            {
                "schema": 1,
                "guarantees": [
                    {"guarantee": one.guarantee, "given": one.given, "why": one.why}
                    for one in found
                ],
            }
        )
        return
    for one in found:
        mark = click.style("✓", fg="green") if one.given else click.style("✗", fg="red")
        session.console.data(f"{mark} {one.guarantee}: {one.why}")
