"""What every verb needs to speak: data on stdout, narration on stderr, errors in one voice."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import RenderableType

    from wideload.errors import WideloadError

_WORTH_A_BAR = 1.0
"""Seconds after which work shows a progress bar."""
_SILENT_S = 20.0
"""Seconds after which work says how far it is where there is no terminal."""


class Console:
    """The two streams of a terminal program. Rich is loaded only when something is drawn."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.quiet = quiet

    def tell(self, line: str) -> None:
        """A line of narration."""
        if not self.quiet:
            click.echo(line, err=True)

    def data(self, text: str) -> None:
        """A line of the answer."""
        click.echo(text)

    def json(self, value: Any) -> None:
        """The answer as JSON."""
        click.echo(json.dumps(value, indent=2, ensure_ascii=False))

    def draw(self, what: RenderableType) -> None:
        """The answer as a table or the like."""
        from rich.console import Console as Rich

        # Without a terminal nobody folds lines for us: a wide table is easier to search.
        Rich(width=None if sys.stdout.isatty() else 200, highlight=False).print(what)

    def bar(self, what: str, done: int, total: int) -> None:
        """One line on a terminal that tells how many bytes of how many are done."""
        if self.quiet or not sys.stderr.isatty():
            return
        end = "\n" if done >= total else "\r"
        text = f"      {what} {done / 1e6:.1f} of {total / 1e6:.1f} MB ({done / total:.0%})"
        click.echo(text, err=True, nl=False)
        click.echo(end, err=True, nl=False)

    @contextlib.contextmanager
    def progress(self, what: str, total: int) -> Iterator[Callable[[int], None]]:
        """A bar on stderr, shown when the work lasts longer than a second; without a terminal a
        line every now and then."""
        if self.quiet or not total or not sys.stderr.isatty():
            started, done = time.monotonic(), 0
            told = started

            def count(more: int) -> None:
                nonlocal done, told
                done += more
                now = time.monotonic()
                if now - told > _SILENT_S:
                    told = now
                    self.tell(f"{what}: {done / 1e6:.1f} of {total / 1e6:.1f} MB")

            yield count
            lasted = time.monotonic() - started
            if total and lasted > _WORTH_A_BAR:
                self.tell(f"{what}: {done / 1e6:.1f} MB in {lasted:.1f} s")
            return
        from rich.console import Console as Rich
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            Progress,
            TextColumn,
            TransferSpeedColumn,
        )

        columns = (TextColumn(what), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        with Progress(*columns, console=Rich(stderr=True), transient=True) as bar:
            task = bar.add_task(what, total=total)
            yield lambda more: bar.advance(task, more)


def show_error(error: WideloadError) -> None:
    """The error on stderr: what, why, and what to do."""
    plain = bool(os.environ.get("NO_COLOR"))
    click.secho("error", fg=None if plain else "red", bold=True, nl=False, err=True)
    click.echo(f": {error.what}", err=True)
    for label, text in (("why", error.why), ("hint", error.hint)):
        if text:
            lines = text.splitlines()
            click.secho(f"  {label}", fg=None if plain else "cyan", nl=False, err=True)
            click.echo(f": {lines[0]}", err=True)
            for line in lines[1:]:
                click.echo(f"       {line}", err=True)
