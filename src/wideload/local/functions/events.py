"""Asynchronous invocations: queued on disk, retried, given up when too old."""

from __future__ import annotations

import heapq
import logging
import threading
from typing import TYPE_CHECKING

import msgspec

from wideload.local.functions import lookup, names
from wideload.local.functions.documents import EventConfig
from wideload.local.functions.faults import LambdaFault
from wideload.local.functions.store import write_whole

if TYPE_CHECKING:
    from pathlib import Path

    from wideload.local.functions.documents import FunctionDocument
    from wideload.local.functions.invocations import Invocations
    from wideload.local.functions.service import Service

_WORKERS = 16
_RETRIES = 2
_AGE = 6 * 3600.0
RETRY_DELAYS = (60.0, 120.0)
"""Seconds before the first and the second retry after the function failed:
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html"""
# Seconds, after a throttle: doubled from one to five minutes.
_THROTTLE_DELAYS = (1.0, 300.0)
_log = logging.getLogger(__name__)


class Event(msgspec.Struct, frozen=True):
    """One event as it lies in the queue."""

    account: str
    region: str
    function: str
    qualifier: str | None
    payload: bytes
    request_id: str
    queued: float
    failures: int = 0
    throttles: int = 0
    due: float = 0.0


class Events:
    """The queue and the threads that empty it."""

    def __init__(
        self,
        state: Path,
        service: Service,
        invocations: Invocations,
        retry_delays: tuple[float, ...] = RETRY_DELAYS,
    ) -> None:
        self._folder = state / "events"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._service = service
        self._invocations = invocations
        self._retry_delays = retry_delays
        self._changed = threading.Condition()
        self._heap: list[tuple[float, str, Event]] = []
        self._working = 0
        self._workers = 0
        self._closed = False

    def resume(self) -> None:
        """Take up what was queued when the process before this one ended."""
        for path in sorted(self._folder.glob("*.json")):
            if not path.name.startswith("."):
                self._push(msgspec.json.decode(path.read_bytes(), type=Event))

    def add(
        self, function: FunctionDocument, qualifier: str | None, payload: bytes, request_id: str
    ) -> None:
        """Queue an event; it survives the end of this process from here on."""
        now = self._service.clock()
        self._keep(
            Event(
                function.account,
                function.region,
                function.name,
                qualifier,
                payload,
                request_id,
                queued=now,
                due=now,
            )
        )

    def close(self) -> None:
        """Start no more; what is queued stays on disk."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _keep(self, event: Event) -> None:
        write_whole(self._path(event), msgspec.json.encode(event))
        self._push(event)

    def _push(self, event: Event) -> None:
        with self._changed:
            heapq.heappush(self._heap, (event.due, event.request_id, event))
            idle = self._workers - self._working
            if len(self._heap) > idle and self._workers < _WORKERS:
                self._workers += 1
                threading.Thread(target=self._work, name="events", daemon=True).start()
            self._changed.notify()

    def _work(self) -> None:
        while (event := self._next()) is not None:
            try:
                self._handle(event)
            except Exception:
                _log.exception("an asynchronous invocation was lost")
                self._path(event).unlink(missing_ok=True)
            finally:
                with self._changed:
                    self._working -= 1

    def _next(self) -> Event | None:
        with self._changed:
            while not self._closed:
                wait = None
                if self._heap:
                    wait = self._heap[0][0] - self._service.clock()
                    if wait <= 0:
                        self._working += 1
                        return heapq.heappop(self._heap)[2]
                self._changed.wait(wait)
        return None

    def _handle(self, event: Event) -> None:
        place = names.Place(event.account, event.region)
        function = self._service.store.functions.get(place, event.function)
        config = EventConfig(0.0)
        if function is not None:
            key = event.qualifier or names.LATEST
            config = function.event_configs.get(key, config)
        age = _AGE if config.age is None else float(config.age)
        if function is None or self._service.clock() - event.queued > age:
            self._path(event).unlink(missing_ok=True)
            return
        retries = _RETRIES if config.retries is None else config.retries
        again = self._attempt(function, event, retries)
        if again is None:
            self._path(event).unlink(missing_ok=True)
        else:
            self._keep(again)

    def _attempt(self, function: FunctionDocument, event: Event, retries: int) -> Event | None:
        now = self._service.clock()
        failures = event.failures
        try:
            version = lookup.routed(function, event.qualifier, now)
            invocation = self._invocations.run(
                function, version, event.payload, event.request_id, qualifier=event.qualifier
            )
        except LambdaFault as fault:
            if fault.status == 429:
                first, longest = _THROTTLE_DELAYS
                wait = min(first * 2**event.throttles, longest)
                return msgspec.structs.replace(event, throttles=event.throttles + 1, due=now + wait)
            _log.warning("asynchronous invocation of %s: %s", event.function, fault)
        else:
            if invocation.function_error is None:
                return None
        if failures >= retries:
            return None
        wait = self._retry_delays[min(failures, len(self._retry_delays) - 1)]
        return msgspec.structs.replace(event, failures=failures + 1, due=now + wait)

    def _path(self, event: Event) -> Path:
        return self._folder / f"{event.request_id}.json"
