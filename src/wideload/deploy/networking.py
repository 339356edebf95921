"""From what there is of a network and a file system to what a function mounts. Pure.

What is configured is taken as it is, and held to all that mounting needs; what is not configured
is what wideload made before, or makes now when it is told to.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

import msgspec

from wideload.deploy import names
from wideload.errors import WideloadError
from wideload.values.function import Strategy
from wideload.values.instruction import (
    CreateBucket,
    CreateRole,
    Instruction,
    MountedAt,
    PutRolePolicy,
    SecureBucket,
    VersionBucket,
)
from wideload.values.mount import DIRECT_READ_MEMORY, Vpc
from wideload.values.networking import (
    NEW_GROUP,
    NEW_POINT,
    NEW_SYSTEM,
    NEW_VPC,
    AllowNfs,
    CreateAccessPoint,
    CreateEndpoint,
    CreateFileSystem,
    CreateFileView,
    CreateMountTarget,
    CreateSecurityGroup,
    CreateSubnet,
    CreateVpc,
    ProtectFileSystem,
    new_subnet,
)

if TYPE_CHECKING:
    from wideload.deploy.mounts import GroupState, NetworkState, SubnetState
    from wideload.deploy.states import Identity
    from wideload.values.artifact import Manifest
    from wideload.values.networking import FileService

BLOCK = "10.213.0.0/24"
"""Addresses of a VPC that wideload makes."""
_ZONES = 2
_SUBNET_BITS = 3
UID = 1000
ROOT = "/wideload"
GROUP = "wideload"
_CREATE = "deploy with --create-network: it makes what is missing, and --dry-run shows it first"


class Network(msgspec.Struct, frozen=True):
    """What a function gets, and the steps that make it."""

    steps: tuple[Instruction, ...]
    vpc: Vpc
    mount: MountedAt
    objects: str = ""
    """Of S3 Files: ARN of the bucket and what keys of files at the file system's root begin with,
    e.g. ``arn:aws:s3:::bucket/mounts/``."""


def network(
    manifest: Manifest, state: NetworkState, identity: Identity, *, create: bool
) -> Network:
    """What the function mounts.

    :param create: make what is not there.
    :raises WideloadError: something is not there, or not as it must be; the error names it.
    """
    if manifest.mount is None:
        raise AssertionError("what mounts nothing needs no network")
    return _Finding(manifest, state, identity, create=create).found(manifest.mount.path)


class _Finding:
    def __init__(
        self, manifest: Manifest, state: NetworkState, identity: Identity, *, create: bool
    ) -> None:
        self._manifest, self._state, self._identity = manifest, state, identity
        self._create = create
        self._is_efs = manifest.strategy is Strategy.EFS
        self._service: FileService = "efs" if self._is_efs else "s3-files"
        self._key = "efs_access_point" if self._is_efs else "s3_files_access_point"
        self._steps: list[Instruction] = []
        self._tags = {**names.MADE_BY, names.NETWORK_TAG: "mounts"}

    def found(self, path: str) -> Network:
        state = self._state
        if state.missing:
            raise self._error(
                f"{', '.join(state.missing)} is not there",
                "it is configured, and AWS knows none of that name in this region",
                "correct the function's table, or take the key out of it",
            )
        vpc, subnets = self._subnets()
        groups = self._groups(vpc)
        arn, objects = self._point(subnets, groups)
        return Network(
            tuple(self._steps),
            Vpc(tuple(sorted(subnets)), tuple(sorted(groups))),
            MountedAt(arn, path, "" if self._is_efs else self._direct_read()),
            objects,
        )

    def _direct_read(self) -> str:
        enough = self._manifest.settings.memory >= DIRECT_READ_MEMORY
        return "AUTO" if enough else "DISABLED"

    def _subnets(self) -> tuple[str, dict[str, str]]:
        """The VPC, and the zone of each subnet in it."""
        state = self._state
        region = self._identity.region
        if state.subnets:
            vpcs = {subnet.vpc for subnet in state.subnets}
            if len(vpcs) > 1:
                raise self._error(
                    "its subnets are of different VPCs",
                    ", ".join(f"{one.id} is in {one.vpc}" for one in state.subnets),
                    "name subnets of one VPC",
                )
            vpc, found = state.subnets[0].vpc, {one.id: one.zone for one in state.subnets}
            # One that was killed may have made less.
            own = not self._manifest.settings.vpc.subnets
            found |= self._create_subnets(vpc) if own and self._create else {}
            self._reach_s3(state.subnets)
            return vpc, found
        self._or_refuse("subnets", "it has no subnets to be in")
        vpc = state.vpc or NEW_VPC
        if state.vpc is None:
            self._steps.append(CreateVpc(BLOCK, self._tags))
        made = self._create_subnets(vpc)
        self._steps.append(CreateEndpoint(vpc, region, (), self._tags))
        return vpc, made

    def _create_subnets(self, vpc: str) -> dict[str, str]:
        """Subnets of its own VPC that are not there yet, and the zone of each."""
        have = {one.zone for one in self._state.subnets}
        made = {}
        blocks = ipaddress.ip_network(BLOCK).subnets(prefixlen_diff=_SUBNET_BITS)
        for zone, block in zip(self._state.zones[:_ZONES], blocks, strict=False):
            if zone not in have:
                self._steps.append(CreateSubnet(vpc, zone, str(block), self._tags))
                made[new_subnet(zone)] = zone
        return made

    def _reach_s3(self, subnets: tuple[SubnetState, ...]) -> None:
        cut_off = [one for one in subnets if not one.reaches_s3]
        # Files of S3 Files are sent from here, and read by Lambda itself.
        if not cut_off or not self._is_efs:
            return
        self._or_refuse(
            "",
            f"{', '.join(one.id for one in cut_off)} has no way to S3",
            "what its directory is filled from comes from there, and a function in a VPC has no "
            "way out by an internet gateway",
        )
        tables = tuple(sorted({one.table for one in cut_off}))
        region = self._identity.region
        self._steps.append(CreateEndpoint(cut_off[0].vpc, region, tables, self._tags))

    def _groups(self, vpc: str) -> tuple[str, ...]:
        state = self._state
        if state.groups:
            for one in state.groups:
                if one.vpc != vpc:
                    raise self._error(
                        f"security group {one.id} is of another VPC than its subnets",
                        f"{one.id} is of {one.vpc}, the subnets are of {vpc}",
                        "name a group of the same VPC",
                    )
            if not any(one.lets_out for one in state.groups):
                raise self._error(
                    f"no security group of its own lets TCP 2049 out: {self._ids(state.groups)}",
                    "a function reaches its file system by NFS",
                    "add an outbound rule for TCP 2049",
                )
            return tuple(one.id for one in state.groups)
        self._or_refuse("security_groups", "it has no security group")
        self._steps.append(CreateSecurityGroup(vpc, GROUP, self._tags))
        self._steps.append(AllowNfs(NEW_GROUP, NEW_GROUP))
        return (NEW_GROUP,)

    def _point(self, subnets: dict[str, str], groups: tuple[str, ...]) -> tuple[str, str]:
        """ARN of the access point, and of S3 Files where its files lie in S3."""
        state = self._state
        if state.point is not None and state.system is None:
            if state.point.uid is None:
                raise self._error(
                    f"access point {state.point.arn} acts as nobody",
                    "without a POSIX user those who come by it act as whom they say they are, and "
                    "what one wrote another may not read",
                    "give the access point a PosixUser, or take another",
                )
            self._targets(state.point.system, subnets, groups, configured=True)
            return state.point.arn, state.point.objects
        system = state.system
        if system is None:
            self._or_refuse(self._key, "it has no file system to mount")
            self._create_system()
            system = NEW_SYSTEM
        if self._is_efs and not state.system_has_policy:
            self._or_refuse("", f"file system {system} asks nobody for permission")
            self._steps.append(ProtectFileSystem(system, names.file_system_policy()))
        self._targets(system, subnets, groups, configured=False)
        if state.point is not None:
            return state.point.arn, state.point.objects
        self._or_refuse(self._key, f"file system {system} has no access point")
        # The prefix is the root of S3 Files.
        root = ROOT if self._is_efs else "/"
        self._steps.append(
            CreateAccessPoint(system, "wideload", UID, root, self._tags, self._service)
        )
        return NEW_POINT, "" if self._is_efs else f"{self._bucket()}/{names.FILE_PREFIX}"

    def _bucket(self) -> str:
        """The ARN of wideload's bucket of files."""
        return f"arn:{self._identity.partition}:s3:::{names.files_bucket(self._identity)}"

    def _create_system(self) -> None:
        identity = self._identity
        unzipped = sum(one.unzipped_bytes for one in self._manifest.artifacts)
        token = f"wideload-{identity.account}-{identity.region}"
        if self._is_efs:
            self._steps.append(CreateFileSystem(token, self._tags, unzipped))
            return
        bucket, role = names.files_bucket(identity), names.s3_files_role(identity)
        arn = f"arn:{identity.partition}:iam::{identity.account}:role/{role}"
        if not self._state.has_bucket:
            self._steps.append(CreateBucket(bucket, identity.region))
            self._steps.append(SecureBucket(bucket, identity.account))
        self._steps.append(VersionBucket(bucket, identity.account))
        if not self._state.has_role:
            self._steps.append(CreateRole(role, names.s3_files_trust(identity), self._tags))
        what = f"read and write s3://{bucket}/{names.FILE_PREFIX} for S3 Files"
        document = names.s3_files_policy(identity)
        self._steps.append(PutRolePolicy(role, names.S3_FILES_ROLE, document, what))
        self._steps.append(
            CreateFileView(token, self._bucket(), names.FILE_PREFIX, arn, self._tags, unzipped)
        )

    def _targets(
        self, system: str, subnets: dict[str, str], groups: tuple[str, ...], *, configured: bool
    ) -> None:
        state = self._state
        vpcs = {one.vpc for one in state.targets}
        own = {one.vpc for one in state.subnets}
        if vpcs and own and not own <= vpcs:
            raise self._error(
                f"file system {system} is in another VPC than its subnets",
                f"its mount targets are in {', '.join(sorted(vpcs))}, the subnets in "
                f"{', '.join(sorted(own))}",
                "name subnets of the file system's VPC"
                if configured
                else "take `subnets` out of its table, or name an access point of the same VPC",
            )
        targets = {one.zone: one for one in state.targets}
        made = set[str]()
        for subnet, zone in subnets.items():
            target = targets.get(zone)
            if target is not None:
                self._rule(system, target.groups, groups)
            elif zone not in made:
                self._or_refuse(
                    "",
                    f"file system {system} has no mount target in {zone}, where its subnet "
                    f"{subnet} is",
                    "Lambda refuses a function whose file system is not reachable in each of its "
                    "availability zones",
                )
                self._steps.append(CreateMountTarget(system, subnet, groups, self._service))
                made.add(zone)
                if state.groups:
                    self._rule(system, state.groups, groups)

    def _rule(self, system: str, theirs: tuple[GroupState, ...], groups: tuple[str, ...]) -> None:
        if any(set(groups) & set(one.nfs_groups) or one.nfs_blocks for one in theirs):
            return
        into = theirs[0].id if theirs else ""
        step = AllowNfs(into, groups[0])
        if step in self._steps:
            return
        self._or_refuse(
            "",
            f"no security group of the mount targets of {system} lets TCP 2049 in from the "
            f"function's: {self._ids(theirs) or 'they have none'}",
            f"the function's groups are {', '.join(groups)}",
        )
        self._steps.append(step)

    @staticmethod
    def _ids(groups: tuple[GroupState, ...]) -> str:
        return ", ".join(one.id for one in groups)

    def _or_refuse(self, key: str, what: str, why: str = "") -> None:
        """Go on where what is missing may be made."""
        if self._create:
            return
        hint = _CREATE + (f"; or set `{key}` in its table" if key else "")
        raise self._error(what, why or "it mounts its packages, in a VPC", hint)

    def _error(self, what: str, why: str, hint: str) -> WideloadError:
        name = self._manifest.function
        return WideloadError(f"{name} cannot mount its packages: {what}", why=why, hint=hint)
