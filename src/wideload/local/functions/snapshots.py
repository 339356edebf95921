"""SnapStart: a version is initialised when it is published, and ready to be called after that.

Lambda takes a snapshot of the memory and resumes any number of environments from it. That cannot
be had here: each environment is initialised by itself, up to the point where Lambda would take
the snapshot, and waits there; its first call resumes it and runs the hooks for that. One is kept
waiting; where more callers come at once than that, they wait for an init.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import msgspec

from wideload.local.functions import environments, faults, provisioning
from wideload.local.functions.faults import LambdaFault

if TYPE_CHECKING:
    from wideload.local.functions.documents import FunctionDocument, Version
    from wideload.local.functions.service import Service
    from wideload.values.invocation import Invocation

LONGEST = 900.0
"""Seconds that a version may take to be initialised:
https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html"""


def take(service: Service, function: FunctionDocument, version: Version) -> None:
    """Initialise a version that was just published with SnapStart, and tell when it is ready.

    Of other versions, and of such as are ready, it does nothing.
    """
    if not environments.from_snapshot(version) or version.settled(service.clock()):
        return
    provisioning.keep(service, function)
    threading.Thread(
        target=_settle, args=(service, function, version), name="snapshot", daemon=True
    ).start()


def check_ready(version: Version, now: float) -> None:
    """Refuse a call of a version whose snapshot is still to be taken, or could not be.

    :raises LambdaFault: as said; AWS documents the exception and not its words.
    """
    if version.failed:
        raise faults.conflict(
            "The operation cannot be performed at this time. The function is currently in the "
            "following state: Failed"
        )
    if environments.from_snapshot(version) and not version.settled(now):
        raise LambdaFault(
            "SnapStartNotReadyException",
            "Lambda is initializing your function. You can invoke the function when the function "
            "state becomes Active.",
            409,
        )


def check_restored(invocation: Invocation) -> None:
    """Answer with an exception where a hook failed that runs after a restore.

    :raises LambdaFault: with the words and the status of Lambda's service model.
    """
    match invocation.not_restored:
        case "raised":
            raise LambdaFault(
                "SnapStartException",
                "The afterRestore() runtime hook encountered an error. For more information, check "
                "the Amazon CloudWatch logs.",
            )
        case "timed-out":
            raise LambdaFault(
                "SnapStartTimeoutException",
                "Lambda couldn't restore the snapshot within the timeout limit.",
                408,
            )


def _settle(service: Service, function: FunctionDocument, version: Version) -> None:
    readiness = service.pool.await_provisioned(version.incarnation)
    with service.store.lock:
        now = service.store.functions.get(function.place, function.name)
        there = now.versions.get(version.number) if now else None
        if (
            readiness is None
            or now is None
            or there is None
            or there.incarnation != version.incarnation
        ):
            return
        settled = msgspec.structs.replace(
            there,
            settles=service.clock() + (0 if readiness.failure else service.settle),
            failed=readiness.failure,
        )
        changed = msgspec.structs.replace(now, versions={**now.versions, version.number: settled})
        service.store.functions.put(changed)
    provisioning.keep(service, changed)
