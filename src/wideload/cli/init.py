"""`wideload init`: write wideload.toml."""

from __future__ import annotations

import click

from wideload.cli import options


@click.command()
@options.session
def init(session: options.Session) -> None:
    """Write wideload.toml for the function, or the functions, in this folder."""
    from wideload.source.starter import write_config

    path, functions = write_config(session.folder)
    session.console.tell(f"wrote {path.name}: {', '.join(one.name for one in functions)}")
    session.console.tell(f"next: wideload plan {functions[0].name}")
