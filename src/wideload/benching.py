"""Composes `wideload bench`: each way to start a function, made ready and timed beside the
others in one sandbox, with S3 as far away as it is for a function."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from wideload import mounting
from wideload.bench.measure import Contender, measure
from wideload.bench.shaper import Shaper
from wideload.bench.slow_files import lacking
from wideload.clouds import reach
from wideload.contenders import Baseline, Maker
from wideload.errors import WideloadError
from wideload.measurements import keep_measured
from wideload.prepared import local_state
from wideload.registry.http import UnreachableError
from wideload.values.function import Function, Slim, Strategy
from wideload.values.network import Network
from wideload.values.proposal import Plan, Proposal
from wideload.values.target import Family
from wideload.values.timing import BENCH_SCHEMA, Bench

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from wideload.pipeline import Pipeline
    from wideload.prepared import Narrator

_BASELINES: dict[Family, tuple[Baseline, ...]] = {
    Family.PYTHON: ("plain", "shell", "stream"),
    Family.NODE: ("plain", "shell"),
    Family.PROVIDED: ("plain", "shell"),
}
_ALIKE = (Strategy.DIRECT_ZIP, Strategy.S3_ZIP)
"""By whichever of these a package got there, it starts alike."""
_CHUNK = 1 << 20
_TIMEOUT = 300
_CALLS = 3
"""Warm calls after each cold start: a way that does its work anew at each takes long."""


class Order(msgspec.Struct, frozen=True):
    """What is to be measured."""

    runs: int = 5
    ways: tuple[str, ...] = ()
    """Strategies and names of baselines; none is each that works, and all of these."""
    memory: int | None = None
    """MB, instead of the configured."""
    slim: Slim | None = None
    """Instead of the configured."""
    network: Network = Network()


def bench(
    pipeline: Pipeline, narrator: Narrator, function: Function, order: Order, events: Sequence[Path]
) -> Bench:
    """Time cold and warm starts of each way.

    :param events: the first is invoked with; none is event.json of the function's folder, whose
        answer must be that of expected.json, where there is one.
    :raises WideloadError: a way is not known or is refused, there is no event, or this machine
        cannot run the function.
    """
    from wideload.sandbox.linux import LinuxSandbox  # noqa: PLC0415
    from wideload.verify.verifier import answers, read_cases  # noqa: PLC0415

    cases = read_cases(events, Path(function.source))
    if not cases:
        raise WideloadError(
            f"there is no event to invoke {function.name} with",
            why="its folder has no event.json",
            hint="write one, or name a file with --event",
        )
    maker = Maker(pipeline, _as_ordered(function, order))
    ways = _ways(maker.plan, _compared(function), order.ways)
    why = lacking()
    if why and not order.ways:
        ways = tuple(way for way in ways if way not in (Strategy.EFS, Strategy.S3_FILES))
        narrator.tell(f"note: efs and s3-files are not timed: {why}")
    endpoint = urlsplit(reach(Path(function.root)).endpoint)
    if endpoint.hostname is None or endpoint.port is None:
        raise AssertionError(f"the embedded AWS is at {endpoint.geturl()!r}")
    sandbox = LinuxSandbox(pipeline.cache.root)
    sandbox.prepare(function.target)
    contenders = []
    for way in ways:
        try:
            contenders.append(maker.contender(way))
        except UnreachableError as error:
            if way is not Strategy.IMAGE or order.ways:
                raise
            narrator.tell(f"note: image is not timed: {error.what}")
    shaper = Shaper((endpoint.hostname, endpoint.port), order.network)
    folders = [Path(mount.folder) for one in contenders for mount in one.spec.mounts]
    try:
        with mounting.slowed(contenders, maker.scratch) as slowed:
            behind = f"http://127.0.0.1:{shaper.port}"
            timings, missing = measure(
                sandbox,
                [_seen_through(one, behind) for one in slowed],
                cases[0].event,
                shaper,
                runs=order.runs,
                calls=_CALLS,
                answer=lambda payload: answers(cases[0], payload),
                warm=lambda: _read_far(Path(function.root), maker.sizes, folders),
                progress=_Counting(narrator, order.runs, len(contenders)).one,
            )
    finally:
        shaper.close()
    settings = maker.function.settings
    found = Bench(
        schema=BENCH_SCHEMA,
        function=function.name,
        target=function.target,
        memory=settings.memory,
        ephemeral=settings.ephemeral,
        network=order.network,
        timings=timings,
        missing=missing,
    )
    keep_measured(maker.prepared, found)
    return found


class _Counting:
    """Tells when each way was started once more."""

    def __init__(self, narrator: Narrator, runs: int, ways: int) -> None:
        self._narrator, self._runs, self._ways, self._done = narrator, runs, ways, 0

    def one(self, more: int) -> None:
        """A start is done."""
        self._done += more
        if self._done % self._ways == 0:
            self._narrator.tell(f"started each way: {self._done // self._ways} of {self._runs}")


def _as_ordered(function: Function, order: Order) -> Function:
    settings = function.settings
    if order.memory is not None:
        settings = msgspec.structs.replace(settings, memory=order.memory)
    return msgspec.structs.replace(
        function, settings=settings, slim=order.slim or function.slim, strategy="auto"
    )


def _seen_through(contender: Contender, endpoint: str) -> Contender:
    # A slow start is to be timed, not cut off.
    timeout = max(contender.spec.timeout, _TIMEOUT)
    spec = msgspec.structs.replace(contender.spec, endpoint=endpoint, timeout=timeout)
    return msgspec.structs.replace(contender, spec=spec)


def _ways(
    plan: Plan, compared: tuple[Baseline, ...], wanted: Sequence[str]
) -> tuple[Strategy | Baseline, ...]:
    """The ways to measure.

    :raises WideloadError: one is not known, or is refused.
    """
    feasible = [one.strategy for one in plan.candidates if isinstance(one, Proposal)]
    if not wanted:
        alike = [strategy for strategy in feasible if strategy in _ALIKE][1:]
        return (*(one for one in feasible if one not in alike), *compared)
    known: dict[str, Strategy | Baseline] = {
        **{one.strategy.value: one.strategy for one in plan.candidates},
        **{name: name for name in compared},
    }
    for name in wanted:
        if name not in known:
            raise WideloadError(
                f"there is no way {name!r} to start {plan.function}",
                why=f"known are {', '.join(known)}",
            )
    found = tuple(dict.fromkeys(known[name] for name in wanted))
    for way in found:
        if isinstance(way, Strategy) and way not in feasible:
            raise WideloadError(
                f"{way} is no way to ship {plan.function}",
                hint=f"`wideload plan {plan.function}` says why",
            )
    return found


def _compared(function: Function) -> tuple[Baseline, ...]:
    """What the ways to ship a function are compared with."""
    usual = _BASELINES[function.target.family]
    return ("whole", *usual) if function.bundle_start == "traced" else usual


def _read_far(root: Path, sizes: Collection[int], mounted: Sequence[Path]) -> None:
    """Read again what is not on the function's own machine: how S3 and a file system keep what
    they hold is in their latency already.

    :param sizes: of objects of S3.
    :param mounted: folders that stand for file systems.
    """
    objects = local_state(root) / "objects"
    for folder, wanted in ((objects, sizes), *((one, None) for one in mounted)):
        for path in folder.rglob("*"):
            if path.is_file() and (wanted is None or path.stat().st_size in wanted):
                with path.open("rb") as file:
                    while file.read(_CHUNK):
                        pass
