"""The page of the command line: what each verb answers to --help."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reference.markdown import NOTICE, code
from wideload.cli.group import wideload

if TYPE_CHECKING:
    from collections.abc import Iterator

_WIDTH = 96

_HEAD = """\
# Command line

The answer goes to standard output, narration to standard error; `--json` prints one JSON
document ([its fields](json.md)). Colours and progress bars appear on a terminal only;
`NO_COLOR` is honoured.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | bad input, a refused limit, a failed check, AWS said no: the message says why |
| 2 | a defect of wideload; `--debug` shows the traceback |
| 130 | interrupted; nothing is half written |

| environment variable | meaning |
|---|---|
| `WIDELOAD_CACHE` | folder of the cache; otherwise `wideload` in `$XDG_CACHE_HOME` or `~/.cache` |
| `WIDELOAD_TO` | `local` or `aws`: what `--to` is where it is not given |
| `AWS_PROFILE`, `AWS_REGION`, … | with `--to aws`: all that boto3 reads |
| `UV_INDEX`, `UV_DEFAULT_INDEX`, … | package indexes and their credentials, as for uv |
"""


def commands() -> dict[str, click.Command]:
    """Every command that does something, by its full name without ``wideload``."""
    return dict(_commands(wideload, ""))


def _commands(group: click.Group, prefix: str) -> Iterator[tuple[str, click.Command]]:
    for name, command in sorted(group.commands.items()):
        if isinstance(command, click.Group):
            yield from _commands(command, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}", command


def _help(command: click.Command, name: str) -> str:
    parent: click.Context | None = None
    words = f"wideload {name}".split()
    for word in words[:-1]:
        parent = click.Context(click.Group(word), info_name=word, parent=parent)
    context = click.Context(
        command,
        info_name=words[-1],
        parent=parent,
        terminal_width=_WIDTH,
        max_content_width=_WIDTH,
        help_option_names=["-h", "--help"],
    )
    return command.get_help(context)


def page() -> str:
    """The whole page."""
    parts = [NOTICE, _HEAD, "\n## wideload\n\n", code(_help(wideload, ""), "text")]
    for name, command in commands().items():
        parts += [f"\n## wideload {name}\n\n", code(_help(command, name), "text")]
    return "".join(parts)
