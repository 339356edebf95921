"""Lambda's provisioned concurrency in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wideload.cold_starts import provisioning_refusal
from wideload.deploy.cloud import Refused
from wideload.deploy.concurrency import ProvisionedState, Room

if TYPE_CHECKING:
    from deploy_fake_cloud import Acts, FakeClock, FakeFunctions


class FakeConcurrency:
    """Provisioned concurrency, by function and qualifier."""

    def __init__(self, acts: Acts, clock: FakeClock, functions: FakeFunctions) -> None:
        self._acts = acts
        self._clock = clock
        self._functions = functions
        self.kept: dict[tuple[str, str], tuple[int, float]] = {}
        """How many, and when they are ready."""
        self.unreserved = 1000
        self.reserved: int | None = None
        self.seconds = 20.0
        self.fails = ""
        """Why none of them starts."""

    def listed(self, function: str) -> tuple[ProvisionedState, ...]:
        self._functions.state(function, "$LATEST")
        found = []
        for (name, qualifier), (count, at) in sorted(self.kept.items()):
            if name != function:
                continue
            ready = self._clock.now() >= at
            status = "FAILED" if ready and self.fails else "READY" if ready else "IN_PROGRESS"
            number = count if status == "READY" else 0
            reason = self.fails if status == "FAILED" else ""
            found.append(ProvisionedState(qualifier, count, number, status, reason))
        return tuple(found)

    def room(self, function: str | None) -> Room:
        if function is not None:
            self._functions.state(function, "$LATEST")
        return Room(self.unreserved - self._sum(), self.reserved if function else None)

    def put(self, function: str, version: str, count: int) -> None:
        self._acts.begin("provision-concurrency")
        state = self._functions.state(function, version)
        has = self.kept.get((function, version), (0, 0.0))[0]
        refusal = provisioning_refusal(
            count,
            others=self._sum() - has,
            unreserved=self.unreserved - self._sum() + has,
            reserved=self.reserved,
        )
        if version == "$LATEST" or state.configuration.snap_start:
            refusal = "Provisioned Concurrency is not supported for it"
        if refusal:
            raise Refused(
                "lambda:PutProvisionedConcurrencyConfig", "InvalidParameterValueException", refusal
            )
        self.kept[function, version] = (count, self._clock.now() + self.seconds)
        self._acts.end("provision-concurrency")

    def delete(self, function: str, version: str) -> None:
        self._acts.begin("release-concurrency")
        self.kept.pop((function, version), None)
        self._acts.end("release-concurrency")

    def _sum(self) -> int:
        return sum(count for count, _ in self.kept.values())
