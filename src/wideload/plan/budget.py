"""The user's own limits on a package, and what made it grow past them. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wideload.errors import WideloadError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from wideload.values.artifact import Manifest
    from wideload.values.function import Function
    from wideload.values.resolution import Resolution
    from wideload.values.tree import FileTree

_OWN = "the function's own files"
_SHOWN = 5


def over_budget(function: Function, tree: FileTree) -> tuple[str, ...]:
    """A line for each budget of the configuration that a package is over."""
    return tuple(
        f"{actual - allowed:,} bytes over the budget: {key} allows {allowed:,} bytes, the package "
        f"has {actual:,}"
        for key, allowed, actual in _exceeded(function, tree)
    )


def check_budget(
    function: Function, tree: FileTree, resolution: Resolution, before: Manifest | None
) -> None:
    """Refuse a package that is over a budget of the configuration.

    :param before: of the last build, to say what grew since.
    :raises WideloadError: it is over.
    """
    for key, allowed, actual in _exceeded(function, tree):
        raise WideloadError(
            f"{function.name} is {actual - allowed:,} bytes over its budget",
            why=f"{key} allows {allowed:,} bytes, the package has {actual:,}; "
            + _growth(_by_package(tree, resolution), before),
            hint=f"`wideload explain PACKAGE {function.name}` shows why a package is there; or "
            "raise the budget",
        )


def _exceeded(function: Function, tree: FileTree) -> Iterator[tuple[str, int, int]]:
    """Key, bytes allowed and bytes there of each budget that is not kept to."""
    for key, allowed, actual in (
        ("max_unzipped", function.budget.max_unzipped, tree.unzipped_bytes),
        ("max_zipped", function.budget.max_zipped, tree.zipped_bytes),
    ):
        if allowed is not None and actual > allowed:
            yield key, allowed, actual


def _by_package(tree: FileTree, resolution: Resolution) -> dict[str, int]:
    names = {wheel.sha256: wheel.name for wheel in resolution.wheels}
    sizes: dict[str, int] = {}
    for entry in tree:
        name = names.get(entry.wheel, _OWN)
        sizes[name] = sizes.get(name, 0) + entry.size
    return sizes


def _growth(now: Mapping[str, int], before: Manifest | None) -> str:
    largest = sorted(now, key=lambda name: -now[name])[:_SHOWN]
    parts = "its largest parts are " + ", ".join(f"{name} ({now[name]:,})" for name in largest)
    if before is None:
        return parts
    wheels = {wheel.filename: wheel.name for wheel in before.wheels}
    then: dict[str, int] = {}
    for file in before.files:
        name = wheels.get(file.origin.partition(" by ")[0], _OWN)
        then[name] = then.get(name, 0) + file.size
    grown = {name: size - then.get(name, 0) for name, size in now.items()}
    most = sorted((name for name in grown if grown[name] > 0), key=lambda name: -grown[name])
    if not most:
        return f"nothing of it grew since the last build; {parts}"
    return "since the last build grew " + ", ".join(
        f"{name} (+{grown[name]:,})" for name in most[:_SHOWN]
    )
