"""Execution environments of one version: idle, busy, and those that were initialised ahead."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

    from wideload.values.environment import EnvironmentSpec, ExecutionEnvironment


class Home(msgspec.Struct, frozen=True):
    """What environments are shared among: one state of one version of a function."""

    incarnation: str
    memory: int
    """MB that each environment may take."""
    packages: frozenset[str]
    """Digests of the packages that it runs from."""
    log_group: str
    version: str
    from_snapshot: bool = False
    """Whether its environments start from a snapshot."""


class Readiness(msgspec.Struct, frozen=True):
    """How far the environments asked for in advance are."""

    ready: int
    failure: str
    """Why one did not start; empty while all is well."""


class Warm:
    """An environment and the log stream that it writes."""

    def __init__(self, environment: ExecutionEnvironment, home: Home, *, ahead: bool) -> None:
        """:param ahead: whether it is one of those that are asked for in advance."""
        self.environment = environment
        self.home = home
        self.ahead = ahead
        day = time.strftime("%Y/%m/%d", time.gmtime())
        self.stream = f"{day}/[{home.version}]{secrets.token_hex(16)}"
        self.idle_since = self.born = time.monotonic()


class WarmSet:
    """All environments of a home. Whoever asks or changes anything holds the pool's lock.

    With provisioned concurrency those that were initialised ahead stay so: they are called
    first, and others are started only when all of them are busy. With a snapshot each of them is
    called once as one just restored; it then is an environment as any, and another one is made
    ready in its place.
    """

    def __init__(self, home: Home) -> None:
        self.home = home
        self.idle: list[Warm] = []
        self.busy = 0
        self.busy_ahead = 0
        """Of the busy ones, those of provisioned concurrency."""
        self.starting = 0
        """Under way to be initialised ahead."""
        self.wanted = 0
        """How many are to be initialised ahead."""
        self.spec: Callable[[], EnvironmentSpec] | None = None
        self.failure = ""
        self.retired = False

    @property
    def size(self) -> int:
        """All environments."""
        return len(self.idle) + self.busy + self.starting

    @property
    def ready(self) -> int:
        """Those that are initialised ahead."""
        return sum(warm.ahead for warm in self.idle) + self.busy_ahead

    @property
    def lacking(self) -> int:
        """How many are still to be initialised ahead, besides those under way."""
        return max(0, self.wanted - self.ready - self.starting)

    def take(self) -> Warm | None:
        """The idle one to call next, which is busy from now on."""
        if not self.idle:
            return None
        # What is restored but once is spared; what is provisioned is called first.
        preferred = [warm for warm in self.idle if warm.ahead != self.home.from_snapshot]
        warm = (preferred or self.idle)[-1]
        self.idle.remove(warm)
        self.busy += 1
        if warm.ahead and self.home.from_snapshot:
            warm.ahead = False
        self.busy_ahead += warm.ahead
        return warm

    def give_back(self, warm: Warm, *, keep: bool) -> None:
        """A busy one is done.

        :param keep: whether it can be called again.
        """
        self.busy -= 1
        self.busy_ahead -= warm.ahead
        if keep:
            warm.idle_since = time.monotonic()
            self.idle.append(warm)
            self.demote()

    def demote(self) -> None:
        """Let those that are initialised ahead beyond what is wanted be environments as any."""
        for warm in self.idle:
            if self.ready <= self.wanted:
                return
            warm.ahead = False

    def outdated(self, idle_before: float, born_before: float) -> list[Warm]:
        """Those that were idle for too long, or whose credentials end soon."""
        return [
            warm
            for warm in self.idle
            if warm.born < born_before or (not warm.ahead and warm.idle_since < idle_before)
        ]

    def spare(self) -> list[Warm]:
        """Those that may go where others need their memory. What is provisioned is promised."""
        return [warm for warm in self.idle if self.home.from_snapshot or not warm.ahead]
