"""Execution environments kept warm: reused while idle, started when all are busy."""

from __future__ import annotations

import logging
import os
import secrets
import threading
import time
from typing import TYPE_CHECKING

import msgspec

from wideload.errors import WideloadError

if TYPE_CHECKING:
    from collections.abc import Callable

    from wideload.local.boundaries import Logs
    from wideload.values.environment import EnvironmentSpec, ExecutionEnvironment, Sandbox
    from wideload.values.invocation import Invocation

_IDLE_SECONDS = 300.0
_REAP_EVERY = 15.0
# Seconds after which an environment is not reused: its role's credentials last an hour.
_LIFETIME = 2700.0
_log = logging.getLogger(__name__)


class Home(msgspec.Struct, frozen=True):
    """What environments are shared among: one state of one version of a function."""

    incarnation: str
    memory: int
    """MB that each environment may take."""
    packages: frozenset[str]
    """Digests of the packages that it runs from."""
    log_group: str
    version: str


class Readiness(msgspec.Struct, frozen=True):
    """How far the environments asked for in advance are."""

    ready: int
    failure: str
    """Why one did not start; empty while all is well."""


class _Warm:
    def __init__(self, environment: ExecutionEnvironment, home: Home) -> None:
        self.environment = environment
        self.home = home
        day = time.strftime("%Y/%m/%d", time.gmtime())
        self.stream = f"{day}/[{home.version}]{secrets.token_hex(16)}"
        self.idle_since = self.born = time.monotonic()


class _Fleet:
    def __init__(self, home: Home) -> None:
        self.home = home
        self.idle: list[_Warm] = []
        self.busy = 0
        self.starting = 0
        self.wanted = 0
        self.spec: Callable[[], EnvironmentSpec] | None = None
        self.failure = ""
        self.retired = False

    @property
    def size(self) -> int:
        return len(self.idle) + self.busy + self.starting


def machine_memory() -> int:
    """MB of memory of this machine."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1024**2


class Pool:
    """All execution environments of the service."""

    def __init__(
        self,
        sandbox: Sandbox,
        logs: Logs,
        *,
        memory: int | None = None,
        idle_seconds: float = _IDLE_SECONDS,
        lifetime: float = _LIFETIME,
    ) -> None:
        """:param memory: MB that environments may be promised together; an invocation that
        would need more waits. One environment may always run. This machine's by default.
        """
        self._sandbox = sandbox
        self._logs = logs
        self._memory = machine_memory() if memory is None else memory
        self._idle_seconds = idle_seconds
        self._lifetime = lifetime
        self._changed = threading.Condition()
        self._fleets: dict[str, _Fleet] = {}
        self._promised = 0
        self._closing = threading.Event()
        threading.Thread(target=self._reap_forever, name="reap-environments", daemon=True).start()

    def invoke(
        self,
        home: Home,
        spec: Callable[[], EnvironmentSpec],
        event: bytes,
        request_id: str,
        client_context: str = "",
        qualifier: str = "",
    ) -> Invocation:
        """Run an event in an idle environment, or in a new one.

        :param spec: called where a new one is needed.
        :raises WideloadError: this machine cannot start one.
        """
        warm = self._acquire(home, spec)
        try:
            invocation = warm.environment.invoke(
                event, request_id, client_context=client_context, qualifier=qualifier
            )
        finally:
            self._release(warm)
        self._logs.append(home.log_group, warm.stream, invocation.log)
        return invocation

    def provision(self, home: Home, spec: Callable[[], EnvironmentSpec], count: int) -> None:
        """Keep this many environments of a version ready, whatever comes; starts them now."""
        with self._changed:
            fleet = self._fleet(home)
            fleet.wanted = count
            fleet.spec = spec
            fleet.failure = ""
            self._top_up(fleet)
            self._forget_if_empty(fleet)

    def unprovision(self, incarnation: str) -> None:
        """Keep no environments of a version ready any more; those that are idle may end."""
        with self._changed:
            fleet = self._fleets.get(incarnation)
            if fleet is not None:
                fleet.wanted = 0
                self._forget_if_empty(fleet)

    def readiness(self, incarnation: str) -> Readiness:
        """How many environments of a version are there, and what kept others from it."""
        with self._changed:
            fleet = self._fleets.get(incarnation)
            if fleet is None:
                return Readiness(0, "")
            return Readiness(min(fleet.wanted, len(fleet.idle) + fleet.busy), fleet.failure)

    def retire(self, incarnation: str) -> None:
        """Close the environments of a version that is gone; busy ones when they are done."""
        with self._changed:
            fleet = self._fleets.get(incarnation)
            if fleet is None:
                return
            fleet.retired = True
            fleet.wanted = 0
            closing = self._take_idle(fleet, keep=0)
            self._forget_if_empty(fleet)
        self._close(closing)

    def packages(self) -> set[str]:
        """Digests of the packages that environments run from."""
        with self._changed:
            return {digest for fleet in self._fleets.values() for digest in fleet.home.packages}

    def reap(self) -> None:
        """Close what has been idle for five minutes, beyond what is provisioned."""
        before = time.monotonic() - self._idle_seconds
        closing = []
        with self._changed:
            for fleet in list(self._fleets.values()):
                spare = max(0, fleet.size - fleet.wanted)
                old = [warm for warm in fleet.idle if warm.idle_since < before][:spare]
                closing += self._take(fleet, old)
                self._forget_if_empty(fleet)
        self._close(closing)

    def close(self) -> None:
        """Close all environments and start no more."""
        with self._changed:
            self._closing.set()
            closing = []
            for fleet in list(self._fleets.values()):
                fleet.retired = True
                fleet.wanted = 0
                closing += self._take_idle(fleet, keep=0)
            self._changed.notify_all()
        self._close(closing)

    def _acquire(self, home: Home, spec: Callable[[], EnvironmentSpec]) -> _Warm:
        while True:
            victims: list[_Warm] = []
            with self._changed:
                if self._closing.is_set():
                    raise WideloadError("the embedded AWS is shutting down")
                fleet = self._fleet(home)
                while fleet.idle:
                    warm = fleet.idle.pop()
                    if warm.environment.alive:
                        fleet.busy += 1
                        return warm
                    victims += [warm]
                    self._promised -= home.memory
                if not victims:
                    if self._promised == 0 or self._promised + home.memory <= self._memory:
                        self._promised += home.memory
                        fleet.busy += 1
                        break
                    victims = self._spare_one()
                    if not victims:
                        self._changed.wait(1.0)
            self._close(victims)
        return self._start(fleet, spec)

    def _start(self, fleet: _Fleet, spec: Callable[[], EnvironmentSpec]) -> _Warm:
        try:
            return _Warm(self._sandbox.start(spec()), fleet.home)
        except BaseException:
            with self._changed:
                fleet.busy -= 1
                self._promised -= fleet.home.memory
                self._forget_if_empty(fleet)
                self._changed.notify_all()
            raise

    def _start_ahead(self, fleet: _Fleet, spec: Callable[[], EnvironmentSpec]) -> None:
        try:
            warm = _Warm(self._sandbox.start(spec()), fleet.home)
        except WideloadError as error:
            with self._changed:
                fleet.starting -= 1
                fleet.failure = str(error)
                self._forget_if_empty(fleet)
            return
        except BaseException:
            with self._changed:
                fleet.starting -= 1
                fleet.failure = "the environment did not start"
            raise
        with self._changed:
            fleet.starting -= 1
            fleet.busy += 1
            self._promised += fleet.home.memory
        self._release(warm)

    def _top_up(self, fleet: _Fleet) -> None:
        if fleet.spec is None or self._closing.is_set():
            return
        for _ in range(fleet.wanted - fleet.size):
            fleet.starting += 1
            threading.Thread(
                target=self._start_ahead, args=(fleet, fleet.spec), name="provision", daemon=True
            ).start()

    def _release(self, warm: _Warm) -> None:
        closing = []
        with self._changed:
            fleet = self._fleet(warm.home)
            fleet.busy -= 1
            young = time.monotonic() - warm.born < self._lifetime
            gone = fleet.retired or self._closing.is_set()
            if warm.environment.alive and young and not gone:
                warm.idle_since = time.monotonic()
                fleet.idle.append(warm)
            else:
                self._promised -= warm.home.memory
                closing.append(warm)
                self._top_up(fleet)
            self._forget_if_empty(fleet)
            self._changed.notify_all()
        self._close(closing)

    def _fleet(self, home: Home) -> _Fleet:
        return self._fleets.setdefault(home.incarnation, _Fleet(home))

    def _forget_if_empty(self, fleet: _Fleet) -> None:
        if fleet.size == 0 and fleet.wanted == 0:
            self._fleets.pop(fleet.home.incarnation, None)

    def _spare_one(self) -> list[_Warm]:
        spare = [
            (warm.idle_since, fleet, warm)
            for fleet in self._fleets.values()
            if fleet.size > fleet.wanted
            for warm in fleet.idle
        ]
        if not spare:
            return []
        _, fleet, warm = min(spare, key=lambda found: found[0])
        return self._take(fleet, [warm])

    def _take_idle(self, fleet: _Fleet, *, keep: int) -> list[_Warm]:
        return self._take(fleet, fleet.idle[: max(0, len(fleet.idle) - keep)])

    def _take(self, fleet: _Fleet, taken: list[_Warm]) -> list[_Warm]:
        for warm in taken:
            fleet.idle.remove(warm)
            self._promised -= fleet.home.memory
        if taken:
            self._changed.notify_all()
        return taken

    def _close(self, closing: list[_Warm]) -> None:
        for warm in closing:
            try:
                warm.environment.close()
            except Exception:
                # One that does not close must not keep the others from being closed.
                _log.exception("an execution environment did not close")

    def _reap_forever(self) -> None:
        while not self._closing.wait(_REAP_EVERY):
            self.reap()
