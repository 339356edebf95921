"""Pieces of Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

NOTICE = "<!-- Made by scripts/make-reference from the code. Do not edit. -->\n\n"


def prose(docstring: str) -> str:
    """A docstring of the code as one line of Markdown."""
    return " ".join(docstring.split()).replace("``", "`")


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; cells are on one line, and a bar in one of them does not end it."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines
    )


def code(text: str, language: str = "") -> str:
    """A block of code."""
    return f"```{language}\n{text.rstrip()}\n```\n"
