"""What measurements advise: one line each, with what was measured, and only where that decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wideload.cold_starts import snap_start_refusal
from wideload.report.sizes import human
from wideload.values.function import Strategy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wideload.values.timing import Bench
    from wideload.values.verdict import Used

_STEP = 64
"""MB. What is proposed is a round number."""
_SPARE = 1.25
_LEAST_MEMORY, _LEAST_EPHEMERAL = 128, 512
_MB_PER_VCPU = 1769
"""https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html"""
_INIT_VCPUS = 2
"""What functions of every memory size are seen to have while they initialise."""
_PROVISIONED = "provisioned_concurrency"
_MIB = 1 << 20


def bench_advice(bench: Bench) -> tuple[str, ...]:
    """What the measured starts advise; of the fastest way that can be deployed."""
    ways = [one for one in bench.timings if one.starts and one.way in set(Strategy)]
    if not ways:
        return ()
    fastest = min(ways, key=lambda one: one.cold[1])
    used = max(start.max_memory_mb for one in ways for start in one.starts)
    return (*_memory(used, bench.memory), *_init(fastest.phase("import"), fastest.cold[1], bench))


def used_advice(used: Used) -> tuple[str, ...]:
    """What the memory and the /tmp that events used advise."""
    return (*_memory(used.max_memory, used.memory), *_ephemeral(used))


def _memory(used: int, memory: int) -> Iterator[str]:
    # What is counted here has files in it that Lambda does not count: it is never too little, so
    # it shows what is more than enough, and not what is hardly enough.
    proposed = max(_LEAST_MEMORY, _round(used * _SPARE))
    if proposed * 2 <= memory:
        yield (
            f"memory: at most {used} of {memory} MB were used. {proposed} would do, with "
            f"{proposed / _MB_PER_VCPU:.2f} instead of {memory / _MB_PER_VCPU:.2f} vCPUs while "
            f"called: `wideload bench --memory {proposed}` shows what that costs"
        )


def _init(importing: float, cold: float, bench: Bench) -> Iterator[str]:
    if importing * 2 >= cold and bench.memory < _INIT_VCPUS * _MB_PER_VCPU:
        has_snapshots = snap_start_refusal(bench.target.runtime, bench.ephemeral) is None
        ways = "snap_start or provisioned_concurrency" if has_snapshots else _PROVISIONED
        yield (
            f"init: {importing / 1000:.2f} of {cold / 1000:.2f} s of a cold start are imports, "
            f"which have about {_INIT_VCPUS} vCPUs whatever the memory is: more of it does not "
            f"make them faster; {ways} takes them off the callers"
        )


def _ephemeral(used: Used) -> Iterator[str]:
    if used.tmp_bytes is None:
        return
    megabytes = -(-used.tmp_bytes // _MIB)
    proposed = max(_LEAST_EPHEMERAL, _round(megabytes * _SPARE))
    told = f"ephemeral: {human(used.tmp_bytes)} of {used.ephemeral} MB of /tmp are in use after"
    if megabytes * 10 >= used.ephemeral * 9:
        yield f"{told} the events; set ephemeral = {proposed}, so that there is room for more"
    elif proposed * 2 <= used.ephemeral:
        yield f"{told} the events; {proposed} would do, and what is over 512 MB is billed"


def _round(megabytes: float) -> int:
    return -(-int(megabytes + 0.999) // _STEP) * _STEP
