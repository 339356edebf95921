"""What Lambda is told of a function: its settings, and where its code is."""

from __future__ import annotations

import msgspec

from wideload.values.mount import Vpc
from wideload.values.sizes import megabytes


class MountedAt(msgspec.Struct, frozen=True):
    """A file system that a function mounts."""

    access_point: str
    """ARN."""
    path: str
    direct_read: str = ""
    """Of S3 Files: ``AUTO``, ``ENABLED`` or ``DISABLED``; empty for EFS."""


class Configuration(msgspec.Struct, frozen=True):
    """All that Lambda is told of a function besides its code."""

    role: str
    """ARN of the execution role."""
    runtime: str
    """Empty for a container image."""
    handler: str
    """For a container image what its entrypoint takes for an argument."""
    memory: int
    """MB."""
    timeout: int
    """Seconds."""
    ephemeral: int
    """MB of /tmp."""
    environment: dict[str, str]
    layers: tuple[str, ...]
    """ARNs of layer versions, later ones on top. An ARN without a version means the one that
    the `PublishLayer` before brings."""
    description: str
    snap_start: bool = False
    """Whether versions that are published from now on start from a snapshot."""
    vpc: Vpc = Vpc()
    """Subnets and groups are sorted."""
    mount: MountedAt | None = None
    """What wideload has it mount; what others have it mount stays as it is."""


class InlineCode(msgspec.Struct, frozen=True, tag="inline"):
    """A zip that is sent within the request."""

    filename: str
    """Beside the manifest; or an absolute path."""
    sha256: str
    size: int
    """Bytes."""


class StoredCode(msgspec.Struct, frozen=True, tag="stored"):
    """A zip that Lambda copies from a bucket."""

    bucket: str
    key: str
    sha256: str
    size: int
    """Bytes."""


class ImageCode(msgspec.Struct, frozen=True, tag="image"):
    """A container image, by its digest."""

    repository: str
    sha256: str
    """Of its manifest."""
    size: int
    """Bytes of its layers and documents."""


Code = InlineCode | StoredCode | ImageCode


def told_of(code: Code) -> str:
    """Where the code comes from, in words."""
    if isinstance(code, InlineCode):
        name = code.filename.rpartition("/")[2]
        return f"with {name} ({megabytes(code.size)}) in the request"
    if isinstance(code, ImageCode):
        return f"from image {code.repository}@sha256:{code.sha256[:12]}"
    return f"from s3://{code.bucket}/{code.key}"
