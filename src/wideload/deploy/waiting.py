"""Waiting for Lambda: it answers before it has done what it was told."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from wideload.errors import WideloadError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wideload.deploy.cloud import Functions
    from wideload.deploy.concurrency import Concurrency
    from wideload.deploy.states import FunctionState

READY_SECONDS = 300.0
"""A function without a VPC is ready within seconds, after a big package in about a minute."""
AHEAD_SECONDS = 900.0
"""How long an init may take that nobody waits for: of a snapshot, of provisioned concurrency.
https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html"""
ROLE_SECONDS = 60.0
"""How long Lambda may take to see a role that IAM has just made."""

_GROWTH = 1.5


class Clock(Protocol):
    """Time, so that tests need none."""

    def now(self) -> float:
        """Seconds since an arbitrary moment; never goes back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Do nothing for so long."""
        ...


class SystemClock:
    """The real one."""

    def now(self) -> float:
        """Seconds since an arbitrary moment; never goes back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Do nothing for so long."""
        time.sleep(seconds)


def attempts(
    clock: Clock, seconds: float, *, first: float = 0.2, longest: float = 5.0
) -> Iterator[bool]:
    """Moments to try, ever further apart; true for the last one within so many seconds.

    :param first: seconds between the first two attempts.
    :param longest: seconds between two attempts at most.
    """
    end = clock.now() + seconds
    pause = first
    while True:
        left = end - clock.now()
        if left <= 0:
            yield True
            return
        yield False
        clock.sleep(min(pause, left))
        pause = min(pause * _GROWTH, longest)


def until_ready(
    functions: Functions,
    function: str,
    version: str,
    clock: Clock,
    waited: Callable[[float], None],
) -> FunctionState:
    """Wait until a function or version can be used and no update of it is under way.

    :param waited: called with the seconds waited so far.
    :raises WideloadError: Lambda failed to carry it out, or takes too long.
    """
    start = clock.now()
    for is_last in attempts(clock, READY_SECONDS + AHEAD_SECONDS):
        state = functions.state(function, version)
        if state.state not in ("Pending", "Active", "Inactive"):
            raise _failed(function, version, f"State {state.state}", state.state_reason)
        if state.last_update == "Failed":
            raise _failed(function, version, "LastUpdateStatus Failed", state.last_update_reason)
        is_ready = state.state != "Pending" and state.last_update != "InProgress"
        if is_ready and not state.awaits_snapshot:
            return state
        # What is to start from a snapshot is initialised first.
        seconds = READY_SECONDS + (AHEAD_SECONDS if state.awaits_snapshot else 0)
        if is_last or clock.now() - start >= seconds:
            raise WideloadError(
                f"{function} ({version}) is not ready after {seconds:.0f} s",
                why=f"State {state.state}, LastUpdateStatus {state.last_update}"
                + (", no snapshot yet" if state.awaits_snapshot else ""),
                hint="run it again later: it goes on where it stopped, and what served "
                "before goes on serving",
            )
        waited(clock.now() - start)
    raise AssertionError("the last attempt returns or raises")


def until_provisioned(
    concurrency: Concurrency,
    function: str,
    version: str,
    clock: Clock,
    waited: Callable[[float], None],
) -> None:
    """Wait until as many environments of a version as asked for are initialised.

    :param waited: called with the seconds waited so far.
    :raises WideloadError: Lambda failed to have them so, or takes too long.
    """
    start = clock.now()
    seconds = READY_SECONDS + AHEAD_SECONDS
    for is_last in attempts(clock, seconds):
        found = [one for one in concurrency.listed(function) if one.qualifier == version]
        if any(one.status == "READY" for one in found):
            return
        failed = [one for one in found if one.status == "FAILED"]
        if failed:
            raise WideloadError(
                f"Lambda could not keep environments of {function} ({version}) initialised",
                why=failed[0].reason or "Lambda gives no reason",
                hint=f"mend the cause and deploy again; `wideload logs {function}` shows what it "
                "wrote; what served before goes on serving",
            )
        if is_last:
            told = f"{found[0].ready} of {found[0].requested} are" if found else "none is asked for"
            raise WideloadError(
                f"environments of {function} ({version}) are not initialised after {seconds:.0f} s",
                why=told,
                hint="run it again later: it goes on where it stopped",
            )
        waited(clock.now() - start)
    raise AssertionError("the last attempt returns or raises")


def _failed(function: str, version: str, state: str, reason: str) -> WideloadError:
    return WideloadError(
        f"Lambda could not prepare {function} ({version})",
        why=f"{state}: {reason or 'Lambda gives no reason'}",
        hint="mend the cause and deploy again; what served before goes on serving",
    )
