"""Why a package is there and what leaving it out would free. Pure."""

from __future__ import annotations

import difflib
from collections import deque
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from wideload.errors import WideloadError
from wideload.values.account import accounts
from wideload.values.explanation import Explanation
from wideload.values.tree import Derived

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wideload.values.account import Account
    from wideload.values.resolution import Resolution, Wheel
    from wideload.values.slimmed import Slimmed

_MOST_PATHS = 8


def explain(package: str, resolution: Resolution, slimmed: Slimmed) -> Explanation:
    """The case of a package.

    :raises WideloadError: no package of this name is in the resolution.
    """
    wheels = {wheel.name: wheel for wheel in resolution.wheels}
    name = package if package in wheels else str(canonicalize_name(package))
    if name not in wheels:
        near = difflib.get_close_matches(name, wheels, n=1)
        raise WideloadError(
            f"{package} is not among the function's packages",
            why=f"they are {', '.join(wheels) or 'none'}",
            hint=f"did you mean {near[0]!r}?" if near else "name one of these",
        )
    asks = {
        owner.name: dict(zip(owner.required_names, owner.requires, strict=True))
        for owner in resolution.wheels
    }
    reached = _reachable(resolution.roots, asks, without="")
    left = _reachable(resolution.roots, asks, without=name)
    freed = (name, *sorted(reached - left - {name}))
    sizes = _packed(wheels, slimmed)
    by = {one.name: one.by for one in slimmed.provided}
    wheel = wheels[name]
    return Explanation(
        name=name,
        version=wheel.version,
        paths=_paths(name, resolution.roots, asks),
        raw_unzipped=wheel.unzipped_bytes,
        raw_zipped=wheel.zipped_bytes,
        packed_unzipped=sizes[name][0],
        packed_zipped=sizes[name][1],
        freed=freed,
        freed_unzipped=sum(sizes[one][0] for one in freed),
        freed_zipped=sum(sizes[one][1] for one in freed),
        provided_by=by.get(name),
        ledger=_ledger(name, slimmed),
    )


def _ledger(name: str, slimmed: Slimmed) -> tuple[Account, ...]:
    makers = {
        entry.path: entry.origin.maker
        for entry in slimmed.tree
        if isinstance(entry.origin, Derived)
    }
    return accounts(
        (one for one in slimmed.removals if one.package == name),
        (one for one in slimmed.additions if one.package == name),
        makers,
    )


def _reachable(
    roots: Iterable[str], asks: Mapping[str, Mapping[str, str]], *, without: str
) -> set[str]:
    seen: set[str] = set()
    queue = deque(root for root in roots if root != without)
    while queue:
        name = queue.popleft()
        if name not in seen:
            seen.add(name)
            queue.extend(child for child in asks.get(name, {}) if child != without)
    return seen


def _paths(
    name: str, roots: Iterable[str], asks: Mapping[str, Mapping[str, str]]
) -> tuple[tuple[str, ...], ...]:
    """Simple paths from the roots, breadth first, so that the shortest come first."""
    found: list[tuple[str, ...]] = []
    queue: deque[tuple[str, tuple[str, ...], tuple[str, ...]]] = deque(
        (root, (root,), (root,)) for root in sorted(roots)
    )
    # A path is found at the latest after all packages were passed once; the bound keeps a
    # densely knit resolution from being walked in every order.
    steps = 0
    while queue and len(found) < _MOST_PATHS and steps < 20_000:
        steps += 1
        at, names, words = queue.popleft()
        if at == name:
            found.append(words)
            continue
        for child, line in sorted(asks.get(at, {}).items()):
            if child not in names:
                queue.append((child, (*names, child), (*words, line)))
    return tuple(found)


def _packed(wheels: Mapping[str, Wheel], slimmed: Slimmed) -> dict[str, tuple[int, int]]:
    """Bytes that ship of each package, unzipped and in the zip, what was made of it among them."""
    names = {wheel.sha256: name for name, wheel in wheels.items()}
    sizes = dict.fromkeys(wheels, (0, 0))
    for entry in slimmed.tree:
        name = names.get(entry.wheel)
        if name:
            unzipped, zipped = sizes[name]
            zipped += entry.compressed_size + entry.zip_overhead
            sizes[name] = unzipped + entry.size, zipped
    return sizes
