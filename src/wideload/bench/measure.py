"""Starts environments again and again and writes down what each phase took."""

from __future__ import annotations

import contextlib
import json
import os
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from wideload import limits
from wideload.errors import WideloadError
from wideload.values.environment import EnvironmentSpec
from wideload.values.invocation import Invocation, Outcome
from wideload.values.timing import PHASES, Phase, Start, Timing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wideload.bench.shaper import Shaper
    from wideload.values.environment import Sandbox

INIT_TIMEOUT_MS = 1000 * limits.INIT_SECONDS
"""What an init that was given up took of a cold start, before it was run again."""
_DROP = Path("/proc/sys/vm/drop_caches")


class Contender(msgspec.Struct, frozen=True):
    """A way to ship, ready to be started."""

    way: str
    what: str
    spec: EnvironmentSpec


def measure(
    sandbox: Sandbox,
    contenders: Sequence[Contender],
    event: bytes,
    shaper: Shaper,
    *,
    runs: int,
    calls: int = 5,
    answer: Callable[[bytes], bool] = lambda _: True,
    warm: Callable[[], None] = lambda: None,
    progress: Callable[[int], None] = lambda _: None,
) -> tuple[tuple[Timing, ...], tuple[str, ...]]:
    """Time `runs` cold starts of each contender, in turn, so that noise falls on all alike.

    :param calls: warm invocations after each cold start.
    :param answer: whether what came back is right; what is wrong is not timed but told.
    :param warm: called when the page cache was dropped, to read again what is not the function's
        to wait for.
    :param progress: told of each start that is done.
    :returns: a timing for each contender, and what this machine could not give.
    """
    starts: dict[str, list[Start]] = {one.way: [] for one in contenders}
    failures: dict[str, str] = {}
    missing: dict[str, None] = {}
    if not drop_page_cache([]):
        missing["page cache: only root can drop it; starts read warm files"] = None
    for _ in range(runs):
        for contender in contenders:
            if contender.way in failures:
                progress(1)
                continue
            drop_page_cache([contender.spec.task, *contender.spec.layers])
            warm()
            try:
                start, told = _start(sandbox, contender.spec, event, shaper, calls, answer)
            except WideloadError as error:
                failures[contender.way] = error.what + (f": {error.why}" if error.why else "")
            else:
                starts[contender.way].append(start)
                missing.update(dict.fromkeys(told))
            progress(1)
    timings = tuple(
        Timing(
            one.way,
            one.what,
            () if one.way in failures else tuple(starts[one.way]),
            failures.get(one.way, ""),
        )
        for one in contenders
    )
    return timings, tuple(missing)


def _start(
    sandbox: Sandbox,
    spec: EnvironmentSpec,
    event: bytes,
    shaper: Shaper,
    calls: int,
    answer: Callable[[bytes], bool],
) -> tuple[Start, tuple[str, ...]]:
    shaper.refill()
    before = shaper.carried
    environment = sandbox.start(spec)
    try:
        first = _invoke(environment.invoke, event, answer)
        fetched = shaper.carried - before
        warm = tuple(_invoke(environment.invoke, event, answer).duration_ms for _ in range(calls))
    finally:
        environment.close()
    init = INIT_TIMEOUT_MS if first.init_ms is None else first.init_ms
    cold = init + first.duration_ms
    return (
        Start(cold, warm, phases(first, cold), fetched, first.max_memory_mb),
        first.missing,
    )


def _invoke(
    invoke: Callable[[bytes, str], Invocation], event: bytes, answer: Callable[[bytes], bool]
) -> Invocation:
    invocation = invoke(event, str(uuid.uuid4()))
    if invocation.outcome is not Outcome.SUCCESS:
        text = invocation.payload.decode(errors="replace")
        raise WideloadError("it fails", why=text[:400])
    if not answer(invocation.payload):
        text = invocation.payload.decode(errors="replace")
        raise WideloadError("its answer is wrong", why=text[:400])
    return invocation


def phases(first: Invocation, cold: float) -> dict[Phase, float]:
    """What the log tells of its phases; what none of them took is the runtime's.

    A line of JSON with ``{"wideload": {"phases": {name: milliseconds}}}`` tells some, and so
    does the one that the loader writes where ``WIDELOAD_TIMINGS`` is set.
    """
    found: dict[Phase, float] = {}
    for line in first.log.splitlines():
        with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):
            for name, spent in _told(line).items():
                found[name] = found.get(name, 0.0) + spent
    if "handler" not in found:
        spent = first.duration_ms if first.init_ms is not None else 0.0
        found["handler"] = spent
    found["runtime"] = max(0.0, cold - sum(found.values()))
    return found


def _told(line: str) -> dict[Phase, float]:
    """What a line of JSON tells of phases, in milliseconds."""
    told = json.loads(line)["wideload"]
    if "phases" in told:
        return {name: float(told["phases"][name]) for name in PHASES if name in told["phases"]}
    return _of_loader(told)


def _of_loader(told: dict[str, Any]) -> dict[Phase, float]:
    """The loader's own account. It fetches, unpacks and imports at once: for how long the import
    was held back is what the first three add, in the order in which they were at work."""
    ready, left = float(told["ready_ms"]), float(told["held_ms"])
    found: dict[Phase, float] = {"import": ready - left}
    at = 0.0
    moments: tuple[tuple[Phase, str], ...] = (
        ("connect", "first_byte_ms"),
        ("fetch", "fetched_ms"),
        ("unpack", "unpacked_ms"),
    )
    for name, moment in moments:
        end = float(told.get(moment, at))
        found[name] = min(left, max(0.0, end - at))
        left -= found[name]
        at = max(at, end)
    found["unpack"] += left
    return found


def drop_page_cache(folders: Sequence[str]) -> bool:
    """Have files read from the disk again: all of the machine's, or those below `folders`.

    :returns: whether the whole cache was dropped, which needs root.
    """
    os.sync()
    try:
        _DROP.write_text("3\n")
    except OSError:
        for folder in folders:
            for path in Path(folder).rglob("*"):
                if path.is_file():
                    _forget(path)
        return False
    time.sleep(0.05)
    return True


def _forget(path: Path) -> None:
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(descriptor)
