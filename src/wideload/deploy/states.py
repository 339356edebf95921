"""What AWS has of a deployment, as it is asked for."""

from __future__ import annotations

import msgspec

from wideload.values.instruction import Configuration, StoredCode


class Identity(msgspec.Struct, frozen=True):
    """Who asks, and where."""

    account: str
    region: str
    partition: str = "aws"
    """``aws``, ``aws-cn``, ``aws-us-gov`` …: the second part of every ARN."""
    is_custom: bool = False
    """Whether something else than AWS itself answers (``AWS_ENDPOINT_URL``)."""


class RoleState(msgspec.Struct, frozen=True):
    """An execution role as it is."""

    arn: str
    trust: str
    """JSON, keys sorted, no spaces."""
    policies: tuple[str, ...]
    """Names of its inline policies."""
    tags: dict[str, str]


class BucketState(msgspec.Struct, frozen=True):
    """A bucket as it is."""

    is_private: bool
    """Whether all four public access blocks are set."""


class ObjectState(msgspec.Struct, frozen=True):
    """An object as it is."""

    size: int
    sha256: str
    """What was noted at the upload, hexadecimal; empty where nothing was."""


class StoredObject(msgspec.Struct, frozen=True):
    """An object of a list."""

    key: str
    modified: float
    """Seconds since 1970."""


class LayerVersion(msgspec.Struct, frozen=True):
    """A layer version of a list."""

    layer: str
    """Name."""
    version: int
    arn: str
    description: str
    created: float
    """Seconds since 1970."""


class RepositoryState(msgspec.Struct, frozen=True):
    """A repository of container images as it is."""

    uri: str
    """Its registry's host, and its name."""
    policy: str | None
    """JSON: who may pull; nothing where nothing was said."""
    tags: dict[str, str]


class PushedImage(msgspec.Struct, frozen=True):
    """An image of a repository."""

    repository: str
    digest: str
    pushed: float
    """Seconds since 1970."""


class ImageAt(msgspec.Struct, frozen=True):
    """An image that Lambda is to take."""

    uri: str
    """By digest."""


Package = bytes | StoredCode | ImageAt
"""What Lambda is given: a zip, a zip of a bucket, or an image."""


class LogGroupState(msgspec.Struct, frozen=True):
    """A log group as it is."""

    retention_days: int | None


class FunctionState(msgspec.Struct, frozen=True):
    """A function, or one of its versions, as it is."""

    arn: str
    version: str
    """``$LATEST`` or a number."""
    configuration: Configuration
    architecture: str
    code_sha256: str
    """Base64."""
    code_size: int
    package_type: str
    """``Zip`` or ``Image``."""
    state: str
    """``Pending``, ``Active``, ``Inactive``, ``Failed`` …"""
    state_reason: str
    last_update: str
    """``Successful``, ``InProgress`` or ``Failed``."""
    last_update_reason: str
    layer_sizes: dict[str, int] = {}
    """Bytes of the zip of each layer version that it has, by ARN."""
    is_optimised: bool = False
    """Whether it starts from a snapshot, which Lambda has taken."""

    @property
    def awaits_snapshot(self) -> bool:
        """Whether it is a version whose snapshot is still to be taken."""
        published = self.version != "$LATEST"
        return published and self.configuration.snap_start and not self.is_optimised


class DeployedFunction(msgspec.Struct, frozen=True):
    """A function and its tags."""

    latest: FunctionState
    tags: dict[str, str]


class AliasState(msgspec.Struct, frozen=True):
    """An alias as it is."""

    arn: str
    version: str
    revision: str
    is_weighted: bool
    """Whether some of the callers get to another version."""
    served: tuple[str, ...] = ()
    """The versions that are noted to have served, oldest first."""


class Answer(msgspec.Struct, frozen=True):
    """What came of an invocation."""

    payload: bytes
    function_error: str | None
    log_tail: str
    """The last 4 KB of the log."""
    version: str
    """The version that ran."""


class LogEvent(msgspec.Struct, frozen=True):
    """One event of a log group."""

    id: str
    timestamp: int
    """Milliseconds since 1970."""
    stream: str
    message: str
