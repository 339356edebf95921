"""What a rule is given and what it answers."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator

import msgspec

from wideload.slim.survey import Survey


class Risk(enum.StrEnum):
    """How sure it is that nothing changes for the function."""

    SAFE = "safe"
    """Nothing that runs on Lambda reads it."""
    CHECKED = "checked"
    """Code could read it; that no code which ships asks for it was looked up."""
    OPT_IN = "opt-in"
    """Changes what code can see; only where the user asks for it."""


class Drop(msgspec.Struct, frozen=True):
    """A file that need not be shipped."""

    path: str
    reason: str


class Asked(msgspec.Struct, frozen=True):
    """What the code that ships asks for, that of all wheels and of the function together."""

    needed: frozenset[str] = frozenset()
    """Paths of tests, docs and examples that code imports or opens."""
    files: frozenset[str] = frozenset()
    """Names of source and Python files in strings, patterns (``*.h``, ``.h``) among them."""
    sources: frozenset[str] = frozenset()
    """Paths of all Python sources there are, whoever brings them."""
    compiler: str = ""
    """What may compile against headers of any package while it runs, if anything."""
    services: frozenset[str] = frozenset()
    """AWS services of which code makes clients."""
    services_unknown: str = ""
    """Where code makes a client of a service that cannot be told."""


class Subject(msgspec.Struct, frozen=True):
    """One wheel as a rule sees it."""

    name: str
    """Of the distribution, normalised."""
    paths: tuple[str, ...]
    survey: Survey = Survey()
    """Empty while the wheel was not fetched: then a rule finds what paths alone tell."""
    asked: Asked = Asked()


class Rule(msgspec.Struct, frozen=True):
    """One reason for which files go."""

    name: str
    """Name and version, e.g. ``tests/1``: another outcome is another version."""
    risk: Risk
    what: str
    """What it drops, in one line."""
    find: Callable[[Subject], Iterator[Drop]]
    """Pure: the same subject, the same drops."""
