"""Puts libraries laid anew in the place of those of the wheels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wideload.slim import derive
from wideload.slim.elf.relay import MAKER

if TYPE_CHECKING:
    from wideload.slim.makers import Maker
    from wideload.slim.parts import Parts
    from wideload.slim.sift import Sieve

_NO_LOSS = "nothing in it that no segment loads"


def relay_libraries(parts: Parts, sieve: Sieve, maker: Maker) -> None:
    """Lay every library of the wheels anew, where that makes it smaller."""
    batches = [
        derive.libraries(
            (entry for entry in one.entries if entry.path not in one.untouched), sieve.paths
        )
        for one in sieve.wheels
    ]
    left: list[tuple[str, str]] = []
    for one, made in zip(sieve.wheels, maker.make(batches), strict=True):
        for path, file in made.items():
            if not file.done:
                left.append((path, file.reason))
                continue
            entry = file.entry(path, parts.entries[path].mode, MAKER)
            parts.change(entry, MAKER, file.reason, one.wheel.name)
    if maker.exact:
        parts.note_left(
            "left as they are",
            ((path, reason) for path, reason in left if reason != _NO_LOSS),
        )
