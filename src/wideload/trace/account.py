"""How much of each package was used, and how much of it the rule `traced` would ship."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wideload.trace.keep import keep
from wideload.trace.paths import as_source
from wideload.values.profile import PackageUse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wideload.values.profile import Profile
    from wideload.values.tree import FileTree


def account(
    tree: FileTree, profile: Profile, names: Mapping[str, str], patterns: Sequence[str] = ()
) -> tuple[PackageUse, ...]:
    """What of a tree was used, the biggest package first.

    :param names: of the wheels, by sha256.
    :param patterns: of the key ``keep``.
    """
    kept = keep(tree, profile, patterns).tree.by_path
    sums: dict[str, list[int]] = {}
    for entry in tree:
        counts = sums.setdefault(names.get(entry.wheel, ""), [0] * 6)
        is_used = as_source(entry.path) in profile.files
        for at, counted in enumerate((is_used, entry.path in kept, True)):
            counts[2 * at] += counted
            counts[2 * at + 1] += entry.size * counted
    found = [PackageUse(name, *counts) for name, counts in sums.items()]
    return tuple(sorted(found, key=lambda use: (-use.bytes, use.name)))
