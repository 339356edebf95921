"""All rules in their order: a resolution and the user's files become the tree that ships."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from wideload.slim import remembered
from wideload.slim.libraries import relay_libraries
from wideload.slim.makers import Making, Recalling
from wideload.slim.modules import compile_modules
from wideload.slim.parts import Parts
from wideload.slim.record import rewrite_records
from wideload.slim.runtime import provided_by_runtime, removal
from wideload.slim.sift import sift
from wideload.slim.survey import Survey, known_survey, survey_own, survey_wheels
from wideload.values.layout import lay, wheel_entries
from wideload.values.proposal import Removal
from wideload.values.resolution import Resolution, Wheel
from wideload.values.slimmed import Provided, Slimmed, SlimOptions
from wideload.values.tree import FileTree

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from wideload.cache import Cache
    from wideload.slim.makers import Maker
    from wideload.slim.sift import Sieve


class _Start(msgspec.Struct, frozen=True):
    """What is left once the runtime's own distributions are out."""

    tree: FileTree
    packed: tuple[Wheel, ...]
    removals: tuple[Removal, ...]
    provided: tuple[Provided, ...]
    notes: tuple[str, ...]


def _start(resolution: Resolution, own: FileTree) -> _Start:
    provided, notes = provided_by_runtime(resolution)
    gone = {one.name for one in provided}
    packed = tuple(
        sorted(
            (wheel for wheel in resolution.wheels if wheel.name not in gone),
            key=lambda wheel: wheel.name,
        )
    )
    removals = tuple(
        removal(entry, wheel)
        for wheel in resolution.wheels
        if wheel.name in gone
        for entry in wheel_entries(wheel)
    )
    return _Start(lay(packed, own), packed, removals, provided, notes)


def slim(
    resolution: Resolution,
    own: FileTree,
    options: SlimOptions | None = None,
    cache: Cache | None = None,
    *,
    rules: Literal["safe", "none"] = "safe",
) -> Slimmed:
    """What would be left to ship, as far as it is known without fetching a wheel.

    Exact where every wheel was slimmed before. Otherwise an estimate, from what paths tell
    alone; its tree cannot be built.

    :param cache: where what was derived is noted. Without one the only rule is that of what
        the runtime provides.
    :param rules: taken where there are no options.

    :raises WideloadError: files of two sides do not fit into one folder.
    """
    options = options or SlimOptions(rules=rules)
    if options.rules == "none":
        return Slimmed(lay(resolution.wheels, own))
    if cache is None:
        start = _start(resolution, own)
        return Slimmed(start.tree, start.removals, start.provided, start.notes)
    key = remembered.key_of(resolution, own, options)
    before = remembered.recall(key, cache)
    if before is not None:
        return before
    start = _start(resolution, own)
    surveys = {wheel.sha256: known_survey(wheel, cache) for wheel in start.packed}
    filled = {sha256: survey or Survey() for sha256, survey in surveys.items()}
    sieve = sift(start.tree, start.packed, filled, survey_own(own), options.keep)
    maker = Recalling(resolution.target, cache, surveyed=None not in surveys.values())
    return _finish(start, sieve, options, maker, cache)


def slim_fetched(
    resolution: Resolution,
    own: FileTree,
    options: SlimOptions,
    paths: Mapping[str, Path],
    python: str | None,
    cache: Cache,
    progress: Callable[[int], None] = lambda _: None,
) -> Slimmed:
    """What is left to ship, exactly; what has to be made of the wheels' files is made.

    :param paths: where the wheels that are packed lie, by sha256.
    :param python: a CPython of the target's minor version. Without one, modules that were
        not compiled before are shipped as sources, and a note says what this costs.
    :param progress: told how many bytes of the files that are worked on are done.

    :raises WideloadError: a wheel is broken inside, a file of the user's changed, or files of
        two sides do not fit into one folder.
    """
    if options.rules == "none":
        return Slimmed(lay(resolution.wheels, own))
    key = remembered.key_of(resolution, own, options)
    before = remembered.recall(key, cache)
    if before is not None:
        return before
    start = _start(resolution, own)
    surveys = survey_wheels(start.packed, paths, cache)
    sieve = sift(start.tree, start.packed, surveys, survey_own(own), options.keep)
    maker = Making(resolution.target, cache, paths, python, progress)
    slimmed = _finish(start, sieve, options, maker, cache)
    if slimmed.bytecode != "none" or options.bytecode == "none":
        remembered.remember(key, slimmed, cache)
    return slimmed


def _finish(
    start: _Start, sieve: Sieve, options: SlimOptions, maker: Maker, cache: Cache
) -> Slimmed:
    parts = Parts(
        {entry.path: entry for one in sieve.wheels for entry in one.entries},
        [*start.removals, *sieve.removals],
        [],
        [*start.notes, *sieve.notes],
    )
    parts.entries.update((entry.path, entry) for entry in sieve.own)
    relay_libraries(parts, sieve, maker)
    mode = compile_modules(parts, sieve, options, maker)
    rewrite_records(parts, sieve, cache)
    return Slimmed(
        tree=FileTree.of(parts.entries.values()),
        removals=tuple(parts.removals),
        provided=start.provided,
        notes=tuple(parts.notes),
        additions=tuple(parts.additions),
        bytecode=mode,
        exact=maker.exact,
    )
