"""A function's configuration: from a request, with all of Lambda's checks."""

from __future__ import annotations

from typing import Any

import msgspec

from wideload import cold_starts, limits
from wideload.local.functions import faults
from wideload.local.functions.documents import (
    AttachedLayer,
    Configuration,
    ImageConfig,
    Logging,
    Vpc,
)

# Runtimes that AWS refuses to create or update functions with, as its answers show:
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html#runtimes-deprecated.
# The model goes on naming them.
_RETIRED = frozenset(
    {
        *("nodejs", "nodejs4.3", "nodejs4.3-edge", "nodejs6.10", "nodejs8.10"),
        *("nodejs10.x", "nodejs12.x", "nodejs14.x"),
        *("python2.7", "python3.6", "python3.7"),
        *("dotnetcore1.0", "dotnetcore2.0", "dotnetcore2.1", "dotnetcore3.1"),
        *("ruby2.5", "ruby2.7", "java8", "go1.x", "provided"),
    }
)
# Named by the model as a runtime, but for functions on other terms.
_NOT_A_RUNTIME = frozenset({"custom"})


def runtimes() -> tuple[str, ...]:
    """The runtimes that functions can be created with."""
    return tuple(name for name in limits.model_runtimes() if name not in _RETIRED | _NOT_A_RUNTIME)


def check_runtime(runtime: str) -> None:
    """Refuse a runtime that is retired or unknown.

    :raises LambdaFault: in AWS's words, which differ from those for any other enum.
    """
    if runtime in _RETIRED:
        raise faults.invalid(
            f"The runtime parameter of {runtime} is no longer supported for creating or updating "
            "AWS Lambda functions. We recommend you use a supported runtime while creating or "
            "updating functions."
        )
    if runtime not in runtimes():
        raise faults.invalid(
            f"Value {runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum "
            f"value set: [{', '.join(runtimes())}] or be a valid ARN"
        )


def created(request: dict[str, Any], layers: tuple[AttachedLayer, ...]) -> Configuration:
    """The configuration that a CreateFunction asks for.

    :param layers: what its ``Layers`` were found to be.
    :raises LambdaFault: something of it is refused.
    """
    if request.get("PackageType") == "Image":
        plain = Configuration(role=request["Role"], runtime="", handler="")
        architectures = request.get("Architectures")
        if architectures:
            plain = msgspec.structs.replace(plain, architecture=architectures[0])
        return updated(plain, request, ())
    if "Runtime" not in request or "Handler" not in request:
        raise faults.invalid(
            "Runtime and Handler are mandatory parameters for functions created with deployment "
            "packages."
        )
    check_runtime(request["Runtime"])
    plain = Configuration(
        role=request["Role"], runtime=request["Runtime"], handler=request["Handler"]
    )
    architectures = request.get("Architectures")
    if architectures:
        plain = msgspec.structs.replace(plain, architecture=architectures[0])
    return updated(plain, request, layers)


def updated(
    before: Configuration, request: dict[str, Any], layers: tuple[AttachedLayer, ...] | None
) -> Configuration:
    """A configuration with what an UpdateFunctionConfiguration changes of it.

    :param layers: what its ``Layers`` were found to be; nothing where it names none.
    :raises LambdaFault: something of it is refused.
    """
    changes: dict[str, Any] = {
        field: request[member]
        for member, field in (
            ("Role", "role"),
            ("Runtime", "runtime"),
            ("Handler", "handler"),
            ("Description", "description"),
            ("Timeout", "timeout"),
            ("MemorySize", "memory"),
            ("KMSKeyArn", "kms_key"),
        )
        if member in request
    }
    if "Runtime" in request and request["Runtime"] != before.runtime:
        check_runtime(request["Runtime"])
    if "EphemeralStorage" in request:
        changes["ephemeral"] = request["EphemeralStorage"]["Size"]
    if "Environment" in request:
        changes["environment"] = _environment(request["Environment"].get("Variables", {}))
    if layers is not None:
        changes["layers"] = layers
    if "TracingConfig" in request:
        changes["tracing"] = request["TracingConfig"].get("Mode", before.tracing)
    if "DeadLetterConfig" in request:
        changes["dead_letter"] = request["DeadLetterConfig"].get("TargetArn", "")
    if "VpcConfig" in request:
        changes["vpc"] = _vpc(request["VpcConfig"])
    if "FileSystemConfigs" in request:
        changes["file_systems"] = tuple(request["FileSystemConfigs"])
    if "SnapStart" in request:
        changes["snap_start"] = request["SnapStart"].get("ApplyOn", "None")
    if "ImageConfig" in request:
        changes["image"] = _image(request["ImageConfig"])
    if "LoggingConfig" in request:
        changes["logging"] = _logging(before.logging, request["LoggingConfig"])
    after = msgspec.structs.replace(before, **changes)
    _check_file_systems(after)
    _check_snap_start(after)
    return after


def check_sizes(configuration: Configuration, unzipped: int) -> None:
    """Refuse code that is too big, alone or with the layers of this configuration.

    :param unzipped: bytes of the code.
    :raises LambdaFault: with the bytes that the layers leave over.
    """
    broken = limits.check_unzipped(unzipped, configuration.layers_unzipped)
    if broken is not None:
        raise faults.broken(broken)


def check_layers_beside(configuration: Configuration, unzipped: int) -> None:
    """Refuse layers that are too big beside code which is there already.

    AWS words this differently from code that is too big beside layers.

    :raises LambdaFault: with the bytes of all.
    """
    layers = configuration.layers_unzipped
    broken = limits.check_unzipped(unzipped, layers)
    if broken is None:
        return
    if layers > limits.CODE_SIZE_UNZIPPED:
        raise faults.broken(broken)
    raise faults.invalid(
        "Function code combined with layers exceeds the maximum allowed size of "
        f"{limits.CODE_SIZE_UNZIPPED} bytes. The actual size is {unzipped + layers} bytes."
    )


def _environment(variables: dict[str, str]) -> dict[str, str]:
    reserved = sorted(limits.RESERVED_VARIABLES & variables.keys())
    if reserved:
        raise faults.invalid(
            "Lambda was unable to configure your environment variables because the environment "
            "variables you have provided contains reserved keys that are currently not supported "
            f"for modification. Reserved keys used in this request: {', '.join(reserved)}"
        )
    broken = limits.check_environment(variables)
    if broken is not None:
        raise faults.broken(broken)
    return variables


def _vpc(request: dict[str, Any]) -> Vpc | None:
    subnets = tuple(request.get("SubnetIds", ()))
    groups = tuple(request.get("SecurityGroupIds", ()))
    if not subnets and not groups:
        return None
    if not subnets or not groups:
        raise faults.invalid("SubnetIds and SecurityIds must coexist or be both empty list.")
    return Vpc(subnets, groups, request.get("Ipv6AllowedForDualStack", False))


def _image(request: dict[str, Any]) -> ImageConfig | None:
    if not request:
        return None
    entrypoint, command = request.get("EntryPoint"), request.get("Command")
    return ImageConfig(
        None if entrypoint is None else tuple(entrypoint),
        None if command is None else tuple(command),
        request.get("WorkingDirectory", ""),
    )


def _logging(before: Logging, request: dict[str, Any]) -> Logging:
    form = request.get("LogFormat", before.format)
    levels = {
        "application_level": request.get("ApplicationLogLevel"),
        "system_level": request.get("SystemLogLevel"),
    }
    group = request.get("LogGroup", before.group)
    if form == "Text":
        if any(levels.values()):
            raise faults.invalid(
                'LogLevel is not supported when LogFormat is set to "Text". Remove LogLevel from '
                'your request or change the LogFormat to "JSON" and try again.'
            )
        return Logging(form, group)
    return Logging(
        form,
        group,
        levels["application_level"] or before.application_level or "INFO",
        levels["system_level"] or before.system_level or "INFO",
    )


def _check_file_systems(configuration: Configuration) -> None:
    if configuration.file_systems and configuration.vpc is None:
        arn = configuration.file_systems[0]["Arn"]
        raise faults.invalid(
            f"Function must be configured to execute in a VPC to reference access point {arn}."
        )


def _check_snap_start(configuration: Configuration) -> None:
    if configuration.snap_start == "None":
        return
    refusal = cold_starts.snap_start_refusal(
        configuration.runtime,
        configuration.ephemeral,
        file_systems=bool(configuration.file_systems),
    )
    if refusal:
        raise faults.invalid(refusal)
