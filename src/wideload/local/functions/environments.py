"""What an execution environment of a version is started from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wideload.local.functions import container_images, file_systems, rendering
from wideload.local.functions.warm import Home
from wideload.values.environment import EnvironmentSpec
from wideload.values.target import Target

if TYPE_CHECKING:
    from wideload.local.functions.documents import FunctionDocument, Version
    from wideload.local.functions.service import Service


_OF_IMAGES = "provided.al2023"


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
    :raises LambdaFault: its file system cannot be mounted.
    """
    configuration = version.configuration
    container = container_images.container(service, function, version)
    # Of an image's runtime nothing is known but what it runs on.
    runtime = configuration.runtime if container is None else _OF_IMAGES
    target = Target.parse(runtime, configuration.architecture)
    return EnvironmentSpec(
        function=function.name,
        version=version.number,
        target=target,
        handler=configuration.handler,
        task="" if container else str(service.blobs.unpack(version.code.sha256)),
        layers=tuple(
            str(service.blobs.unpack(layer.code.sha256)) for layer in configuration.layers
        ),
        mounts=file_systems.mounts(service, configuration),
        memory=configuration.memory,
        timeout=configuration.timeout,
        ephemeral=configuration.ephemeral,
        environment=configuration.environment or {},
        credentials=service.roles.session(configuration.role, function.name),
        region=function.region,
        account=function.account,
        endpoint=service.endpoint_url(),
        initialization="snap-start" if from_snapshot(version) else "on-demand",
        container=container,
    )
