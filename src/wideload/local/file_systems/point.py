"""An access point, whoever keeps it."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import msgspec


class Target(msgspec.Struct, frozen=True):
    """Where a file system is reached in one availability zone."""

    zone: str
    vpc: str
    address: str
    groups: tuple[str, ...]
    """Ids of its security groups."""


class Point(msgspec.Struct, frozen=True):
    """An access point with what is needed of its file system."""

    arn: str
    account: str
    region: str
    file_system: str
    """Id."""
    file_system_arn: str
    path: str
    """Of the root directory that it shows, in the file system."""
    uid: int | None
    """As whom all who come by it act; nothing leaves that to them."""
    gids: tuple[int, ...]
    created: tuple[int, int, int] | None
    """Owner, group and mode that the root directory is made with where it is missing; nothing
    makes none."""
    has_policy: bool
    """Whether the file system has a policy, without which everybody who reaches it may all."""
    targets: tuple[Target, ...]


class Kind(Protocol):
    """One of the two services whose file systems functions mount."""

    service: str
    """As IAM and ARNs name it."""
    label: str
    """As messages about a function's configuration name it."""
    name: str
    """As messages about a mount name it."""
    error: str
    """What the codes of Lambda's errors about a mount begin with."""
    is_open: bool
    """Whether everybody who reaches a file system without a policy may all."""
    writable: bool
    """Whether functions may write to it here."""

    def find(self, arn: str) -> Point | None:
        """The access point of this ARN; nothing where there is none."""
        ...

    def folder(self, point: Point) -> Path:
        """The folder of this machine that the point's file system is, as it is now."""
        ...
