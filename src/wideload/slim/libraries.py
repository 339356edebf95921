"""Puts libraries laid anew in the place of those of the wheels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wideload.slim import derive
from wideload.slim.elf.relay import MAKER
from wideload.slim.elf.sealed import seal
from wideload.values.tree import WheelMember

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wideload.slim.derive import Batch
    from wideload.slim.makers import Maker
    from wideload.slim.parts import Parts
    from wideload.slim.sift import Sieve
    from wideload.values.resolution import Wheel
    from wideload.values.tree import FileEntry, FileTree

_NO_LOSS = "nothing in it that no segment loads"


def library_batches(tree: FileTree, wheels: Sequence[Wheel]) -> list[Batch]:
    """The libraries of each wheel, known before any rule was asked.

    :param tree: what there is before the rules.
    """
    groups: dict[str, list[FileEntry]] = {wheel.sha256: [] for wheel in wheels}
    for entry in tree:
        if isinstance(entry.origin, WheelMember):
            groups[entry.origin.wheel].append(entry)
    return [derive.libraries(entries) for entries in groups.values()]


def relay_libraries(parts: Parts, sieve: Sieve, batches: Sequence[Batch], maker: Maker) -> None:
    """Lay every library that is left of the wheels anew, where that makes it smaller.

    :param batches: of the libraries of all wheels, in the order of the sieve's.
    """
    left: list[tuple[str, str]] = []
    for one, made in zip(sieve.wheels, maker.make(batches), strict=True):
        for entry in one.entries:
            path = entry.path
            if path not in made or path in one.untouched:
                continue
            file = made[path]
            reason = seal(path, sieve.paths) or ("" if file.done else file.reason)
            if reason:
                left.append((path, reason))
            else:
                changed = file.entry(path, parts.entries[path].mode, MAKER)
                parts.change(changed, MAKER, file.reason, one.wheel.name)
    if maker.exact:
        parts.note_left(
            "left as they are",
            ((path, reason) for path, reason in left if reason != _NO_LOSS),
        )
