"""What should be there, by the build's manifest alone."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

import msgspec

from wideload.deploy import names
from wideload.errors import WideloadError
from wideload.values.function import Strategy
from wideload.values.instruction import Code, Configuration, InlineCode, StoredCode

if TYPE_CHECKING:
    from wideload.deploy.cloud import FunctionState, Identity
    from wideload.values.artifact import Manifest
    from wideload.values.function import Function


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


def configuration(manifest: Manifest, role: str) -> Configuration:
    """The settings that Lambda is to have."""
    settings = manifest.settings
    return Configuration(
        role=role,
        runtime=manifest.target.runtime,
        handler=manifest.handler,
        memory=settings.memory,
        timeout=settings.timeout,
        ephemeral=settings.ephemeral,
        environment=settings.environment,
        layers=settings.layers,
        description=settings.description,
    )


def code(manifest: Manifest, identity: Identity) -> Code:
    """Where Lambda is to take the code from.

    :raises WideloadError: the strategy is one that cannot be deployed.
    """
    artifact = manifest.artifact("function")
    if manifest.strategy is Strategy.DIRECT_ZIP:
        return InlineCode(artifact.filename, artifact.sha256, artifact.size)
    if manifest.strategy is Strategy.S3_ZIP:
        bucket = names.bucket_name(identity)
        key = names.object_key(manifest.function, artifact.sha256)
        return StoredCode(bucket, key, artifact.sha256, artifact.size)
    raise WideloadError(
        f"{manifest.function} cannot be deployed as {manifest.strategy}",
        why=f"what can be deployed is {Strategy.DIRECT_ZIP} and {Strategy.S3_ZIP}",
        hint='set strategy = "auto" in the function\'s table and build again',
    )


def code_sha256(manifest: Manifest) -> str:
    """The digest of the code in base64, as Lambda writes it."""
    digest = bytes.fromhex(manifest.artifact("function").sha256)
    return base64.b64encode(digest).decode()


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
    ):
        if before != after:
            told.append(f"{what} {before} → {after}{unit}")
    told.extend(_changed_variables(have.environment, wanted.environment))
    told.extend(_changed_layers(have.layers, wanted.layers))
    if have.description != wanted.description:
        told.append("description")
    return tuple(told)


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
