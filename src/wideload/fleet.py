"""Many functions of a project at once: planned together, built, deployed side by side.

What fails of one function leaves the others whole. Composes what `pipeline` does for one.
"""

from __future__ import annotations

import queue
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeVar

import msgspec

from wideload.apart import JOBS, error_of, in_threads
from wideload.errors import WideloadError
from wideload.pipeline import smoke_of
from wideload.sharing import shared_splits
from wideload.source.choose import find_function
from wideload.source.config import load_project

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from wideload.clouds import Destination
    from wideload.deploy.cloud import Cloud
    from wideload.deploy.progress import Progress
    from wideload.pipeline import Pipeline, Terms
    from wideload.prepared import Built, Fetched, Narrator, Prepared
    from wideload.values.deployment import DeploymentResult
    from wideload.values.function import Strategy
    from wideload.values.proposal import Plan

One = TypeVar("One")
Made = TypeVar("Made")
Outcomes: TypeAlias = "dict[str, Made | WideloadError]"
"""By function, in the order asked: what was made, or why it was not."""


class Watcher(Protocol):
    """Whoever shows how far many functions are. Called from several threads."""

    def begins(self, what: str, total: int) -> None:
        """So many functions are to be gone through now."""
        ...

    def ended(self, name: str, error: WideloadError | None) -> None:
        """One of them is through, or has failed for good."""
        ...

    def narrator(self, name: str) -> Narrator:
        """Who is told of one function; of all, if there is no name."""
        ...

    def deployment(self, name: str) -> Progress:
        """Who is told of the deployment of one function."""
        ...


class Selected(msgspec.Struct, frozen=True):
    """Functions of one project."""

    root: Path
    names: tuple[str, ...]


def selected(wanted: Sequence[str], start: Path, *, everything: bool) -> Selected:
    """Which functions are meant, each once.

    :param wanted: names, or paths of functions' folders.
    :raises WideloadError: no such function, or functions of several projects.
    """
    if everything:
        if wanted:
            raise WideloadError(
                "which functions?",
                why=f"both --all and {', '.join(wanted)} were given",
                hint="leave out one of the two",
            )
        project = load_project(start)
        return Selected(Path(project.root), tuple(project.functions))
    found = [find_function(one, start) for one in wanted]
    roots = dict.fromkeys(project.root for project, _ in found)
    if len(roots) != 1:
        raise WideloadError(
            "functions of several projects at once",
            why=f"they lie in {', '.join(roots)}",
            hint="name those of one project",
        )
    return Selected(Path(next(iter(roots))), tuple(dict.fromkeys(name for _, name in found)))


class Fleet:
    """Some functions of a project.

    :param jobs: functions that are worked on at once, at most.
    :param strategy: ship all of them this way instead of the configured one.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        selected: Selected,
        watcher: Watcher,
        *,
        jobs: int = JOBS,
        strategy: Strategy | None = None,
        upgrade: bool = False,
    ) -> None:
        self._named = selected
        self._watcher = watcher
        self._jobs = jobs
        self._strategy = strategy
        self._upgrade = upgrade
        self._pipeline = pipeline.told_to(watcher.narrator(""))
        self._pipes = {name: pipeline.told_to(watcher.narrator(name)) for name in selected.names}

    def plan(self) -> Outcomes[Plan]:
        """Every way to ship each of them, those with layers split together."""
        prepared = self._prepare(compare=False)
        shared = shared_splits(self._pipeline, _whole(prepared), record=False, jobs=self._jobs)
        self._watcher.begins("weighing", len(_whole(prepared)))

        def weigh(name: str, one: Prepared) -> Plan:
            plan = self._pipes[name].plan(one, shared.get(name))
            self._watcher.ended(name, None)
            return plan

        return self._each(prepared, weigh, jobs=1)

    def build(self) -> Outcomes[Built]:
        """The artifacts of each.

        One after the other, since each takes all of the machine, and what one has made of a
        wheel the next one finds.
        """
        return self._built(lambda name, _: self._watcher.ended(name, None))

    def deploy(
        self, destination: Destination, terms: Terms, *, smoke: bool = True
    ) -> Outcomes[DeploymentResult]:
        """Build each and let its callers get to it; the next is built meanwhile.

        :param smoke: try each with the ``event.json`` of its folder, where there is one.
        """
        from wideload.deploy.once import Once  # noqa: PLC0415

        once = Once()
        # A session of boto3 is not to be shared between threads.
        clouds: queue.SimpleQueue[Cloud] = queue.SimpleQueue()
        for _ in range(min(self._jobs, len(self._named.names))):
            clouds.put(self._pipeline.cloud(self._named.root, destination))
        deployed: Outcomes[DeploymentResult] = {}

        def deploy(name: str, built: Built) -> None:
            cloud = clouds.get()
            try:
                deployed[name] = self._pipes[name].deploy(
                    built,
                    cloud,
                    smoke_of(Path(built.function.source)) if smoke else None,
                    terms,
                    self._watcher.deployment(name),
                    once,
                )
                self._watcher.ended(name, None)
            finally:
                clouds.put(cloud)

        def guarded(name: str, built: Built) -> None:
            error = error_of(lambda: deploy(name, built))
            if error is not None:
                deployed[name] = error
                self._watcher.ended(name, error)

        with ThreadPoolExecutor(self._jobs, "deploy") as pool:
            try:
                built = self._built(lambda name, built: pool.submit(guarded, name, built))
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        return {
            name: one if isinstance(one, WideloadError) else deployed[name]
            for name, one in built.items()
        }

    def _prepare(self, *, compare: bool) -> Outcomes[Prepared]:
        """Read, resolve and slim each."""

        def prepare(name: str, _: None) -> Prepared:
            pipe = self._pipes[name]
            function = pipe.source(name, self._named.root)
            if self._strategy is not None:
                function = msgspec.structs.replace(function, strategy=self._strategy)
            return pipe.prepare(function, upgrade=self._upgrade, compare=compare)

        self._watcher.begins("resolving", len(self._named.names))
        return self._each(dict.fromkeys(self._named.names), prepare, jobs=self._jobs)

    def _built(self, then: Callable[[str, Built], object]) -> Outcomes[Built]:
        fetched = self._each(
            self._prepare(compare=True), lambda name, one: self._pipes[name].fetch(one), jobs=1
        )
        prepared = {name: one.prepared for name, one in _whole(fetched).items()}
        shared = shared_splits(self._pipeline, prepared, record=True, jobs=self._jobs)
        self._watcher.begins("shipping", len(prepared))

        def pack(name: str, one: Fetched) -> Built:
            built = self._pipes[name].pack(one, shared.get(name))
            then(name, built)
            return built

        return self._each(fetched, pack, jobs=1)

    def _each(
        self,
        given: Mapping[str, One | WideloadError],
        work: Callable[[str, One], Made],
        *,
        jobs: int,
    ) -> Outcomes[Made]:
        """What comes of each that has not failed before."""
        outcomes: dict[str, Made | WideloadError] = {}

        def one(name: str) -> None:
            before = given[name]
            if isinstance(before, WideloadError):
                outcomes[name] = before
                return

            def done() -> None:
                outcomes[name] = work(name, before)

            error = error_of(done)
            if error is not None:
                outcomes[name] = error
                self._watcher.ended(name, error)

        in_threads(one, given, jobs)
        return {name: outcomes[name] for name in given}


def _whole(outcomes: Mapping[str, Made | WideloadError]) -> dict[str, Made]:
    return {name: one for name, one in outcomes.items() if not isinstance(one, WideloadError)}
