"""The rule `docstrings`, only where it is asked for: compiled modules without docstrings.

Asserts stay, as they would not under ``-OO``. What reads docstrings while it runs is not
touched: grammars, command lines and schemas are written in them.
"""

from __future__ import annotations

_READ_DOCSTRINGS = frozenset(
    {
        "click-default-group",
        "cyclopts",
        "docopt",
        "docopt-ng",
        "docstring-parser",
        "fastapi",
        "fastmcp",
        "fire",
        "flasgger",
        "graphene",
        "langchain",
        "langchain-core",
        "matplotlib",
        "mcp",
        "numpy",  # numpy.ma asserts words of numpy's docstrings
        "openai-agents",
        "plac",
        "ply",
        "pycparser",
        "pydantic",
        "pydantic-ai",
        "pydantic-settings",
        "sly",
        "spark-parser",
        "strawberry-graphql",
        "typer",
        "zope-interface",
    }
)
"""Distributions that make behaviour of docstrings, their own or those of who calls them."""


def needs_docstrings(package: str) -> bool:
    """Whether docstrings of this distribution stay; those of the function's own always do."""
    return not package or package in _READ_DOCSTRINGS
