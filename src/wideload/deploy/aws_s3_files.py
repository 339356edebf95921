"""S3 Files through boto3, as functions that mount need it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wideload.deploy import names
from wideload.deploy.aws_trouble import asking
from wideload.deploy.cloud import Refused

if TYPE_CHECKING:
    from types_boto3_s3files import S3FilesClient

_NOT_FOUND = "ResourceNotFoundException"


class AwsS3Files:
    """File systems of S3 Files, by id or ARN."""

    def __init__(self, client: S3FilesClient) -> None:
        self._client = client

    def own(self) -> str | None:
        """The id of wideload's own file system."""
        with asking("s3files"):
            pages = self._client.get_paginator("list_file_systems").paginate()
            ids = [one["fileSystemId"] for page in pages for one in page["fileSystems"]]
            for each in ids:
                tags = self._client.list_tags_for_resource(resourceId=each).get("tags", [])
                if any(tag["key"] == names.NETWORK_TAG for tag in tags):
                    return each
        return None

    def system(self, system: str) -> dict[str, Any]:
        """A file system, as the API answers it."""
        with asking("s3files"):
            return dict(self._client.get_file_system(fileSystemId=system))

    def point(self, arn: str) -> dict[str, Any] | None:
        """An access point, as the API answers it; nothing where there is none."""
        try:
            with asking("s3files"):
                return dict(self._client.get_access_point(accessPointId=arn))
        except Refused as refused:
            if refused.code != _NOT_FOUND:
                raise
        return None

    def own_point(self, system: str) -> dict[str, Any] | None:
        """Wideload's own access point of a file system."""
        with asking("s3files"):
            pages = self._client.get_paginator("list_access_points").paginate(fileSystemId=system)
            found = [one["accessPointId"] for page in pages for one in page["accessPoints"]]
        for each in found:
            point = self.point(each)
            tags = (point or {}).get("tags", [])
            if any(tag["key"] == names.NETWORK_TAG for tag in tags):
                return point
        return None

    def targets(self, system: str) -> list[dict[str, Any]]:
        """The mount targets of a file system, each with its groups."""
        with asking("s3files"):
            pages = self._client.get_paginator("list_mount_targets").paginate(fileSystemId=system)
            ids = [one["mountTargetId"] for page in pages for one in page["mountTargets"]]
            return [dict(self._client.get_mount_target(mountTargetId=each)) for each in ids]

    def create_system(
        self, token: str, bucket: str, prefix: str, role: str, tags: dict[str, str]
    ) -> str:
        """Make a file system over what lies below a prefix of a bucket; its id."""
        with asking("s3files"):
            made = self._client.create_file_system(
                clientToken=token,
                bucket=bucket,
                prefix=prefix,
                roleArn=role,
                acceptBucketWarning=True,
                tags=_tags(tags),
            )
        return made["fileSystemId"]

    def system_state(self, system: str) -> str:
        """``available`` and the like."""
        return str(self.system(system).get("status", ""))

    def point_state(self, arn: str) -> str:
        """``available`` and the like; ``missing`` where it is not there yet."""
        return str((self.point(arn) or {}).get("status", "missing"))

    def create_target(self, system: str, subnet: str, groups: tuple[str, ...]) -> None:
        """Make a mount target; nothing where the zone has one."""
        try:
            with asking("s3files"):
                self._client.create_mount_target(
                    fileSystemId=system, subnetId=subnet, securityGroups=list(groups)
                )
        except Refused as refused:
            if refused.code != "ConflictException":
                raise

    def create_point(
        self, system: str, token: str, uid: int, path: str, tags: dict[str, str]
    ) -> str:
        """Make an access point; its ARN."""
        with asking("s3files"):
            made = self._client.create_access_point(
                clientToken=token,
                fileSystemId=system,
                posixUser={"uid": uid, "gid": uid},
                rootDirectory={"path": path},
                tags=_tags(tags),
            )
        return made["accessPointArn"]


def _tags(tags: dict[str, str]) -> list[Any]:
    return [{"key": key, "value": value} for key, value in sorted(tags.items())]
