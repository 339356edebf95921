"""EFS: what moto's control plane knows of a file system, and the folder that it is here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.efs import models
from moto.moto_api._internal import mock_random

from wideload.local.file_systems.point import Point, Target

if TYPE_CHECKING:
    from pathlib import Path

    from wideload.local.control import Control

_DIGITS = 17
"""Of an access point's id. moto gives 8, which EFS has long ceased to, and which Lambda's
FileSystemArn does not admit."""


class _LongAccessPoint(models.AccessPoint):
    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        arn = self.access_point_arn.removesuffix(self.access_point_id)
        self.access_point_id = f"fsap-{mock_random.get_random_hex(_DIGITS)}"
        self.access_point_arn = f"{arn}{self.access_point_id}"


def use_long_ids() -> None:
    """Have moto give access points ids as long as AWS's; before it makes the first."""
    models.AccessPoint = _LongAccessPoint  # type: ignore[misc]


class Efs:
    """Access points of EFS."""

    service = "elasticfilesystem"
    label = "EFS"
    name = "EFS"
    error = "EFS"
    # https://docs.aws.amazon.com/efs/latest/ug/iam-access-control-nfs-efs.html
    is_open = True
    writable = True

    def __init__(self, control: Control, state: Path) -> None:
        self._lock = control.lock
        self._state = state / "efs"

    def folder(self, point: Point) -> Path:
        """The folder of this machine that the point's file system is."""
        folder = self._state / point.account / point.region / point.file_system
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def find(self, arn: str) -> Point | None:
        """The access point of this ARN; nothing where there is none."""
        _, _, _, region, account, resource = arn.split(":", 5)
        with self._lock:
            backend = models.efs_backends[account][region]
            found = backend.access_points.get(resource.partition("/")[2])
            if found is None or found.file_system_id not in backend.file_systems_by_id:
                return None
            system = backend.file_systems_by_id[found.file_system_id]
            root = found.root_directory or {}
            user = found.posix_user or {}
            created: Any = root.get("CreationInfo") or {}
            return Point(
                arn=arn,
                account=account,
                region=region,
                file_system=system.file_system_id,
                file_system_arn=system.file_system_arn,
                path=root.get("Path", "/"),
                uid=user.get("Uid"),
                gids=(user.get("Gid", 0), *user.get("SecondaryGids", ())) if user else (),
                created=(
                    (created["OwnerUid"], created["OwnerGid"], int(created["Permissions"], 8))
                    if created
                    else None
                ),
                has_policy=system.file_system_policy is not None,
                targets=tuple(
                    Target(
                        one.availability_zone_name,
                        one.vpc_id,
                        str(one.ip_address),
                        tuple(one.security_groups or ()),
                    )
                    for one in system.iter_mount_targets()
                ),
            )
