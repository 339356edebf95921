"""How many invocations run at once: what an account and a function may, and what counts it."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from wideload.cold_starts import LEAST_UNRESERVED
from wideload.local.functions import faults, lookup
from wideload.local.functions.faults import LambdaFault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wideload.local.functions.documents import FunctionDocument
    from wideload.local.functions.names import Place
    from wideload.local.functions.service import Call, Service
    from wideload.local.functions.store import Store

ACCOUNT = 1000
"""Concurrent executions of an account in a region, by default:
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""


class Slots:
    """The invocations under way."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._running: Counter[tuple[str, str, str]] = Counter()

    @contextmanager
    def taken(self, function: FunctionDocument) -> Iterator[None]:
        """One invocation of the function is under way during the block.

        :raises LambdaFault: the function or the account has as many as it may.
        """
        key = (function.account, function.region, function.name)
        with self._lock:
            self._check(function, key)
            self._running[key] += 1
        try:
            yield
        finally:
            with self._lock:
                self._running[key] -= 1
                if not self._running[key]:
                    del self._running[key]

    def _check(self, function: FunctionDocument, key: tuple[str, str, str]) -> None:
        if function.reserved is not None:
            if self._running[key] >= function.reserved:
                raise _throttled("ReservedFunctionConcurrentInvocationLimitExceeded")
            return
        functions = self._store.functions.within(function.place)
        reserved = sum(other.reserved or 0 for other in functions)
        running = sum(
            self._running[other.account, other.region, other.name]
            for other in functions
            if other.reserved is None
        )
        if running >= ACCOUNT - reserved:
            raise _throttled("ConcurrentInvocationLimitExceeded")


def put(service: Service, call: Call) -> dict[str, Any]:
    """PutFunctionConcurrency."""
    wanted = call.parameters["ReservedConcurrentExecutions"]
    with service.store.lock:
        function = lookup.unqualified(service, call)
        left = unreserved(service.store, call.place) + _set_aside(function) - wanted
        if left < LEAST_UNRESERVED:
            raise faults.invalid(
                "Specified ReservedConcurrentExecutions for function decreases account's "
                f"UnreservedConcurrentExecution below its minimum value of [{LEAST_UNRESERVED}]."
            )
        provisioned = _provisioned(function)
        if provisioned > wanted:
            raise faults.invalid(
                f" ReservedConcurrentExecutions  {wanted} should not be lower than function's "
                f"total provisioned concurrency [{provisioned}]."
            )
        service.store.functions.put(msgspec.structs.replace(function, reserved=wanted))
    return {"ReservedConcurrentExecutions": wanted}


def get(service: Service, call: Call) -> dict[str, Any]:
    """GetFunctionConcurrency."""
    reserved = lookup.unqualified(service, call).reserved
    return {} if reserved is None else {"ReservedConcurrentExecutions": reserved}


def delete(service: Service, call: Call) -> None:
    """DeleteFunctionConcurrency."""
    with service.store.lock:
        function = lookup.unqualified(service, call)
        service.store.functions.put(msgspec.structs.replace(function, reserved=None))


def unreserved(store: Store, place: Place) -> int:
    """Concurrent executions that no function has set aside for itself."""
    return ACCOUNT - sum(_set_aside(function) for function in store.functions.within(place))


def _set_aside(function: FunctionDocument) -> int:
    return _provisioned(function) if function.reserved is None else function.reserved


def _provisioned(function: FunctionDocument) -> int:
    return sum(held.requested for held in function.provisioned.values())


def _throttled(reason: str) -> LambdaFault:
    return LambdaFault(
        "TooManyRequestsException", "Rate Exceeded.", 429, members={"Reason": reason}
    )
