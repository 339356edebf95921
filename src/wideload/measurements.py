"""Keeps what `wideload bench` measured of a function, so that its plans know it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from wideload.cache import write_atomically
from wideload.prepared import pinned, state_folder
from wideload.values.merit import MEASURED_SCHEMA, Measured

if TYPE_CHECKING:
    from pathlib import Path

    from wideload.prepared import Prepared
    from wideload.values.function import Function
    from wideload.values.timing import Bench


def measured_path(function: Function) -> Path:
    """Where it is kept: beside the build, and of this machine as that is."""
    return state_folder(function) / "bench" / function.name / "measured.json"


def read_measured(prepared: Prepared) -> Measured | None:
    """What was measured of the function as it is now; nothing where it was another, or was not
    measured."""
    try:
        kept = msgspec.json.decode(measured_path(prepared.function).read_bytes(), type=Measured)
    except (OSError, msgspec.MsgspecError):
        return None
    return kept if kept.is_of(_of(prepared)) else None


def keep_measured(prepared: Prepared, bench: Bench) -> None:
    """Write down what was measured, beside what is known of other ways of the same function."""
    timed = {one.way: one for one in bench.timings if one.starts}
    before = read_measured(prepared)
    now = _of(prepared)
    now = msgspec.structs.replace(
        now,
        seconds={
            **(before.seconds if before else {}),
            **{way: one.cold[1] / 1000 for way, one in timed.items()},
        },
        starts={
            **(before.starts if before else {}),
            **{way: len(one.starts) for way, one in timed.items()},
        },
    )
    write_atomically(measured_path(prepared.function), msgspec.json.encode(now))


def _of(prepared: Prepared) -> Measured:
    """What is known of a function of which nothing was measured."""
    function = prepared.function
    return Measured(
        schema=MEASURED_SCHEMA,
        target=function.target,
        memory=function.settings.memory,
        slim=function.slim,
        bundle_start=function.bundle_start,
        packages=tuple(sorted(pinned(prepared.resolution, prepared.slimmed))),
        seconds={},
        starts={},
    )
