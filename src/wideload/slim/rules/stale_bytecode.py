"""The rule `stale-bytecode`: compiled modules that the interpreter would not load."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wideload.slim.rules.rule import Drop, Risk, Rule, Subject

if TYPE_CHECKING:
    from collections.abc import Iterator


def _find(subject: Subject) -> Iterator[Drop]:
    for path in subject.paths:
        if not path.endswith((".pyc", ".pyo")):
            continue
        if "__pycache__" in path.split("/")[:-1]:
            # Without its source it is never loaded from there; with it, its date is another
            # than that of the source, since zips of functions have no dates.
            yield Drop(path, "compiled for other dates of the sources, so never loaded")
        elif path[:-1] in subject.asked.sources:
            yield Drop(path, "the source beside it is taken first")


RULE = Rule("stale-bytecode/1", Risk.SAFE, "compiled modules that are not loaded", _find)
