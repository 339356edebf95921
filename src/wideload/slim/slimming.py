"""All rules in their order: a resolution and the user's files become the tree that ships."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Literal

import msgspec

from wideload.slim import edited, remembered
from wideload.slim.ahead import SlimAhead
from wideload.slim.libraries import library_batches, relay_libraries
from wideload.slim.makers import Making, Recalling
from wideload.slim.modules import compile_modules
from wideload.slim.parts import Parts
from wideload.slim.record import rewrite_records
from wideload.slim.runtime import provided_by_runtime, removal
from wideload.slim.sift import sift
from wideload.slim.survey import Survey, known_survey, survey_own, survey_wheels
from wideload.slim.traced import leave_out
from wideload.values.layout import lay, wheel_entries
from wideload.values.proposal import Removal
from wideload.values.resolution import Resolution, Wheel
from wideload.values.slimmed import Addition, Provided, Slimmed, SlimOptions
from wideload.values.tree import FileTree

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from wideload.cache import Cache
    from wideload.slim.makers import Maker
    from wideload.slim.sift import Sieve
    from wideload.values.unused import Chooser


_ESTIMATED = (
    "what ships is an estimate until the first build has read these wheels: of libraries laid "
    "anew and of byte-code the sizes are not known before"
)


class _Start(msgspec.Struct, frozen=True):
    """What is left once the runtime's own distributions are out."""

    tree: FileTree
    packed: tuple[Wheel, ...]
    removals: tuple[Removal, ...]
    provided: tuple[Provided, ...]
    notes: tuple[str, ...]
    additions: tuple[Addition, ...] = ()


def _start(
    resolution: Resolution,
    own: FileTree,
    options: SlimOptions,
    chooser: Chooser | None = None,
    cache: Cache | None = None,
) -> _Start:
    carried = {one.name for one in options.provided}
    by_runtime, notes = provided_by_runtime(resolution, carried, options.shadowed, options.base)
    provided = (*options.provided, *by_runtime)
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
    tree = lay(packed, own)
    if chooser is None or cache is None:
        return _Start(tree, packed, removals, provided, notes)
    names = {wheel.sha256: wheel.name for wheel in packed}
    cut = leave_out(tree, chooser.choose(tree), names, cache)
    return _Start(cut.tree, packed, (*removals, *cut.removals), provided, notes, cut.additions)


def _as_it_is(resolution: Resolution, own: FileTree, options: SlimOptions) -> Slimmed:
    carried = {one.name for one in options.provided}
    packed = [wheel for wheel in resolution.wheels if wheel.name not in carried]
    return Slimmed(lay(packed, own), provided=options.provided)


def slim(
    resolution: Resolution,
    own: FileTree,
    options: SlimOptions | None = None,
    cache: Cache | None = None,
    *,
    rules: Literal["safe", "none"] = "safe",
    chooser: Chooser | None = None,
    python: str | None = None,
) -> Slimmed:
    """What would be left to ship, as far as it is known without fetching a wheel.

    Exact where every wheel was slimmed before. Otherwise an estimate, from what paths tell
    alone; its tree cannot be built.

    :param cache: where what was derived is noted. Without one the only rule is that of what
        the runtime provides.
    :param rules: taken where there are no options.
    :param chooser: knows what of the wheels is used, where the rest is to go.
    :param python: a CPython of the target's minor version, for the function's own modules.

    :raises WideloadError: files of two sides do not fit into one folder, or what the chooser
        knows is not about these wheels.
    """
    options = options or SlimOptions(rules=rules)
    if options.rules == "none":
        return _as_it_is(resolution, own, options)
    if cache is None:
        start = _start(resolution, own, options)
        return Slimmed(start.tree, start.removals, start.provided, start.notes)
    key = remembered.key_of(resolution, own, options, chooser)
    before = remembered.recall(key, cache)
    if before is not None:
        return before
    survey = survey_own(own)
    edit = None if chooser else edited.key_of(resolution, own, survey, options)
    if edit:
        maker = Recalling(resolution.target, cache, surveyed=True, python=python)
        before = edited.recall(edit, own, options, maker, cache)
        if before is not None:
            remembered.remember(key, before, cache)
            return before
    start = _start(resolution, own, options, chooser, cache)
    surveys = {wheel.sha256: known_survey(wheel, cache) for wheel in start.packed}
    filled = {sha256: survey or Survey() for sha256, survey in surveys.items()}
    sieve = sift(start.tree, start.packed, filled, survey, options.keep)
    surveyed = None not in surveys.values()
    maker = Recalling(resolution.target, cache, surveyed=surveyed, python=python)
    slimmed = _finish(start, sieve, options, maker, cache)
    if slimmed.exact:
        _remember(key, edit, slimmed, cache)
    return slimmed


def slim_fetched(
    resolution: Resolution,
    own: FileTree,
    options: SlimOptions,
    paths: Mapping[str, Path],
    python: str | None,
    cache: Cache,
    progress: Callable[[int], None] = lambda _: None,
    chooser: Chooser | None = None,
    ahead: SlimAhead | None = None,
) -> Slimmed:
    """What is left to ship, exactly; what has to be made of the wheels' files is made.

    :param paths: where the wheels that are packed lie, by sha256.
    :param python: a CPython of the target's minor version. Without one, modules that were
        not compiled before are shipped as sources, and a note says what this costs.
    :param progress: told how many bytes of the files that are worked on are done.
    :param chooser: knows what of the wheels is used, where the rest is to go.
    :param ahead: began with the wheels while they arrived.

    :raises WideloadError: a wheel is broken inside, a file of the user's changed, files of
        two sides do not fit into one folder, or what the chooser knows is not about these
        wheels.
    """
    if options.rules == "none":
        return _as_it_is(resolution, own, options)
    key = remembered.key_of(resolution, own, options, chooser)
    before = remembered.recall(key, cache)
    if before is not None:
        return before
    start = _start(resolution, own, options, chooser, cache)
    target = resolution.target
    with (
        contextlib.nullcontext(ahead)
        if ahead
        else SlimAhead(target, cache, whole=chooser is None) as begun
    ):
        for wheel in start.packed:
            begun.arrived(wheel, paths[wheel.sha256])
        begun.workshop.python = python
        begun.finish_reading()
        surveys = survey_wheels(start.packed, paths, cache)
        maker = Making(target, cache, begun.workshop, progress)
        survey = survey_own(own)
        sieve = sift(start.tree, start.packed, surveys, survey, options.keep)
        slimmed = _finish(start, sieve, options, maker, cache)
    if slimmed.bytecode != "none" or options.bytecode == "none":
        edit = None if chooser else edited.key_of(resolution, own, survey, options)
        _remember(key, edit, slimmed, cache)
    return slimmed


def _remember(key: str, edit: str | None, slimmed: Slimmed, cache: Cache) -> None:
    """Keep an outcome, under its own key and that of all edits which come to the same."""
    remembered.remember(key, slimmed, cache)
    if edit:
        edited.remember(edit, key, cache)


def _finish(
    start: _Start, sieve: Sieve, options: SlimOptions, maker: Maker, cache: Cache
) -> Slimmed:
    parts = Parts(
        {entry.path: entry for one in sieve.wheels for entry in one.entries},
        [*start.removals, *sieve.removals],
        [*start.additions],
        [*start.notes, *sieve.notes],
        {wheel.name: wheel.sha256 for wheel in start.packed},
    )
    parts.entries.update((entry.path, entry) for entry in sieve.own)
    relay_libraries(parts, sieve, library_batches(start.tree, start.packed), maker)
    mode = compile_modules(parts, sieve, options, maker)
    rewrite_records(parts, sieve, cache)
    return Slimmed(
        tree=FileTree.of(parts.entries.values()),
        removals=tuple(parts.removals),
        provided=start.provided,
        notes=tuple(parts.notes) if maker.exact else (*parts.notes, _ESTIMATED),
        additions=tuple(parts.additions),
        bytecode=mode,
        exact=maker.exact,
    )
