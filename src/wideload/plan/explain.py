"""Why a package is there and what leaving it out would free. Pure."""

from __future__ import annotations

import difflib
from collections import Counter, deque
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from wideload.errors import WideloadError
from wideload.values.explanation import Account, Explanation
from wideload.values.layout import wheel_entries

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

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
    sizes = _packed(wheels.values(), slimmed)
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
    """By rule, what saves most first."""
    lines = [
        (one.rule, one.reason, one.saved_unzipped, one.saved_zipped)
        for one in slimmed.removals
        if one.package == name
    ]
    lines += [
        (one.rule, one.reason, -one.unzipped_bytes, -one.zipped_bytes)
        for one in slimmed.additions
        if one.package == name
    ]
    files = Counter(rule for rule, *_ in lines)
    unzipped, zipped = Counter[str](), Counter[str]()
    reasons: dict[str, Counter[str]] = {rule: Counter() for rule in files}
    for rule, reason, saved, saved_zipped in lines:
        unzipped[rule] += saved
        zipped[rule] += saved_zipped
        reasons[rule][reason] += abs(saved)
    accounts = [
        Account(rule, max(found, key=lambda why: (found[why], why)), files[rule],
                unzipped[rule], zipped[rule])
        for rule, found in reasons.items()
    ]  # fmt: skip
    return tuple(sorted(accounts, key=lambda one: (-one.saved_unzipped, one.rule)))


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


def _packed(wheels: Iterable[Wheel], slimmed: Slimmed) -> dict[str, tuple[int, int]]:
    """Bytes that ship of each package, unzipped and in the zip."""
    owner: dict[str, str] = {}
    sizes: dict[str, tuple[int, int]] = {}
    for wheel in wheels:
        sizes[wheel.name] = (0, 0)
        owner.update((entry.path, wheel.name) for entry in wheel_entries(wheel))
    provided = {one.name for one in slimmed.provided}
    for entry in slimmed.tree:
        # Byte-code made of a module belongs to whoever has the module.
        name = owner.get(entry.path) or owner.get(_source_of(entry.path))
        if name and name not in provided:
            unzipped, zipped = sizes[name]
            sizes[name] = (
                unzipped + entry.size,
                zipped + entry.compressed_size + entry.zip_overhead,
            )
    return sizes


def _source_of(path: str) -> str:
    if not path.endswith(".pyc"):
        return path
    folder, _, file = path.rpartition("/")
    if folder.endswith("__pycache__"):
        parent = folder.removesuffix("__pycache__").rstrip("/")
        module = file.split(".", 1)[0]
        return f"{parent}/{module}.py" if parent else f"{module}.py"
    return path.removesuffix("c")
