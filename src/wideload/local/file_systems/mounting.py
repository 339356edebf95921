"""What Lambda asks of EFS and S3 Files: whether a function may have a file system, and the
folder that it gets to see of it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol

from wideload.local.boundaries import MountFailed, MountRefused
from wideload.local.file_systems import network
from wideload.local.file_systems.access import NEW, Owned, Owners
from wideload.values.environment import Mount

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Any

    from wideload.local.control import Control
    from wideload.local.file_systems.point import Kind, Point


class RoleRights(Protocol):
    """IAM, as far as it says what a role may."""

    def allows(self, role_arn: str, action: str, resource: str, context: dict[str, str]) -> bool:
        """Whether the role's policies allow an action."""
        ...


class FileSystems:
    """The file systems of an embedded AWS; an implementation of `boundaries.FileSystems`."""

    def __init__(self, kinds: Sequence[Kind], control: Control, rights: RoleRights) -> None:
        self._kinds = {kind.service: kind for kind in kinds}
        self._control, self._rights = control, rights
        self._lock = threading.Lock()

    def check(self, arn: str, subnets: Sequence[str], groups: Sequence[str]) -> None:
        """Make sure that Lambda would take this access point for a function in these subnets.

        :raises MountRefused: in AWS's words.
        """
        kind = self._kinds[arn.split(":")[2]]
        point = kind.find(arn)
        if point is None:
            # AWS's own words for this are not known.
            raise MountRefused(f"Access point {arn} does not exist.")
        system = f"{kind.label} file system {point.file_system_arn} referenced by access point"
        zones = {target.zone for target in point.targets}
        with self._control.lock:
            for each in groups:
                if network.group(point.account, point.region, each) is None:
                    raise MountRefused(
                        "Error occurred while DescribeSecurityGroups. EC2 Error Code: "
                        "InvalidGroup.NotFound. EC2 Error Message: The security group "
                        f"'{each}' does not exist"
                    )
            for each in subnets:
                there = network.subnet(point.account, point.region, each)
                if there is None:
                    raise MountRefused(
                        "Error occurred while DescribeSubnets. EC2 Error Code: "
                        "InvalidSubnetID.NotFound. EC2 Error Message: The subnet ID "
                        f"'{each}' does not exist"
                    )
                if there.availability_zone not in zones:
                    raise MountRefused(
                        f"{system} {arn} does not have mount targets created in all availability "
                        "zones the function will execute in. Please create "
                        f"{kind.label} mount targets for each availability zone the function has "
                        "a corresponding subnet provided for."
                    )

    def mounted(
        self, arn: str, path: str, role_arn: str, subnets: Sequence[str], groups: Sequence[str]
    ) -> Mount:
        """What an environment of a function gets to see at `path`.

        :param role_arn: the function's role, whose rights decide.
        :raises MountFailed: it cannot be mounted: Lambda answers an invocation so.
        """
        kind = self._kinds[arn.split(":")[2]]
        point = kind.find(arn)
        if point is None:
            raise self._rejected(kind, arn)
        self._check_reached(kind, point, subnets, groups)
        may_write = self._may(kind, point, role_arn, "ClientWrite")
        if not self._may(kind, point, role_arn, "ClientMount"):
            raise self._rejected(kind, arn)
        folder, owned = self._root(kind, point)
        reads, writes = (True, True) if point.uid is None else owned.rights(point.uid, point.gids)
        if not reads:
            raise self._rejected(kind, arn)
        read_only = not (may_write and writes and kind.writable)
        return Mount(str(folder), path, read_only)

    def _check_reached(
        self, kind: Kind, point: Point, subnets: Sequence[str], groups: Sequence[str]
    ) -> None:
        targets = {target.zone: target for target in point.targets}
        with self._control.lock:
            for each in subnets:
                source: Any = network.subnet(point.account, point.region, each)
                target = targets.get(source.availability_zone) if source is not None else None
                if target is None or not network.reaches(
                    point.account,
                    point.region,
                    source=source,
                    source_groups=groups,
                    target_address=target.address,
                    target_groups=target.groups,
                ):
                    raise MountFailed(
                        f"{kind.error}MountConnectivityException",
                        f"The function couldn't connect to the {kind.name} file system with "
                        f"access point {point.arn}. Check your network configuration and try "
                        "again.",
                        408,
                    )

    def _may(self, kind: Kind, point: Point, role_arn: str, action: str) -> bool:
        if not point.has_policy and kind.is_open:
            return True
        context = {f"{kind.service}:accesspointarn": point.arn}
        return self._rights.allows(
            role_arn, f"{kind.service}:{action}", point.file_system_arn, context
        )

    def _root(self, kind: Kind, point: Point) -> tuple[Path, Owned]:
        """The root directory that the access point shows, made if it is to be."""
        base = kind.folder(point)
        path = "/" + point.path.strip("/")
        folder = base / path[1:]
        with self._lock:
            owners = Owners(base.with_name(f"{base.name}.owners.json"))
            if folder.is_dir():
                return folder, owners.of(path)
            if point.created is None:
                raise self._rejected(kind, point.arn)
            folder.mkdir(parents=True)
            uid, gid, mode = point.created
            made = Owned(uid, gid, mode)
            owners.set(path, made)
            for above in list(folder.parents)[: path.count("/") - 1]:
                owners.set("/" + above.relative_to(base).as_posix(), NEW)
            return folder, made

    def _rejected(self, kind: Kind, arn: str) -> MountFailed:
        return MountFailed(
            f"{kind.error}MountFailureException",
            f"The function could not mount the {kind.name} file system with access point {arn}. "
            "The mount request to the function's file system was rejected. Check the function's "
            "permissions, and confirm that its file system and access point exist and are ready "
            "for use.",
            403,
        )
