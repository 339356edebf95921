"""The rule `scripts`: commands in bin/ that only an installer could make valid."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wideload.slim.rules.rule import Drop, Risk, Rule, Subject

if TYPE_CHECKING:
    from collections.abc import Iterator


def _find(subject: Subject) -> Iterator[Drop]:
    for path in subject.survey.scripts:
        yield Drop(path, "its first line is #!python, which only an installer makes valid")


RULE = Rule("scripts/1", Risk.SAFE, "commands that cannot be started", _find)
