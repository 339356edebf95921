"""The file system that a function mounts, as the Lambda service sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wideload.local.boundaries import MountFailed, MountRefused
from wideload.local.functions import faults
from wideload.local.functions.faults import LambdaFault

if TYPE_CHECKING:
    from wideload.local.functions.documents import Configuration
    from wideload.local.functions.service import Service
    from wideload.values.environment import Mount

_S3_FILES = "s3files"


def check(service: Service, wanted: Configuration) -> None:
    """Refuse a file system that the function cannot have in its VPC.

    :raises LambdaFault: with AWS's words.
    """
    for system in wanted.file_systems:
        if "S3FilesConfig" in system and system["Arn"].split(":")[2] != _S3_FILES:
            # The code is the model's; the words are not known.
            raise LambdaFault(
                faults.INVALID,
                f"S3FilesConfig is only valid for Amazon S3 Files access points: {system['Arn']}",
            )
        if wanted.vpc is None:
            continue
        try:
            service.file_systems.check(
                system["Arn"], wanted.vpc.subnets, wanted.vpc.security_groups
            )
        except MountRefused as refused:
            raise faults.invalid(str(refused)) from None


def mounts(service: Service, configuration: Configuration) -> tuple[Mount, ...]:
    """What an environment of the function mounts.

    :raises LambdaFault: it cannot be mounted.
    """
    vpc = configuration.vpc
    if vpc is None:
        return ()
    try:
        return tuple(
            service.file_systems.mounted(
                system["Arn"],
                system["LocalMountPath"],
                configuration.role,
                vpc.subnets,
                vpc.security_groups,
            )
            for system in configuration.file_systems
        )
    except MountFailed as failed:
        raise LambdaFault(failed.code, str(failed), failed.status) from None
