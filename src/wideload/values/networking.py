"""Steps that make the network and the file system of functions which mount their packages.

What only exists once a step has run is written as ``new:…``, and stands for that until then.
"""

from __future__ import annotations

from typing import Literal

import msgspec

FileService = Literal["efs", "s3-files"]

NEW = "new:"
NEW_VPC = f"{NEW}vpc"
NEW_GROUP = f"{NEW}security-group"
NEW_SYSTEM = f"{NEW}file-system"
NEW_POINT = f"{NEW}access-point"
"""Stands for the ARN; the other ones for ids."""
NFS_PORT = 2049

GIGABYTE = 1 << 30
EFS_STORAGE = 0.30
"""US dollars for a GiB kept in EFS Standard for a month, in us-east-1.
https://aws.amazon.com/efs/pricing/ (regional, Standard)"""
S3_STORAGE = 0.023
"""US dollars for a GiB kept in S3 Standard for a month, in us-east-1.
https://aws.amazon.com/s3/pricing/"""
S3_FILES_CACHED = 0.30
"""The same for what S3 Files keeps of it at hand, as EFS on which it is built; not confirmed on a
bill. https://aws.amazon.com/s3/pricing/"""
EFS_READ, EFS_WRITTEN = 0.03, 0.06
"""US dollars for a GiB read and written by elastic throughput; the same page."""


def new_subnet(zone: str) -> str:
    """Stands for the subnet that is made in a zone."""
    return f"{NEW}subnet-{zone}"


class CreateVpc(msgspec.Struct, frozen=True, tag="create-vpc", tag_field="do"):
    """Make a VPC for functions that mount."""

    block: str
    tags: dict[str, str]

    def describe(self) -> str:
        """One line for people."""
        return f"create a VPC ({self.block}) that reaches S3 and nothing else; it costs nothing"


class CreateSubnet(msgspec.Struct, frozen=True, tag="create-subnet", tag_field="do"):
    """Make a private subnet."""

    vpc: str
    zone: str
    block: str
    tags: dict[str, str]

    def describe(self) -> str:
        """One line for people."""
        return f"create a private subnet in {self.zone} ({self.block}); it costs nothing"


class CreateEndpoint(msgspec.Struct, frozen=True, tag="create-endpoint", tag_field="do"):
    """Let a VPC reach S3 by a gateway endpoint."""

    vpc: str
    region: str
    tables: tuple[str, ...]
    """Ids of the route tables that get the way; none is the VPC's main one."""
    tags: dict[str, str]

    def describe(self) -> str:
        """One line for people."""
        return f"let {_named(self.vpc)} reach S3 by a gateway endpoint; it costs nothing"


class CreateSecurityGroup(msgspec.Struct, frozen=True, tag="create-security-group", tag_field="do"):
    """Make the group of functions and mount targets."""

    vpc: str
    name: str
    tags: dict[str, str]

    def describe(self) -> str:
        """One line for people."""
        return f"create security group {self.name} in {_named(self.vpc)}; it costs nothing"


class AllowNfs(msgspec.Struct, frozen=True, tag="allow-nfs", tag_field="do"):
    """Let NFS into a security group."""

    group: str
    source: str
    """The group that it comes from."""

    def describe(self) -> str:
        """One line for people."""
        source = "itself" if self.group == self.source else _named(self.source)
        return f"let TCP {NFS_PORT} into {_named(self.group)} from {source}"


class CreateFileSystem(msgspec.Struct, frozen=True, tag="create-file-system", tag_field="do"):
    """Make an encrypted file system of EFS with elastic throughput, and wait for it."""

    token: str
    """The same token makes it once only."""
    tags: dict[str, str]
    bytes: int
    """What is to lie in it."""

    def describe(self) -> str:
        """One line for people."""
        month = max(0.01, self.bytes / GIGABYTE * EFS_STORAGE)
        return (
            f"create an EFS file system, encrypted: about ${month:.2f} a month for "
            f"{self.bytes / 1e6:,.0f} MB (us-east-1: ${EFS_STORAGE:.2f} a GiB and month, "
            f"${EFS_READ:.2f} a GiB read, ${EFS_WRITTEN:.2f} a GiB written)"
        )


class CreateFileView(msgspec.Struct, frozen=True, tag="create-file-view", tag_field="do"):
    """Make a file system of S3 Files over a part of a bucket, and wait for it."""

    token: str
    """The same token makes it once only."""
    bucket: str
    """ARN."""
    prefix: str
    role: str
    """ARN of the role by which S3 Files reads and writes the bucket."""
    tags: dict[str, str]
    bytes: int
    """What is to lie in it."""

    def describe(self) -> str:
        """One line for people."""
        month = max(0.01, self.bytes / GIGABYTE * S3_STORAGE)
        return (
            f"create an S3 Files file system over {self.bucket}/{self.prefix}: the objects about "
            f"${month:.2f} a month for {self.bytes / 1e6:,.0f} MB (us-east-1: ${S3_STORAGE:.3f} a "
            f"GiB and month); what is read is kept at ${S3_FILES_CACHED:.2f} a GiB and month more"
        )


class ProtectFileSystem(msgspec.Struct, frozen=True, tag="protect-file-system", tag_field="do"):
    """Have a file system ask IAM who may mount it and who may write."""

    system: str
    policy: str
    """JSON."""

    def describe(self) -> str:
        """One line for people."""
        return f"let nobody mount {_named(self.system)} whom IAM does not allow to"


class CreateMountTarget(msgspec.Struct, frozen=True, tag="create-mount-target", tag_field="do"):
    """Make a file system reachable in a subnet's availability zone, and wait until it is."""

    system: str
    subnet: str
    groups: tuple[str, ...]
    service: FileService = "efs"

    def describe(self) -> str:
        """One line for people."""
        where = _named(self.subnet)
        return f"create a mount target of {_named(self.system)} in {where}; it costs nothing"


class CreateAccessPoint(msgspec.Struct, frozen=True, tag="create-access-point", tag_field="do"):
    """Make the way into a file system: one folder of it, as one user."""

    system: str
    token: str
    uid: int
    path: str
    tags: dict[str, str]
    service: FileService = "efs"

    def describe(self) -> str:
        """One line for people."""
        return (
            f"create an access point to {self.path} of {_named(self.system)} as user {self.uid}; "
            "it costs nothing"
        )


Networking = (
    CreateVpc
    | CreateSubnet
    | CreateEndpoint
    | CreateSecurityGroup
    | AllowNfs
    | CreateFileSystem
    | CreateFileView
    | ProtectFileSystem
    | CreateMountTarget
    | CreateAccessPoint
)


def _named(id_: str) -> str:
    if not id_.startswith(NEW):
        return id_
    what = id_.removeprefix(NEW)
    if what.startswith("subnet-"):
        return f"the new subnet in {what.removeprefix('subnet-')}"
    return f"the new {what.replace('-', ' ') if what != 'vpc' else 'VPC'}"
