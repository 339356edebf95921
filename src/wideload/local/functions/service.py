"""What the operations share: the parts of the service, and a call of its API."""

from __future__ import annotations

import dataclasses
import datetime
import threading
import time
import uuid
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

    from wideload.local.boundaries import FileSystems, Images, Objects, Roles
    from wideload.local.functions.blobs import Blobs
    from wideload.local.functions.downloads import Downloads
    from wideload.local.functions.names import Place
    from wideload.local.functions.pool import Pool
    from wideload.local.functions.store import Store


class Call(msgspec.Struct, frozen=True):
    """A request: the operation, its validated parameters, who asks and where."""

    operation: str
    parameters: dict[str, Any]
    place: Place
    principal: str
    """ARN of the caller."""


class Reply(msgspec.Struct, frozen=True):
    """An answer whose status, headers or body are not the operation's plain ones."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = {}


@dataclasses.dataclass(frozen=True)
class Service:
    """The parts that operations work with."""

    store: Store
    blobs: Blobs
    pool: Pool
    objects: Objects
    roles: Roles
    file_systems: FileSystems
    images: Images
    downloads: Downloads
    endpoint_url: Callable[[], str]
    settle: float
    """Seconds that a function stays Pending after its creation, or InProgress after a change."""
    clock: Callable[[], float] = time.time

    def collect(self) -> None:
        """Delete packages that nothing needs any more."""
        self.blobs.collect(self.store.referenced, self.pool.packages)
        self.images.collect(self.store.images(), self.pool.packages())

    def retire_settled(self, incarnation: str) -> None:
        """Close the environments of what a change replaces, once the change is through."""
        timer = threading.Timer(self.settle, self.pool.retire, (incarnation,))
        timer.daemon = True
        timer.start()

    def stamp(self) -> str:
        """The present time as Lambda writes it: ``2026-11-21T07:43:00.123+0000``."""
        now = datetime.datetime.fromtimestamp(self.clock(), datetime.UTC)
        return f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}+0000"


def fresh_id() -> str:
    """A new RevisionId, request ID or the like."""
    return str(uuid.uuid4())
