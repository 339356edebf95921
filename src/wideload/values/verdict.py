"""What came of trying a build out."""

from __future__ import annotations

import msgspec


class Case(msgspec.Struct, frozen=True):
    """An event and, where it is known, the answer that it must get."""

    name: str
    event: bytes
    expected: bytes | None = None


class Check(msgspec.Struct, frozen=True):
    """One thing that was tried."""

    name: str
    passed: bool
    detail: str


class Used(msgspec.Struct, frozen=True):
    """What events used of what the function has."""

    memory: int
    """MB that it has."""
    max_memory: int
    """MB that it had at most."""
    ephemeral: int
    """MB of /tmp that it has."""
    tmp_bytes: int | None
    """Bytes of /tmp in use after the events; nothing where that cannot be seen."""


class Verdict(msgspec.Struct, frozen=True):
    """All that was tried."""

    checks: tuple[Check, ...]
    missing: tuple[str, ...] = ()
    """Guarantees of Lambda's that this machine could not give."""
    used: Used | None = None
    """Nothing where no event was run."""

    @property
    def passed(self) -> bool:
        """Whether every check did."""
        return all(check.passed for check in self.checks)
