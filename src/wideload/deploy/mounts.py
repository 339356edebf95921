"""What deploying asks of EC2 and EFS about what a function is to mount, and tells them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from wideload.values.instruction import MountedAt
from wideload.values.mount import Vpc

if TYPE_CHECKING:
    from wideload.values.mount import Mounts
    from wideload.values.networking import FileService


class SubnetState(msgspec.Struct, frozen=True):
    """A subnet as it is."""

    id: str
    vpc: str
    zone: str
    table: str
    """Id of its route table: its own, or the VPC's main one."""
    reaches_s3: bool
    """Whether its route table has a way to S3: a gateway endpoint, or one out of the VPC that is
    no internet gateway, which functions cannot use."""


class GroupState(msgspec.Struct, frozen=True):
    """A security group as it is."""

    id: str
    vpc: str
    nfs_groups: tuple[str, ...]
    """Groups that TCP 2049 may come from."""
    nfs_blocks: tuple[str, ...]
    """Blocks of addresses that it may come from."""
    lets_out: bool
    """Whether TCP 2049 may leave it."""


class TargetState(msgspec.Struct, frozen=True):
    """A mount target as it is."""

    subnet: str
    vpc: str
    zone: str
    groups: tuple[GroupState, ...]
    is_ready: bool


class PointState(msgspec.Struct, frozen=True):
    """An access point as it is, with its file system."""

    arn: str
    system: str
    """Id of the file system."""
    uid: int | None
    """As whom all who come by it act."""
    has_policy: bool
    """Whether the file system has a policy, without which everybody who reaches it may all."""
    objects: str = ""
    """Of S3 Files: ARN of the bucket and what keys of files at its root begin with, e.g.
    ``arn:aws:s3:::bucket/mounts/``."""


class NetworkState(msgspec.Struct, frozen=True):
    """What there is of what a function is to have: what is configured, and else what wideload made
    before."""

    zones: tuple[str, ...] = ()
    """Names of the region's availability zones, sorted."""
    vpc: str | None = None
    """Of the subnets."""
    subnets: tuple[SubnetState, ...] = ()
    groups: tuple[GroupState, ...] = ()
    """Of the function."""
    system: str | None = None
    """Id of wideload's own file system, where no access point is configured."""
    system_has_policy: bool = False
    point: PointState | None = None
    targets: tuple[TargetState, ...] = ()
    missing: tuple[str, ...] = ()
    """Ids that are configured and not there."""
    has_bucket: bool = False
    """Of S3 Files: whether wideload's bucket of files is there, and its role."""
    has_role: bool = False


class HeldMount(msgspec.Struct, frozen=True):
    """What a version of a function mounts by wideload."""

    function: str
    directory: str
    """Absolute path."""
    mount: MountedAt
    vpc: Vpc


class MountClient(Protocol):
    """EC2 and EFS, as deploying needs them. Every method raises `Refused` as those of `Cloud`."""

    def observe(self, service: FileService, vpc: Vpc, mounts: Mounts) -> NetworkState:
        """What there is for a function with these settings."""
        ...

    def create_vpc(self, block: str, tags: dict[str, str]) -> str:
        """Make a VPC whose names are resolved; its id."""
        ...

    def create_subnet(self, vpc: str, zone: str, block: str, tags: dict[str, str]) -> str:
        """Make a subnet; its id."""
        ...

    def create_endpoint(
        self, vpc: str, region: str, tables: tuple[str, ...], tags: dict[str, str]
    ) -> None:
        """Make a gateway endpoint of S3; without tables in the VPC's main route table."""
        ...

    def create_group(self, vpc: str, name: str, tags: dict[str, str]) -> str:
        """Make a security group; its id, or that of the one that has the name."""
        ...

    def allow_nfs(self, group: str, source: str) -> None:
        """Let TCP 2049 into a group from another; nothing where it may already."""
        ...

    def create_system(self, token: str, tags: dict[str, str]) -> str:
        """Make a file system of EFS, and wait for it; its id, or of the one with this token."""
        ...

    def protect(self, system: str, policy: str) -> None:
        """Give a file system a policy."""
        ...

    def create_view(
        self, token: str, bucket: str, prefix: str, role: str, tags: dict[str, str]
    ) -> str:
        """Make a file system of S3 Files, and wait for it; its id."""
        ...

    def create_target(
        self, service: FileService, system: str, subnet: str, groups: tuple[str, ...]
    ) -> None:
        """Make a mount target, and wait for it; nothing where the zone has one."""
        ...

    def create_point(
        self,
        service: FileService,
        system: str,
        token: str,
        uid: int,
        path: str,
        tags: dict[str, str],
    ) -> str:
        """Make an access point, and wait for it; its ARN."""
        ...
