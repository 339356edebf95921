"""What measuring starts yields."""

from __future__ import annotations

from statistics import median
from typing import Literal

import msgspec

from wideload.values.network import Network
from wideload.values.target import Target

BENCH_SCHEMA = 1

Phase = Literal["runtime", "connect", "fetch", "unpack", "import", "handler"]
PHASES: tuple[Phase, ...] = ("runtime", "connect", "fetch", "unpack", "import", "handler")
"""In the order in which they begin. Where work overlaps, a phase is what it adds alone."""


class Start(msgspec.Struct, frozen=True):
    """One cold start and the calls after it, in milliseconds."""

    cold: float
    """From the start of the runtime to the first answer."""
    warm: tuple[float, ...]
    phases: dict[Phase, float]
    fetched_bytes: int
    max_memory_mb: int


class Timing(msgspec.Struct, frozen=True):
    """All runs of one way to ship."""

    way: str
    """A strategy, or the name of a baseline."""
    what: str
    """In words."""
    starts: tuple[Start, ...]
    failure: str = ""
    """Why it does not run; then there is no start."""

    @property
    def cold(self) -> tuple[float, float, float]:
        """Least, median and most milliseconds of a cold start."""
        values = [start.cold for start in self.starts]
        return min(values), median(values), max(values)

    @property
    def warm(self) -> float:
        """Median milliseconds of a warm call."""
        return median([call for start in self.starts for call in start.warm])

    def phase(self, phase: Phase) -> float:
        """Median milliseconds of a phase."""
        return median([start.phases.get(phase, 0.0) for start in self.starts])


class Bench(msgspec.Struct, frozen=True):
    """What `wideload bench` measured in one run."""

    schema: int
    function: str
    target: Target
    memory: int
    """MB."""
    ephemeral: int
    """MB of /tmp."""
    network: Network
    timings: tuple[Timing, ...]
    missing: tuple[str, ...] = ()
    """What this machine could not give as Lambda does, each a line to be told."""
