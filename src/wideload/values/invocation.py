"""What comes of running a function once, wherever it runs."""

from __future__ import annotations

import enum
from typing import Literal

import msgspec


class Outcome(enum.StrEnum):
    """How an invocation ended, as Lambda tells its callers."""

    SUCCESS = "success"
    HANDLED = "handled"
    """The function raised: `FunctionError` is ``Unhandled`` by Lambda's own odd naming."""
    CRASHED = "crashed"
    """The process ended, was killed for memory, or did not come up."""
    TIMED_OUT = "timed-out"


class Invocation(msgspec.Struct, frozen=True):
    """The answer of one invocation."""

    request_id: str
    outcome: Outcome
    payload: bytes
    """JSON: the handler's answer, or Lambda's error document."""
    log: str
    """What a CloudWatch stream would hold of it: START, the function's lines, END, REPORT."""
    duration_ms: float
    billed_ms: int
    init_ms: float | None
    """Of the cold start that this invocation waited for; nothing on a warm one."""
    max_memory_mb: int
    tmp_bytes: int | None = None
    """Of /tmp in use after it; nothing where that cannot be seen."""
    not_restored: Literal["raised", "timed-out"] | None = None
    """What a hook did that runs after a restore from a snapshot, if it failed: the handler was not
    called, and Lambda answers with an exception instead of a function error."""
    missing: tuple[str, ...] = ()
    """Guarantees of Lambda's that this machine could not give, each a line to be told."""

    @property
    def function_error(self) -> Literal["Unhandled"] | None:
        """The value of Lambda's ``X-Amz-Function-Error``."""
        return None if self.outcome is Outcome.SUCCESS else "Unhandled"
