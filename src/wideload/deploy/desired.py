"""What should be there, by the build's manifest alone."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

import msgspec

from wideload import cold_starts, limits
from wideload.deploy import images, names
from wideload.errors import WideloadError
from wideload.values.artifact import IMAGE_ROLE
from wideload.values.bundle import BUNDLE_VARIABLE, loader_handler
from wideload.values.function import Strategy
from wideload.values.instruction import (
    Code,
    Configuration,
    InlineCode,
    PublishLayer,
    StoredCode,
)
from wideload.values.mount import MOUNT_VARIABLE, MOUNTED_HANDLER, Vpc

if TYPE_CHECKING:
    from wideload.deploy.networking import Network
    from wideload.deploy.states import FunctionState, Identity
    from wideload.values.artifact import Artifact, Manifest
    from wideload.values.bundle import BundleLocation
    from wideload.values.function import Function
    from wideload.values.mount import Directory

LATEST = "$LATEST"
_SMALL = frozenset({Strategy.LAYERS, Strategy.S3_BOOTSTRAP, Strategy.EFS, Strategy.S3_FILES})
"""Ways that leave a small zip."""


def check_is_current(manifest: Manifest, function: Function) -> None:
    """Make sure that the build is of the function as it is configured now.

    :raises WideloadError: something was changed since it was built.
    """
    pairs = {
        "name": (manifest.function, function.name),
        "runtime or architecture": (manifest.target, function.target),
        "handler": (manifest.handler, function.handler),
        "settings": (manifest.settings, function.settings),
    }
    if function.strategy != "auto":
        pairs["strategy"] = (manifest.strategy, function.strategy)
    stale = [what for what, (built, wanted) in pairs.items() if built != wanted]
    if stale:
        raise WideloadError(
            f"the build of {function.name} is out of date",
            why=f"changed since it was built: {', '.join(stale)}",
            hint=f"run `wideload build {function.name}` again",
        )


def check_region(manifest: Manifest, identity: Identity) -> None:
    """Make sure that the region has what the function is to have.

    :raises WideloadError: it has not.
    """
    if manifest.settings.snap_start and not cold_starts.has_snap_start(identity.region):
        raise WideloadError(
            f"{manifest.function} cannot have SnapStart in {identity.region}",
            why="AWS documents it for all commercial regions but Asia Pacific (New Zealand) and "
            "Asia Pacific (Taipei)",
            hint="take snap_start out of the function's table, or deploy to another region",
        )


def configuration(
    manifest: Manifest,
    role: str,
    layers: tuple[str, ...] = (),
    bundle: BundleLocation | None = None,
    network: Network | None = None,
) -> Configuration:
    """The settings that Lambda is to have.

    :param layers: ARNs of the build's own layers. They lie on those of others, so that of a
        file which both have it is the build's own that the function sees.
    :param bundle: where the bundle lies, of a build that has one. Lambda calls the loader then,
        which becomes the handler that the manifest names.
    :param network: what the function mounts, of a build that has it mount something.
    :raises WideloadError: the environment has no room for what wideload puts there.
    """
    settings = manifest.settings
    environment, handler = settings.environment, manifest.handler
    if bundle is not None:
        handler = loader_handler(manifest.target, manifest.handler)
        environment = {**environment, BUNDLE_VARIABLE: bundle.variable()}
    if manifest.mount is not None:
        environment = mounted_environment(manifest, manifest.mount)
        handler = MOUNTED_HANDLER
    broken = limits.check_environment(environment)
    if broken and environment is not settings.environment:
        added = ", ".join(sorted(environment.keys() - settings.environment.keys()))
        raise WideloadError(
            f"the environment of {manifest.function} has no room for {added}",
            why=f"with it there are {broken.actual:,} bytes, Lambda allows {broken.allowed:,}",
            hint="make the function's own variables shorter",
        )
    return Configuration(
        role=role,
        runtime="" if manifest.image else manifest.target.runtime,
        handler=handler,
        memory=settings.memory,
        timeout=settings.timeout,
        ephemeral=settings.ephemeral,
        environment=environment,
        layers=(*settings.layers, *layers),
        description=settings.description,
        snap_start=settings.snap_start,
        vpc=network.vpc if network else _vpc(manifest),
        mount=network.mount if network else None,
    )


def mounted_environment(manifest: Manifest, directory: Directory) -> dict[str, str]:
    """The environment variables of a function that mounts its packages.

    A PYTHONPATH hides the folders of layers, which Lambda looks into where there is none.
    """
    variables = manifest.settings.environment
    version = manifest.target.python_version
    folders = [*variables.get("PYTHONPATH", "").split(":"), directory.search]
    folders += [f"/opt/python/lib/python{version}/site-packages", "/opt/python"]
    path = ":".join(dict.fromkeys(folder for folder in folders if folder))
    return {**variables, "PYTHONPATH": path, MOUNT_VARIABLE: directory.place}


def _vpc(manifest: Manifest) -> Vpc:
    """The network that is configured; empty where none is, and what it has then stays.

    :raises WideloadError: half of it is.
    """
    vpc = manifest.settings.vpc
    if bool(vpc.subnets) != bool(vpc.security_groups):
        has, lacks = ("subnets", "security_groups")[:: 1 if vpc.subnets else -1]
        raise WideloadError(
            f"{manifest.function} has {has} and no {lacks}",
            why="Lambda attaches a function to a VPC by both",
            hint=f"set `{lacks}` in its table as well",
        )
    return Vpc(tuple(sorted(vpc.subnets)), tuple(sorted(vpc.security_groups)))


def code(manifest: Manifest, identity: Identity) -> Code:
    """Where Lambda is to take the code from."""
    if manifest.image is not None:
        return images.code(manifest)
    artifact = manifest.artifact("function")
    if not goes_by_s3(manifest):
        return InlineCode(artifact.filename, artifact.sha256, artifact.size)
    bucket = names.bucket_name(identity)
    key = names.object_key(manifest.function, artifact.sha256)
    return StoredCode(bucket, key, artifact.sha256, artifact.size)


def goes_by_s3(manifest: Manifest) -> bool:
    """Whether the code is copied from a bucket; of the small zips that other ways leave,
    where the request does not take it."""
    if manifest.image is not None:
        return False
    if manifest.strategy in _SMALL:
        return limits.check_direct_zip(manifest.artifact("function").size) is not None
    return manifest.strategy is not Strategy.DIRECT_ZIP


def publication(manifest: Manifest, layer: Artifact, identity: Identity) -> PublishLayer:
    """How a layer of the build comes to be."""
    versions = {wheel.name: wheel.version for wheel in manifest.wheels}
    packages = [f"{name} {versions.get(name, '')}".strip() for name in layer.packages]
    return PublishLayer(
        layer=names.layer_arn(layer.sha256, identity),
        code=StoredCode(
            names.bucket_name(identity), names.layer_key(layer.sha256), layer.sha256, layer.size
        ),
        runtime=manifest.target.runtime,
        architecture=manifest.target.architecture,
        description=names.layer_description(packages),
    )


def base64_of(sha256: str) -> str:
    """A hexadecimal digest in base64, as Lambda writes it."""
    return base64.b64encode(bytes.fromhex(sha256)).decode()


def code_sha256(manifest: Manifest) -> str:
    """The digest of the code as Lambda writes it: a zip's in base64, an image's as it is."""
    if manifest.image is not None:
        return manifest.artifact(IMAGE_ROLE).sha256
    return base64_of(manifest.artifact("function").sha256)


def tags(manifest: Manifest) -> dict[str, str]:
    """The tags that the function is to have."""
    return {**names.MADE_BY, names.STRATEGY_TAG: manifest.strategy.value}


def version_description(manifest: Manifest) -> str:
    """What a version says of itself: the digest of the manifest that it was built by."""
    encoded = msgspec.json.encode(manifest, order="deterministic")
    return f"manifest sha256:{hashlib.sha256(encoded).hexdigest()}"


def is_version_of(version: FunctionState, manifest: Manifest, wanted: Configuration) -> bool:
    """Whether a published version is what the manifest describes.

    Its description is left out: a version's own says which manifest it was first published
    for, and Lambda publishes none for the sake of a description alone.
    """
    have = msgspec.structs.replace(version.configuration, description=wanted.description)
    return (
        version.code_sha256 == code_sha256(manifest)
        and version.architecture == manifest.target.architecture
        and have == wanted
        and version.state != "Failed"
    )


def changes(have: Configuration, wanted: Configuration) -> tuple[str, ...]:
    """What differs between two configurations, in words, without values of variables."""
    told = []
    for what, unit, before, after in (
        ("role", "", have.role, wanted.role),
        ("runtime", "", have.runtime, wanted.runtime),
        ("handler", "", have.handler, wanted.handler),
        ("memory", " MB", have.memory, wanted.memory),
        ("timeout", " s", have.timeout, wanted.timeout),
        ("/tmp", " MB", have.ephemeral, wanted.ephemeral),
        ("SnapStart", "", _on(have.snap_start), _on(wanted.snap_start)),
    ):
        if before != after:
            told.append(f"{what} {before} → {after}{unit}")
    told.extend(_changed_variables(have.environment, wanted.environment))
    told.extend(_changed_layers(have.layers, wanted.layers))
    if have.vpc != wanted.vpc:
        told.append(
            f"VPC: subnets {', '.join(wanted.vpc.subnets)}" if wanted.vpc.subnets else "no VPC"
        )
    if have.mount != wanted.mount:
        told.append(f"mount {wanted.mount.path}" if wanted.mount else "mount nothing")
    if have.description != wanted.description:
        told.append("description")
    return tuple(told)


def _on(setting: bool) -> str:
    return "on" if setting else "off"


def _changed_variables(have: dict[str, str], wanted: dict[str, str]) -> list[str]:
    added = sorted(wanted.keys() - have.keys())
    removed = sorted(have.keys() - wanted.keys())
    changed = sorted(key for key in wanted.keys() & have.keys() if wanted[key] != have[key])
    return [
        f"{what} variable{'s' if len(variables) > 1 else ''} {', '.join(variables)}"
        for what, variables in (("add", added), ("remove", removed), ("change", changed))
        if variables
    ]


def _changed_layers(have: tuple[str, ...], wanted: tuple[str, ...]) -> list[str]:
    told = [f"add layer {layer}" for layer in wanted if layer not in have]
    told += [f"remove layer {layer}" for layer in have if layer not in wanted]
    if have != wanted and not told:
        told.append("order of layers")
    return told
