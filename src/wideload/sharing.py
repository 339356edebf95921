"""How functions of one project that ship by layers are split, so that they share these.

The bytes of a function follow from its own files and its own committed record, whether it is
built alone or with all others.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from wideload.apart import JOBS, error_of, in_threads
from wideload.build.places import places_path, read_places, write_places
from wideload.plan.fleet import plan_fleet
from wideload.plan.split.pins import checked_pins
from wideload.plan.split.splitting import keep
from wideload.source.config import load_project
from wideload.values.fleet import FleetMember
from wideload.values.function import Strategy
from wideload.values.split import Split
from wideload.values.tree import WheelMember

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from wideload.errors import WideloadError
    from wideload.pipeline import Pipeline
    from wideload.prepared import Narrator, Prepared
    from wideload.values.proposal import Refusal


def shared_splits(
    pipeline: Pipeline, prepared: Mapping[str, Prepared], *, record: bool, jobs: int = JOBS
) -> dict[str, Split | Refusal]:
    """The splits of those among these functions that share layers with others of the project.

    These are the functions that the configuration ships by layers, if there are several. What
    was recorded of a function is kept to the letter, so that its bytes follow from it alone.
    Where nothing was recorded, or it has become impossible, all such functions of the project
    are split together, those with a record held to it.

    :param prepared: by name; with `record`, their trees are exact.
    :param record: write down what was chosen, for all functions that it was chosen for.
    """
    sharing = {
        name: one
        for name, one in prepared.items()
        if one.function.strategy is Strategy.LAYERS and _is_sound(one)
    }
    if not sharing:
        return {}
    root = Path(next(iter(sharing.values())).function.root)
    configured = load_project(root).functions
    fellows = sorted(name for name, one in configured.items() if one.strategy == Strategy.LAYERS)
    sharing = {name: one for name, one in sharing.items() if name in fellows}
    if len(fellows) < 2:
        return {}
    kept = {name: found for name, one in sharing.items() if (found := _kept(one)) is not None}
    if kept.keys() == sharing.keys():
        return dict(kept)
    absent = [name for name in fellows if name not in sharing]
    members = {**sharing, **_gather(pipeline, root, absent, exact=record, jobs=jobs)}
    plan = plan_fleet([_member(members[name]) for name in fellows if name in members])
    if record:
        _record(pipeline, members, plan.splits)
    return {name: plan.splits[name] for name in sharing}


def _is_sound(prepared: Prepared) -> bool:
    """Whether it can be planned with others; what is wrong with it, its own build tells."""
    function = prepared.function

    def check() -> None:
        checked_pins(function.split, prepared.resolution.wheels)
        read_places(places_path(function))

    return error_of(check) is None


def _kept(prepared: Prepared) -> Split | None:
    """The split that was recorded, if it is still possible; or the only one that there is."""
    member = _member(prepared)
    has_packages = any(isinstance(entry.origin, WheelMember) for entry in member.tree)
    if has_packages and not member.before:
        return None
    return keep(
        member.tree,
        member.wheels,
        member.target,
        member.before,
        attached=member.attached,
        pins=member.pins,
    )


def _member(prepared: Prepared) -> FleetMember:
    function = prepared.function
    return FleetMember(
        function.name,
        prepared.slimmed.tree,
        prepared.resolution.wheels,
        function.target,
        attached=prepared.attached.layers,
        pins=function.split,
        before=read_places(places_path(function)),
        held=True,
    )


def _gather(
    pipeline: Pipeline, root: Path, names: Sequence[str], *, exact: bool, jobs: int
) -> dict[str, Prepared]:
    """Others of the project, as far as they can be had."""
    found: dict[str, Prepared] = {}
    errors: dict[str, WideloadError] = {}
    pipes = {name: pipeline.told_to(_Of(name, pipeline.narrator)) for name in names}

    def attempt(name: str, get: Callable[[], Prepared]) -> None:
        def done() -> None:
            found[name] = get()

        error = error_of(done)
        if error is not None:
            errors[name] = error

    in_threads(
        lambda name: attempt(name, lambda: pipes[name].prepare(pipes[name].source(name, root))),
        names,
        jobs,
    )
    for name in names:
        # One after the other, since what is made of a wheel for one serves the next.
        if exact and name in found and not found[name].slimmed.exact:
            attempt(name, lambda name=name: pipes[name].fetch(found[name]).prepared)  # type: ignore[misc]
        if name in errors:
            pipeline.narrator.tell(f"note: split without {name}: {errors[name].what}")
    return {name: one for name, one in found.items() if name not in errors and _is_sound(one)}


class _Of:
    """Says which function something is told of that is not the one asked for."""

    def __init__(self, name: str, narrator: Narrator) -> None:
        self._name = name
        self._narrator = narrator

    def tell(self, line: str) -> None:
        self._narrator.tell(f"{self._name}: {line}")

    def progress(self, what: str, total: int) -> AbstractContextManager[Callable[[int], None]]:
        return self._narrator.progress(f"{self._name}: {what}", total)


def _record(
    pipeline: Pipeline, members: Mapping[str, Prepared], splits: Mapping[str, Split | Refusal]
) -> None:
    written = []
    for name, one in splits.items():
        if isinstance(one, Split) and one.places:
            path = places_path(members[name].function)
            if write_places(path, one.places):
                written.append(path.name)
    if written:
        pipeline.narrator.tell(f"split into {', '.join(written)}; commit what was written")
