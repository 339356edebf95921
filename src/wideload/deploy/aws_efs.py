"""EFS through boto3, as functions that mount need it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wideload.deploy import names
from wideload.deploy.aws_trouble import asking
from wideload.deploy.cloud import Refused
from wideload.deploy.mounts import PointState

if TYPE_CHECKING:
    from types_boto3_efs import EFSClient

_POLICY_MISSING = "PolicyNotFound"
_GONE = frozenset({"AccessPointNotFound", "FileSystemNotFound"})


class AwsEfs:
    """File systems of EFS, by id."""

    def __init__(self, client: EFSClient) -> None:
        self._efs = client

    def own(self) -> str | None:
        """The id of wideload's own file system."""
        with asking("elasticfilesystem"):
            pages = self._efs.get_paginator("describe_file_systems").paginate()
            found = [
                system["FileSystemId"]
                for page in pages
                for system in page["FileSystems"]
                if any(tag["Key"] == names.NETWORK_TAG for tag in system["Tags"])
            ]
        return found[0] if found else None

    def point(self, named: Any) -> PointState | None:
        """The access point that is named, or wideload's own of a file system that is.

        :param named: ``AccessPointId`` or ``FileSystemId``.
        """
        try:
            with asking("elasticfilesystem"):
                found = self._efs.describe_access_points(**named)["AccessPoints"]
        except Refused as refused:
            if refused.code not in _GONE:
                raise
            return None
        if "FileSystemId" in named:
            found = [
                one
                for one in found
                if any(tag["Key"] == names.NETWORK_TAG for tag in one.get("Tags", []))
            ]
        if not found:
            return None
        point = found[0]
        system = point["FileSystemId"]
        return PointState(
            arn=point["AccessPointArn"],
            system=system,
            uid=point.get("PosixUser", {}).get("Uid"),
            has_policy=self.has_policy(system),
        )

    def has_policy(self, system: str) -> bool:
        """Whether a file system has a policy."""
        try:
            with asking("elasticfilesystem"):
                self._efs.describe_file_system_policy(FileSystemId=system)
        except Refused as refused:
            if refused.code != _POLICY_MISSING:
                raise
            return False
        return True

    def targets(self, system: str) -> list[dict[str, Any]]:
        """The mount targets of a file system as the API answers them, each with the ids of its
        groups under ``SecurityGroups``."""
        with asking("elasticfilesystem"):
            pages = self._efs.get_paginator("describe_mount_targets").paginate(FileSystemId=system)
            found = [dict(target) for page in pages for target in page["MountTargets"]]
            for target in found:
                target["SecurityGroups"] = self._efs.describe_mount_target_security_groups(
                    MountTargetId=str(target["MountTargetId"])
                )["SecurityGroups"]
        return sorted(found, key=lambda one: str(one["SubnetId"]))

    def create_system(self, token: str, tags: dict[str, str]) -> str:
        """Make an encrypted file system with elastic throughput; its id, or of the one that was
        made with this token."""
        try:
            with asking("elasticfilesystem"):
                return self._efs.create_file_system(
                    CreationToken=token,
                    Encrypted=True,
                    PerformanceMode="generalPurpose",
                    ThroughputMode="elastic",
                    Tags=_tags(tags),
                )["FileSystemId"]
        except Refused as refused:
            if refused.code != "FileSystemAlreadyExists":
                raise
        with asking("elasticfilesystem"):
            found = self._efs.describe_file_systems(CreationToken=token)["FileSystems"]
        return found[0]["FileSystemId"]

    def system_state(self, system: str) -> str:
        """``available`` and the like."""
        with asking("elasticfilesystem"):
            found = self._efs.describe_file_systems(FileSystemId=system)["FileSystems"]
        return str(found[0]["LifeCycleState"])

    def protect(self, system: str, policy: str) -> None:
        """Give a file system a policy."""
        with asking("elasticfilesystem"):
            self._efs.put_file_system_policy(FileSystemId=system, Policy=policy)

    def create_target(self, system: str, subnet: str, groups: tuple[str, ...]) -> None:
        """Make a mount target; nothing where the zone has one."""
        try:
            with asking("elasticfilesystem"):
                self._efs.create_mount_target(
                    FileSystemId=system, SubnetId=subnet, SecurityGroups=list(groups)
                )
        except Refused as refused:
            if refused.code != "MountTargetConflict":
                raise

    def create_point(
        self, system: str, token: str, uid: int, path: str, tags: dict[str, str]
    ) -> str:
        """Make an access point to a folder, which is made as the user's own; its ARN."""
        owned: Any = {"OwnerUid": uid, "OwnerGid": uid, "Permissions": "0755"}
        with asking("elasticfilesystem"):
            made = self._efs.create_access_point(
                ClientToken=token,
                FileSystemId=system,
                PosixUser={"Uid": uid, "Gid": uid},
                RootDirectory={"Path": path, "CreationInfo": owned},
                Tags=_tags(tags),
            )
        return made["AccessPointArn"]

    def point_state(self, arn: str) -> str:
        """``available`` and the like."""
        with asking("elasticfilesystem"):
            found = self._efs.describe_access_points(AccessPointId=arn.rpartition("/")[2])
        return str(found["AccessPoints"][0]["LifeCycleState"])


def _tags(tags: dict[str, str]) -> list[Any]:
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]
