"""The command line: one thin file a verb, each a call of the pipeline."""

from __future__ import annotations

import sys

import click

from wideload.cli.console import show_error
from wideload.errors import WideloadError


def main() -> None:
    """Run the command line and end the process: 0 done, 1 the user's, 2 unexpected."""
    from wideload.cli.group import wideload

    debug = "--debug" in sys.argv
    try:
        wideload.main(standalone_mode=False)
    except WideloadError as error:
        if debug:
            raise
        show_error(error)
        sys.exit(1)
    except click.exceptions.Exit as leave:
        sys.exit(leave.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(1)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted; nothing is half written", err=True)
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read our output has had enough.
        sys.stderr.close()
        sys.exit(1)
    except Exception as error:
        if debug:
            raise
        click.echo(
            f"error: unexpected: {type(error).__name__}: {error}\n"
            "  hint: this is a defect of wideload; run it again with --debug for the traceback",
            err=True,
        )
        sys.exit(2)
