"""Where docstrings stay though the configuration asks for modules without them.

Asserts always stay, as they would not under ``-OO``. Some code reads docstrings while it
runs: grammars, command lines and schemas are written in them. So they stay

- in the function's own files,
- in every file that speaks of docstrings itself (the compiling process sees to that),
- in all files of the distributions named here, and
- in all files of distributions that require one which reads the docstrings of its callers.

What is read from another file of the same distribution by no name is not seen by any of
these; `wideload verify --compare` shows whether it matters to a function.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterable

_READ_THEIR_OWN = frozenset(
    {
        "matplotlib",  # puts docstrings of one module together from those of others
        "numpy",  # numpy.ma asserts words of numpy's docstrings
        "pycparser",  # a grammar
        "zope-interface",  # part of what an interface is
    }
)
_READ_THOSE_OF_CALLERS = frozenset(
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
        "griffe",
        "langchain",
        "langchain-core",
        "mcp",
        "openai-agents",
        "plac",
        "ply",
        "pydantic",
        "pydantic-ai",
        "pydantic-settings",
        "sly",
        "spark-parser",
        "strawberry-graphql",
        "typer",
    }
)


def needs_docstrings(package: str, requires: Iterable[str] = ()) -> bool:
    """Whether docstrings of this distribution stay; those of the function's own always do.

    :param package: normalised name; empty for the function's own files.
    :param requires: what it requires on the target, PEP 508 lines.
    """
    if not package or package in _READ_THEIR_OWN | _READ_THOSE_OF_CALLERS:
        return True
    names = {canonicalize_name(Requirement(line).name) for line in requires}
    return not names.isdisjoint(_READ_THOSE_OF_CALLERS)
