"""EFS and S3 Files of the embedded AWS: control planes, and what a function gets to see of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from local_aws import Aws, refused

from wideload.local.file_systems.access import NEW, Owned, Owners

if TYPE_CHECKING:
    from pathlib import Path

ROLE = "arn:aws:iam::123456789012:role/any"


@pytest.mark.parametrize(
    ("owned", "uid", "gids", "rights"),
    [
        (NEW, 1000, (1000,), (True, False)),
        (NEW, 0, (0,), (True, True)),
        (Owned(1000, 1000, 0o755), 1000, (1000,), (True, True)),
        (Owned(2000, 1000, 0o750), 1000, (1000,), (True, False)),
        (Owned(2000, 1000, 0o770), 1000, (5, 1000), (True, True)),
        (Owned(2000, 2000, 0o700), 1000, (1000,), (False, False)),
        # To list is not to enter.
        (Owned(2000, 2000, 0o704), 1000, (1000,), (False, False)),
    ],
)
def test_rights_are_those_of_the_access_points_user(
    owned: Owned, uid: int, gids: tuple[int, ...], rights: tuple[bool, bool]
) -> None:
    assert owned.rights(uid, gids) == rights


def test_owners_of_folders_are_remembered(tmp_path: Path) -> None:
    made = Owned(1000, 1000, 0o700)
    Owners(tmp_path / "owners.json").set("/a", made)
    again = Owners(tmp_path / "owners.json")
    assert again.of("/a/b/c") == made
    assert again.of("/b") == NEW


def test_access_points_have_ids_that_lambda_takes(aws: Aws) -> None:
    efs = aws.client("efs")
    system = efs.create_file_system(CreationToken="ids")["FileSystemId"]
    made = efs.create_access_point(ClientToken="ids", FileSystemId=system)
    assert len(made["AccessPointId"]) == len("fsap-") + 17
    assert made["AccessPointArn"].endswith(made["AccessPointId"])
    found = efs.describe_access_points(AccessPointId=made["AccessPointId"])["AccessPoints"]
    assert [each["AccessPointArn"] for each in found] == [made["AccessPointArn"]]


class TestS3Files:
    def system(self, aws: Aws, *, versioned: bool = True, token: str = "one") -> dict[str, Any]:
        bucket = aws.bucket()
        if versioned:
            aws.s3.put_bucket_versioning(
                Bucket=bucket, VersioningConfiguration={"Status": "Enabled"}
            )
        made: dict[str, Any] = aws.client("s3files").create_file_system(
            bucket=f"arn:aws:s3:::{bucket}", prefix="mounts/", roleArn=ROLE, clientToken=token
        )
        return made

    def test_what_is_made_is_found_and_made_once(self, aws: Aws) -> None:
        client = aws.client("s3files")
        made = self.system(aws, token="once")
        again = self.system(aws, token="once")
        assert again["fileSystemId"] == made["fileSystemId"]
        found = client.get_file_system(fileSystemId=made["fileSystemArn"])
        assert (found["status"], found["prefix"]) == ("available", "mounts/")
        point = client.create_access_point(
            fileSystemId=made["fileSystemId"],
            posixUser={"uid": 1000, "gid": 1000},
            tags=[{"key": "wideload", "value": "1"}],
            clientToken="point",
        )
        listed = client.list_access_points(fileSystemId=made["fileSystemId"])["accessPoints"]
        assert [each["accessPointArn"] for each in listed] == [point["accessPointArn"]]
        tags = client.list_tags_for_resource(resourceId=point["accessPointId"])["tags"]
        assert tags == [{"key": "wideload", "value": "1"}]

    def test_a_bucket_without_versions_is_refused(self, aws: Aws) -> None:
        with refused("ValidationException", 400, "versioning"):
            self.system(aws, versioned=False, token="two")

    def test_there_is_one_mount_target_in_a_zone(self, aws: Aws) -> None:
        client = aws.client("s3files")
        made = self.system(aws, token="zones")
        subnet = aws.client("ec2").describe_subnets()["Subnets"][0]
        target = client.create_mount_target(
            fileSystemId=made["fileSystemId"], subnetId=subnet["SubnetId"]
        )
        assert target["vpcId"] == subnet["VpcId"]
        with refused("ConflictException", 409):
            client.create_mount_target(
                fileSystemId=made["fileSystemId"], subnetId=subnet["SubnetId"]
            )
        with refused("ConflictException"):
            client.delete_file_system(fileSystemId=made["fileSystemId"])
        client.delete_mount_target(mountTargetId=target["mountTargetId"])
        client.delete_file_system(fileSystemId=made["fileSystemId"])
        with refused("ResourceNotFoundException", 404):
            client.get_file_system(fileSystemId=made["fileSystemId"])

    def test_what_breaks_the_model_is_refused(self, aws: Aws) -> None:
        client = aws.client("s3files")
        with refused("ValidationException", 400, "fileSystemId"):
            client.create_access_point(fileSystemId="not-an-id", clientToken="x")
