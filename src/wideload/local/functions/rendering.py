"""Functions as the API answers them."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wideload.local.functions.documents import Configuration, Logging, Version


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
        "Runtime": held.runtime,
        "Role": held.role,
        "Handler": held.handler,
        "CodeSize": version.code.size,
        "Description": held.description,
        "Timeout": held.timeout,
        "MemorySize": held.memory,
        "LastModified": version.modified,
        "CodeSha256": code_sha256(version.code.sha256),
        "Version": version.number,
        "TracingConfig": {"Mode": held.tracing},
        "RevisionId": version.revision_at(now),
        "PackageType": "Zip",
        "Architectures": [held.architecture],
        "EphemeralStorage": {"Size": held.ephemeral},
        "SnapStart": {
            "ApplyOn": held.snap_start,
            "OptimizationStatus": _optimisation(version),
        },
        "LoggingConfig": _rendered_logging(held.logging, name),
        **_optional(held),
    }
    if not listed:
        digest = hashlib.sha256(held.runtime.encode()).hexdigest()
        region = arn.split(":")[3]
        answer["RuntimeVersionConfig"] = {
            "RuntimeVersionArn": f"arn:aws:lambda:{region}::runtime:{digest}"
        }
        answer.update(_rendered_state(version, now))
    return answer


def code_sha256(digest: str) -> str:
    """A digest as Lambda writes it: base64."""
    return base64.b64encode(bytes.fromhex(digest)).decode()


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


def _rendered_logging(logging: Logging, name: str) -> dict[str, Any]:
    answer = {"LogFormat": logging.format, "LogGroup": logging.group or f"/aws/lambda/{name}"}
    if logging.application_level:
        answer["ApplicationLogLevel"] = logging.application_level
    if logging.system_level:
        answer["SystemLogLevel"] = logging.system_level
    return answer


def _rendered_state(version: Version, now: float) -> dict[str, Any]:
    if version.failed:
        return {
            "State": "Failed",
            "StateReason": version.failed,
            "StateReasonCode": "FunctionError",
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
