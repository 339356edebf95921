"""File systems of functions: what Lambda asks before it takes one, and how it fails to mount."""

from __future__ import annotations

from typing import Any

import pytest
from lambda_world import World, refusal

from wideload.local.boundaries import MountFailed
from wideload.values.environment import Mount

pytest_plugins = ["lambda_fixture"]

EFS = "arn:aws:elasticfilesystem:us-east-1:123456789012:access-point/fsap-0123456789abcdef0"
S3_FILES = (
    "arn:aws:s3files:us-east-1:123456789012:file-system/fs-0123456789abcdef0/"
    "access-point/fsap-0123456789abcdef0"
)
VPC = {"SubnetIds": ["subnet-0a1b2c3d"], "SecurityGroupIds": ["sg-0a1b2c3d"]}


def system(arn: str, **more: object) -> list[dict[str, object]]:
    return [{"Arn": arn, "LocalMountPath": "/mnt/data", **more}]


@pytest.mark.parametrize("arn", [EFS, S3_FILES])
def test_it_is_asked_for_and_mounted(world: World, arn: str) -> None:
    world.create(FileSystemConfigs=system(arn), VpcConfig=VPC)
    assert world.file_systems.asked == [(arn, "subnet-0a1b2c3d", "sg-0a1b2c3d")]
    world.client().invoke(FunctionName="hello")
    (started,) = world.sandbox.started
    assert started.spec.mounts == (Mount(str(world.folder), "/mnt/data", read_only=True),)


def test_what_is_refused_is_refused_when_it_is_set(world: World) -> None:
    world.file_systems.refused[EFS] = "no mount target"
    expected = ("InvalidParameterValueException", "no mount target", 400)
    assert refusal(lambda: world.create(FileSystemConfigs=system(EFS), VpcConfig=VPC)) == expected
    world.create()
    change: Any = {"FileSystemConfigs": system(EFS), "VpcConfig": VPC}
    client = world.client()
    assert (
        refusal(lambda: client.update_function_configuration(FunctionName="hello", **change))
        == expected
    )


def test_what_cannot_be_mounted_fails_each_call_and_no_environment_is_left(world: World) -> None:
    world.create(FileSystemConfigs=system(EFS), VpcConfig=VPC)
    world.file_systems.failing[EFS] = MountFailed("EFSMountFailureException", "rejected", 403)
    client = world.client()
    for _ in range(2):
        assert refusal(lambda: client.invoke(FunctionName="hello")) == (
            "EFSMountFailureException",
            "rejected",
            403,
        )
    del world.file_systems.failing[EFS]
    assert client.invoke(FunctionName="hello")["StatusCode"] == 200


def test_how_s3_files_reads_is_no_setting_of_efs(world: World) -> None:
    config = {"S3FilesConfig": {"DirectS3Read": "AUTO"}}
    code, _, status = refusal(
        lambda: world.create(FileSystemConfigs=system(EFS, **config), VpcConfig=VPC)
    )
    assert (code, status) == ("InvalidParameterValueException", 400)
    made = world.create(FileSystemConfigs=system(S3_FILES, **config), VpcConfig=VPC)
    assert made["FileSystemConfigs"] == system(S3_FILES, **config)


def test_it_can_be_taken_away_again(world: World) -> None:
    world.create(FileSystemConfigs=system(EFS), VpcConfig=VPC)
    nothing: Any = {"SubnetIds": [], "SecurityGroupIds": []}
    told: Any = world.client().update_function_configuration(
        FunctionName="hello", FileSystemConfigs=[], VpcConfig=nothing
    )
    assert "FileSystemConfigs" not in told
    assert "VpcConfig" not in told
