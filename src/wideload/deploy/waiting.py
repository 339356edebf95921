"""Waiting for Lambda: it answers before it has done what it was told."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from wideload.errors import WideloadError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wideload.deploy.cloud import Functions, FunctionState

READY_SECONDS = 300.0
"""A function without a VPC is ready within seconds, after a big package in about a minute."""
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
    for is_last in attempts(clock, READY_SECONDS):
        state = functions.state(function, version)
        if state.state not in ("Pending", "Active", "Inactive"):
            raise _failed(function, version, f"State {state.state}", state.state_reason)
        if state.last_update == "Failed":
            raise _failed(function, version, "LastUpdateStatus Failed", state.last_update_reason)
        if state.state != "Pending" and state.last_update != "InProgress":
            return state
        if is_last:
            raise WideloadError(
                f"{function} ({version}) is not ready after {READY_SECONDS:.0f} s",
                why=f"State {state.state}, LastUpdateStatus {state.last_update}",
                hint="run it again later: it goes on where it stopped, and what served "
                "before goes on serving",
            )
        waited(clock.now() - start)
    raise AssertionError("the last attempt returns or raises")


def _failed(function: str, version: str, state: str, reason: str) -> WideloadError:
    return WideloadError(
        f"Lambda could not prepare {function} ({version})",
        why=f"{state}: {reason or 'Lambda gives no reason'}",
        hint="mend the cause and deploy again; what served before goes on serving",
    )
