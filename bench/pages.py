"""Tables of a bench: shown in the terminal, and put into the page of the docs they belong to."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def show(rows: Sequence[tuple[str, ...]], width: int, *, words: int = 0) -> None:
    """Print a table, the first row of which is its head and the first column names.

    :param words: so many of the last columns hold words; numbers are set to the right.
    """
    head, *body = rows
    table = Table(box=box.SIMPLE_HEAD)
    for index, column in enumerate(head):
        table.add_column(column, justify="right" if 0 < index < len(head) - words else "left")
    for row in body:
        table.add_row(*row)
    Console(width=width).print(table)


def markdown(rows: Sequence[tuple[str, ...]], *, words: int = 0) -> str:
    """The same table for a page, ending in a newline."""
    head, *body = rows
    ruler = ("---", *("---:" for _ in head[1 : len(head) - words]), *("---" for _ in range(words)))
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, ruler, *body))


def put(page: Path, maker: str, text: str) -> None:
    """Replace what a bench made of a page before, between the two comments with its name.

    :param maker: path of the bench, as the comments have it.
    :param text: Markdown that ends in a newline.
    """
    begin, end = f"<!-- made by {maker} -->\n", f"<!-- end of {maker} -->\n"
    before, begun, rest = page.read_text(encoding="utf-8").partition(begin)
    _, ended, after = rest.partition(end)
    if not (begun and ended):
        sys.exit(f"{page.name} has no place for what {maker} makes")
    page.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")
