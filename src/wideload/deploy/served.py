"""Which versions served: noted in the description of the alias, so that a rollback knows them."""

from __future__ import annotations

import re

# https://docs.aws.amazon.com/lambda/latest/api/API_UpdateAlias.html
_LONGEST = 256
_PREFIX = "served: "
_NOTE = re.compile(rf"{_PREFIX}(\d+(?:, \d+)*)")


def note(served: tuple[str, ...], version: str) -> str:
    """The description of an alias that moves to a version.

    :param served: the versions that served until then, oldest first; where they are too many
        the oldest are left out.
    """
    numbers = [number for number in served if number != version]
    while True:
        text = _PREFIX + ", ".join([*numbers, version])
        if len(text) <= _LONGEST or not numbers:
            return text
        del numbers[0]


def read(description: str) -> tuple[str, ...]:
    """The versions that a description notes, oldest first; none where it is no note."""
    found = _NOTE.fullmatch(description)
    return tuple(found[1].split(", ")) if found else ()
