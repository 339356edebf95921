"""Guessing what a mistyped name was meant to be."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name most like this one, or empty where none is."""
    by_lower = {each.lower(): each for each in known}
    matches = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[matches[0]] if matches else ""


def by_likeness(name: str, known: Iterable[str]) -> list[str]:
    """All known names, those most like this one first, equals in alphabetical order."""

    def unlikeness(each: str) -> tuple[float, str]:
        ratio = difflib.SequenceMatcher(None, name.lower(), each.lower()).ratio()
        return (-ratio, each)

    return sorted(known, key=unlikeness)
