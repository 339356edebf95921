"""Functions as the API answers them."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wideload.local.functions.documents import (
        Code,
        Configuration,
        ImageConfig,
        Logging,
        Version,
    )


def configuration(
    version: Version,
    *,
    name: str,
    arn: str,
    now: float,
    listed: bool = False,
) -> dict[str, Any]:
    """A ``FunctionConfiguration`` as the API answers it.

    :param arn: qualified as the caller asked for it.
    :param listed: lists leave the states out.
    """
    held = version.configuration
    answer: dict[str, Any] = {
        "FunctionName": name,
        "FunctionArn": arn,
        "Role": held.role,
        "CodeSize": version.code.size,
        "Description": held.description,
        "Timeout": held.timeout,
        "MemorySize": held.memory,
        "LastModified": version.modified,
        "CodeSha256": code_sha256(version.code),
        "Version": version.number,
        "TracingConfig": {"Mode": held.tracing},
        "RevisionId": version.revision_at(now),
        "PackageType": "Image" if version.code.image else "Zip",
        "Architectures": [held.architecture],
        "EphemeralStorage": {"Size": held.ephemeral},
        "SnapStart": {
            "ApplyOn": held.snap_start,
            "OptimizationStatus": _optimisation(version),
        },
        "LoggingConfig": _rendered_logging(held.logging, name),
        **_optional(held),
    }
    if version.code.image is None:
        answer.update({"Runtime": held.runtime, "Handler": held.handler})
    if not listed and version.code.image is None:
        digest = hashlib.sha256(held.runtime.encode()).hexdigest()
        region = arn.split(":")[3]
        answer["RuntimeVersionConfig"] = {
            "RuntimeVersionArn": f"arn:aws:lambda:{region}::runtime:{digest}"
        }
    if not listed:
        answer.update(_rendered_state(version, now))
    return answer


def code_sha256(code: Code) -> str:
    """A package's digest as Lambda writes it: a zip's in base64, an image's as it is."""
    if code.image is not None:
        return code.sha256
    return base64.b64encode(bytes.fromhex(code.sha256)).decode()


def log_group(configuration: Configuration, name: str) -> str:
    """The CloudWatch log group of a function."""
    return configuration.logging.group or f"/aws/lambda/{name}"


def _optimisation(version: Version) -> str:
    published = version.number.isdecimal()
    return "On" if published and version.configuration.snap_start != "None" else "Off"


def _optional(configuration: Configuration) -> dict[str, Any]:
    answer: dict[str, Any] = {}
    if configuration.environment is not None:
        answer["Environment"] = {"Variables": configuration.environment}
    if configuration.image is not None:
        answer["ImageConfigResponse"] = {"ImageConfig": _image_config(configuration.image)}
    if configuration.layers:
        answer["Layers"] = [
            {"Arn": layer.arn, "CodeSize": layer.code.size} for layer in configuration.layers
        ]
    if configuration.kms_key:
        answer["KMSKeyArn"] = configuration.kms_key
    if configuration.dead_letter:
        answer["DeadLetterConfig"] = {"TargetArn": configuration.dead_letter}
    if configuration.file_systems:
        answer["FileSystemConfigs"] = list(configuration.file_systems)
    if configuration.vpc is not None:
        answer["VpcConfig"] = {
            "SubnetIds": list(configuration.vpc.subnets),
            "SecurityGroupIds": list(configuration.vpc.security_groups),
            "VpcId": "",
            "Ipv6AllowedForDualStack": configuration.vpc.ipv6,
        }
    return answer


def _image_config(image: ImageConfig) -> dict[str, Any]:
    answer: dict[str, Any] = {}
    if image.entrypoint is not None:
        answer["EntryPoint"] = list(image.entrypoint)
    if image.command is not None:
        answer["Command"] = list(image.command)
    if image.working_directory:
        answer["WorkingDirectory"] = image.working_directory
    return answer


def _rendered_logging(logging: Logging, name: str) -> dict[str, Any]:
    answer = {"LogFormat": logging.format, "LogGroup": logging.group or f"/aws/lambda/{name}"}
    if logging.application_level:
        answer["ApplicationLogLevel"] = logging.application_level
    if logging.system_level:
        answer["SystemLogLevel"] = logging.system_level
    return answer


def _rendered_state(version: Version, now: float) -> dict[str, Any]:
    if version.failed and version.change == "update":
        return {
            "State": "Active",
            "LastUpdateStatus": "Failed",
            "LastUpdateStatusReason": version.failed,
            "LastUpdateStatusReasonCode": version.failed_code,
        }
    if version.failed:
        return {
            "State": "Failed",
            "StateReason": version.failed,
            "StateReasonCode": version.failed_code,
            "LastUpdateStatus": "Successful",
        }
    if version.settled(now):
        return {"State": "Active", "LastUpdateStatus": "Successful"}
    if version.change == "create":
        return {
            "State": "Pending",
            "StateReason": "The function is being created.",
            "StateReasonCode": "Creating",
        }
    return {
        "State": "Active",
        "LastUpdateStatus": "InProgress",
        "LastUpdateStatusReason": "The function is being created.",
        "LastUpdateStatusReasonCode": "Creating",
    }
