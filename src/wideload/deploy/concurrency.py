"""What deploying asks of Lambda's provisioned concurrency, and what comes back."""

from __future__ import annotations

from typing import Protocol

import msgspec


class ProvisionedState(msgspec.Struct, frozen=True):
    """Environments that are kept initialised for a version or an alias."""

    qualifier: str
    """The number of a version, or the name of an alias."""
    requested: int
    ready: int
    status: str
    """``IN_PROGRESS``, ``READY`` or ``FAILED``."""
    reason: str = ""
    """Why it failed."""

    @property
    def is_of_alias(self) -> bool:
        """Whether it belongs to an alias: wideload makes none of these."""
        return not self.qualifier.isdecimal()


class Room(msgspec.Struct, frozen=True):
    """How many environments may be kept initialised."""

    unreserved: int
    """Concurrent executions of the account that nobody has set aside."""
    reserved: int | None = None
    """What the function has set aside for itself, if it has."""


class Concurrency(Protocol):
    """Lambda's provisioned concurrency of this account and region.

    Raises as `wideload.deploy.cloud` says.
    """

    def listed(self, function: str) -> tuple[ProvisionedState, ...]:
        """What is kept of a function, sorted by qualifier (``ResourceNotFoundException``)."""
        ...

    def room(self, function: str | None) -> Room:
        """What the account has left, and this function if it is there."""
        ...

    def put(self, function: str, version: str, count: int) -> None:
        """Keep so many environments of a version initialised."""
        ...

    def delete(self, function: str, version: str) -> None:
        """Keep none any more; where none were kept it is no error."""
        ...
