"""Carries out what was chosen by use: files go before every rule, others say that they went."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from wideload.slim.derived import put
from wideload.slim.ledger import added, removed
from wideload.values.proposal import Removal
from wideload.values.slimmed import Addition
from wideload.values.tree import FileTree, WheelMember

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wideload.cache import Cache
    from wideload.values.unused import Unused


class Cut(msgspec.Struct, frozen=True):
    """What is left of a raw tree, and the account of what is not."""

    tree: FileTree
    removals: tuple[Removal, ...]
    additions: tuple[Addition, ...]


def leave_out(tree: FileTree, unused: Unused, names: Mapping[str, str], cache: Cache) -> Cut:
    """Take out what is not used and put in the files that say so.

    :param names: of the wheels, by sha256.
    :raises ValueError: the function has a file of its own in the place of one of these.
    """
    removals = []
    for entry in tree:
        if entry.path in unused.paths:
            origin = entry.origin
            package = names[origin.wheel] if isinstance(origin, WheelMember) else ""
            removals.append(removed(entry, unused.rule, unused.reason, package))
    made = [put(path, data, cache).entry(path, 0o644, unused.rule) for path, data in unused.files]
    left = tree.where(lambda entry: entry.path not in unused.paths)
    return Cut(
        FileTree.of([*left, *made]),
        tuple(removals),
        tuple(added(entry, unused.rule, unused.why_files, "") for entry in made),
    )
