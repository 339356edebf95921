"""What an execution environment of a version is started from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wideload.errors import WideloadError
from wideload.local.functions import rendering
from wideload.local.functions.warm import Home
from wideload.values.environment import EnvironmentSpec
from wideload.values.target import Target

if TYPE_CHECKING:
    from wideload.local.functions.documents import FunctionDocument, Version
    from wideload.local.functions.service import Service


def home(function: FunctionDocument, version: Version) -> Home:
    """What the environments of a version share."""
    configuration = version.configuration
    return Home(
        incarnation=version.incarnation,
        memory=configuration.memory,
        packages=frozenset(
            {version.code.sha256, *(layer.code.sha256 for layer in configuration.layers)}
        ),
        log_group=rendering.log_group(configuration, function.name),
        version=version.number,
        from_snapshot=from_snapshot(version),
    )


def from_snapshot(version: Version) -> bool:
    """Whether the environments of a version start from a snapshot: of a published one only."""
    return version.configuration.snap_start != "None" and version.number.isdecimal()


def spec(service: Service, function: FunctionDocument, version: Version) -> EnvironmentSpec:
    """All that a new environment of a version is started from; unpacks what is not unpacked.

    :raises WideloadError: the version cannot run here.
    """
    configuration = version.configuration
    target = Target.parse(configuration.runtime, configuration.architecture)
    if configuration.file_systems:
        raise WideloadError(
            f"function {function.name} mounts a file system",
            why="the embedded AWS keeps FileSystemConfigs but does not mount them yet",
            hint="take FileSystemConfigs out of the function's configuration",
        )
    return EnvironmentSpec(
        function=function.name,
        version=version.number,
        target=target,
        handler=configuration.handler,
        task=str(service.blobs.unpack(version.code.sha256)),
        layers=tuple(
            str(service.blobs.unpack(layer.code.sha256)) for layer in configuration.layers
        ),
        memory=configuration.memory,
        timeout=configuration.timeout,
        ephemeral=configuration.ephemeral,
        environment=configuration.environment or {},
        credentials=service.roles.session(configuration.role, function.name),
        region=function.region,
        account=function.account,
        endpoint=service.endpoint_url(),
        initialization="snap-start" if from_snapshot(version) else "on-demand",
    )
