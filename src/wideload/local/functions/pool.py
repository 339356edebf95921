"""Execution environments kept warm: reused while idle, started when all are busy."""

from __future__ import annotations

import logging
import os
import threading
import time
from typing import TYPE_CHECKING

import msgspec

from wideload.errors import WideloadError
from wideload.local.functions.warm import Home, Readiness, Warm, WarmSet

if TYPE_CHECKING:
    from collections.abc import Callable

    from wideload.local.boundaries import Logs
    from wideload.values.environment import EnvironmentSpec, Sandbox
    from wideload.values.invocation import Invocation

_IDLE_SECONDS = 300.0
_REAP_EVERY = 15.0
# Seconds after which an environment is not reused: its role's credentials last an hour.
_LIFETIME = 2700.0
_log = logging.getLogger(__name__)


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
        self._fleets: dict[str, WarmSet] = {}
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
        """Keep this many environments of a version initialised, whatever comes.

        Starts them now. Of a version that starts from a snapshot they are the ones to be restored
        next: another takes the place of each that is called.
        """
        with self._changed:
            fleet = self._fleet(home)
            if fleet.wanted == count and not fleet.failure:
                return
            fleet.wanted = count
            fleet.spec = spec
            fleet.failure = ""
            fleet.demote()
            self._top_up(fleet)
            self._forget_if_empty(fleet)

    def await_provisioned(self, incarnation: str) -> Readiness | None:
        """Wait until as many as are to be are initialised, or one failed; nothing where nobody
        wants them any more."""
        with self._changed:
            while True:
                fleet = self._fleets.get(incarnation)
                if fleet is None or self._closing.is_set():
                    return None
                if fleet.failure or fleet.ready >= fleet.wanted:
                    return Readiness(fleet.ready, fleet.failure)
                self._changed.wait(1.0)

    def unprovision(self, incarnation: str) -> None:
        """Keep no environments of a version ready any more; those that are idle may end."""
        with self._changed:
            fleet = self._fleets.get(incarnation)
            if fleet is not None:
                fleet.wanted = 0
                fleet.demote()
                self._forget_if_empty(fleet)
                self._changed.notify_all()

    def readiness(self, incarnation: str) -> Readiness:
        """How many environments of a version are there, and what kept others from it."""
        with self._changed:
            fleet = self._fleets.get(incarnation)
            if fleet is None:
                return Readiness(0, "")
            return Readiness(min(fleet.wanted, fleet.ready), fleet.failure)

    def retire(self, incarnation: str) -> None:
        """Close the environments of a version that is gone; busy ones when they are done."""
        with self._changed:
            fleet = self._fleets.get(incarnation)
            if fleet is None:
                return
            fleet.retired = True
            fleet.wanted = 0
            closing = self._take(fleet, list(fleet.idle))
            self._forget_if_empty(fleet)
        self._close(closing)

    def packages(self) -> set[str]:
        """Digests of the packages that environments run from."""
        with self._changed:
            return {digest for fleet in self._fleets.values() for digest in fleet.home.packages}

    def reap(self) -> None:
        """Close what has been idle for five minutes, beyond what is provisioned."""
        now = time.monotonic()
        closing = []
        with self._changed:
            for fleet in list(self._fleets.values()):
                old = fleet.outdated(now - self._idle_seconds, now - self._lifetime)
                closing += self._take(fleet, old)
                self._top_up(fleet)
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
                closing += self._take(fleet, list(fleet.idle))
            self._changed.notify_all()
        self._close(closing)

    def _acquire(self, home: Home, spec: Callable[[], EnvironmentSpec]) -> Warm:
        while True:
            victims: list[Warm] = []
            with self._changed:
                if self._closing.is_set():
                    raise WideloadError("the embedded AWS is shutting down")
                fleet = self._fleet(home)
                while warm := fleet.take():
                    if warm.environment.alive:
                        self._top_up(fleet)
                        return warm
                    fleet.give_back(warm, keep=False)
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

    def _start(self, fleet: WarmSet, spec: Callable[[], EnvironmentSpec]) -> Warm:
        try:
            return Warm(self._sandbox.start(spec()), fleet.home, ahead=False)
        except BaseException:
            with self._changed:
                fleet.busy -= 1
                self._promised -= fleet.home.memory
                self._forget_if_empty(fleet)
                self._changed.notify_all()
            raise

    def _start_ahead(self, fleet: WarmSet, spec: Callable[[], EnvironmentSpec]) -> None:
        failure, log = "the environment did not start", ""
        warm = None
        try:
            wanted = spec()
            if not fleet.home.from_snapshot:
                wanted = msgspec.structs.replace(wanted, initialization="provisioned-concurrency")
            warm = Warm(self._sandbox.start(wanted), fleet.home, ahead=True)
            init = warm.environment.initialised()
            failure, log = init.failure, init.log
        except WideloadError as error:
            failure = str(error)
        finally:
            with self._changed:
                fleet.starting -= 1
                gone = fleet.retired or self._closing.is_set()
                if warm is not None and not failure and not gone:
                    self._promised += fleet.home.memory
                    fleet.idle.append(warm)
                    fleet.demote()
                    warm = None
                fleet.failure = failure
                self._forget_if_empty(fleet)
                self._changed.notify_all()
            if warm is not None:
                if failure:
                    self._logs.append(fleet.home.log_group, warm.stream, log)
                self._close([warm])

    def _top_up(self, fleet: WarmSet) -> None:
        if fleet.spec is None or self._closing.is_set() or fleet.failure:
            return
        for _ in range(fleet.lacking):
            fleet.starting += 1
            threading.Thread(
                target=self._start_ahead, args=(fleet, fleet.spec), name="provision", daemon=True
            ).start()

    def _release(self, warm: Warm) -> None:
        closing = []
        with self._changed:
            fleet = self._fleet(warm.home)
            young = time.monotonic() - warm.born < self._lifetime
            gone = fleet.retired or self._closing.is_set()
            keep = warm.environment.alive and young and not gone
            fleet.give_back(warm, keep=keep)
            if not keep:
                self._promised -= warm.home.memory
                closing.append(warm)
                self._top_up(fleet)
            self._forget_if_empty(fleet)
            self._changed.notify_all()
        self._close(closing)

    def _fleet(self, home: Home) -> WarmSet:
        return self._fleets.setdefault(home.incarnation, WarmSet(home))

    def _forget_if_empty(self, fleet: WarmSet) -> None:
        if fleet.size == 0 and fleet.wanted == 0:
            self._fleets.pop(fleet.home.incarnation, None)

    def _spare_one(self) -> list[Warm]:
        spare = [
            (warm.idle_since, fleet, warm)
            for fleet in self._fleets.values()
            for warm in fleet.spare()
        ]
        if not spare:
            return []
        _, fleet, warm = min(spare, key=lambda found: found[0])
        return self._take(fleet, [warm])

    def _take(self, fleet: WarmSet, taken: list[Warm]) -> list[Warm]:
        for warm in taken:
            fleet.idle.remove(warm)
            self._promised -= fleet.home.memory
        if taken:
            self._changed.notify_all()
        return taken

    def _close(self, closing: list[Warm]) -> None:
        for warm in closing:
            try:
                warm.environment.close()
            except Exception:
                # One that does not close must not keep the others from being closed.
                _log.exception("an execution environment did not close")

    def _reap_forever(self) -> None:
        while not self._closing.wait(_REAP_EVERY):
            self.reap()
