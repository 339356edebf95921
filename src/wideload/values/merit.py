"""By what ways to ship are compared: how soon a function answers, and what it costs a month."""

from __future__ import annotations

from typing import Literal

import msgspec

from wideload.values.target import Target

MEASURED_SCHEMA = 1
STARTS_A_MONTH = 1000
"""How many cold starts a month costs are reckoned with: about one in forty minutes."""

Basis = Literal["measured", "corrected", "model"]


class ColdStart(msgspec.Struct, frozen=True):
    """From the start of the runtime until the function's module is imported and its data read."""

    seconds: float
    """An estimate, or the median of what was measured."""
    basis: Basis
    """``measured`` by `wideload bench` for this way, a model ``corrected`` by what was measured
    for another, or the ``model`` alone."""
    parts: dict[str, float] = {}
    """What the model adds up, in seconds; nothing where it was measured."""


class MonthlyCost(msgspec.Struct, frozen=True):
    """US dollars a month for what ways differ in; what invocations cost is alike for all."""

    storage: float
    requests: float
    """What is fetched or read at cold starts."""
    cold_starts: float
    """Lambda's time for them."""
    network: float
    """What a VPC needs that others do not."""

    @property
    def dollars(self) -> float:
        """All of it."""
        return self.storage + self.requests + self.cold_starts + self.network


class Merits(msgspec.Struct, frozen=True):
    """Estimates of a way."""

    cold_start: ColdStart
    cost: MonthlyCost


class Measured(msgspec.Struct, frozen=True):
    """What `wideload bench` keeps of a function for its plans."""

    schema: int
    target: Target
    memory: int
    """MB."""
    slim: str
    bundle_start: str
    packages: tuple[str, ...]
    """Each ``name==version`` that was packed, sorted: measurements of other packages say
    nothing."""
    seconds: dict[str, float]
    """The median cold start by each way, a strategy or a baseline."""
    starts: dict[str, int]
    """How many starts that is the median of."""

    def is_of(self, other: Measured) -> bool:
        """Whether both are of the same function, as far as its start depends on it."""
        unlike: dict[str, dict[str, float]] = {"seconds": {}, "starts": {}}
        return msgspec.structs.replace(self, **unlike) == msgspec.structs.replace(other, **unlike)
