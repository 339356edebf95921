"""Which units of a bundle are cold: fetched only when something first wants a file of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wideload.build.bundle.units import METADATA

if TYPE_CHECKING:
    from collections.abc import Mapping

_CODE = re.compile(r".*\.(?:py|pyc|pyi|so(?:\.[^/]*)?)|(?:.*/)?py\.typed")


def with_data_below(
    wanted: Mapping[str, frozenset[str]], units: Mapping[str, str]
) -> dict[str, frozenset[str]]:
    """What units want, and with each the units below it that hold data: C code opens files of its
    own package by their paths, and Python is not told of it."""
    data = {unit for path, unit in units.items() if not _CODE.fullmatch(path)}
    below: dict[str, set[str]] = {}
    for unit in data:
        above = unit.rpartition("/")[0]
        while above:
            below.setdefault(above, set()).add(unit)
            above = above.rpartition("/")[0]
    return {unit: found | below.get(unit, set()) for unit, found in wanted.items()}


def with_metadata_alone(
    wanted: Mapping[str, frozenset[str]], units: Mapping[str, str]
) -> dict[str, frozenset[str]]:
    """What units want, metadata wanting nothing but metadata: who asks for the version of a cold
    distribution does not ask for its shared libraries."""
    metadata = frozenset(unit for path, unit in units.items() if METADATA.fullmatch(path))
    return {unit: metadata if unit in metadata else found for unit, found in wanted.items()}


def cold_paths(
    owners: Mapping[str, str],
    units: Mapping[str, str],
    wanted: Mapping[str, frozenset[str]],
    unused: frozenset[str],
) -> frozenset[str]:
    """The paths of cold units, each unit whole.

    A unit is hot when any of its files was used, and so is what must be there before its
    modules run. The user's own files and metadata are hot, which are read without being
    imported; and what lies at the root, which is seen when the root is listed.

    :param owners: sha256 of the wheel that each path is of; empty for the user's own.
    :param units: the unit of each path.
    :param wanted: for each unit those that must be there as well.
    :param unused: paths that no traced event used.
    """
    used = {
        units[path]
        for path, owner in owners.items()
        if path not in unused or not owner or "/" not in path or METADATA.fullmatch(path)
    }
    hot = {each for unit in used for each in wanted[unit]}
    return frozenset(path for path, unit in units.items() if unit not in hot)
