"""Container images as registries and OCI layouts describe them.

The shapes are those of the OCI image specification 1.0. Lambda takes these and Docker's image
manifest version 2, schema 2, one image a manifest: no index, whether of several architectures or
of one image and its attestations.
https://docs.aws.amazon.com/lambda/latest/dg/images-create.html#images-types
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"

MANIFESTS = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})
INDEXES = frozenset({OCI_INDEX, DOCKER_LIST})
LAYERS = frozenset({OCI_LAYER, DOCKER_LAYER})
"""Both are a tar in gzip. Others (plain tar, zstd) Lambda does not document; layers that it cannot
read are reported to be answered with ``ImageLayerFailure: UnsupportedImageLayerDetected``."""

MOST_DOCUMENT_BYTES = 4 << 20
"""Of a manifest or a configuration: what the distribution specification makes every registry
take, and far more than any is."""

IMAGE_BLOBS = "image-blobs"
"""Kind of the cache's files that are images' layers: those made, and those fetched of bases."""

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class BadDigestError(ValueError):
    """A digest that is none, or not of the kind that everything here is checked by."""


class Platform(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an image of an index runs on, by Go's names."""

    architecture: str
    os: str
    variant: str = ""


class Descriptor(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Names content by what it is."""

    media_type: str
    digest: str
    """``sha256:`` and 64 hexadecimal digits."""
    size: int
    platform: Platform | None = None
    annotations: dict[str, str] = {}

    @property
    def sha256(self) -> str:
        """The digest's hexadecimal part.

        :raises BadDigestError: it is of another kind, or none; never a path's part then.
        """
        if not _DIGEST.fullmatch(self.digest):
            raise BadDigestError(f"{self.digest!r} is no sha256 digest")
        return self.digest.removeprefix("sha256:")


class ImageManifest(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """One image: its configuration, and its layers from the lowest."""

    schema_version: int
    media_type: str = ""
    config: Descriptor
    layers: tuple[Descriptor, ...]
    annotations: dict[str, str] = {}


class ImageIndex(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """Several images under one name; ``index.json`` of an OCI layout is one too."""

    schema_version: int
    media_type: str = ""
    manifests: tuple[Descriptor, ...]


class ImageSettings(msgspec.Struct, frozen=True, rename="pascal"):
    """How an image starts, as its configuration has it; builders write null for what is unset."""

    entrypoint: tuple[str, ...] | None = None
    cmd: tuple[str, ...] | None = None
    working_dir: str | None = None
    env: tuple[str, ...] | None = None

    @property
    def folder(self) -> str:
        """The working directory."""
        return self.working_dir or "/"

    @property
    def variables(self) -> dict[str, str]:
        """The environment."""
        pairs = [one.partition("=") for one in self.env or ()]
        return {name: value for name, _, value in pairs}


class _Configuration(msgspec.Struct, frozen=True):
    config: ImageSettings | None = None


def image_settings(configuration: bytes) -> ImageSettings:
    """What an image's configuration says of how it starts.

    :raises msgspec.MsgspecError: it is no such document.
    """
    found = msgspec.json.decode(configuration, type=_Configuration)
    return found.config or ImageSettings()


class BaseImage(msgspec.Struct, frozen=True):
    """What an image is built on, without the bytes of its layers."""

    reference: str
    """As it was asked for, e.g. by tag."""
    digest: str
    """Of the manifest of the one image: the base is pinned by it."""
    manifest: ImageManifest
    config: dict[str, Any]
    """The image configuration as it stands there, with all that is unknown here."""


class Layer(msgspec.Struct, frozen=True):
    """A layer that was made."""

    descriptor: Descriptor
    diff_id: str
    """Digest of the tar."""
    tar_bytes: int
    """Bytes of the tar: what unpacking it takes, and a little more."""
    what: str
    """What it holds, for the image's history."""


class Image(msgspec.Struct, frozen=True):
    """An image that was put together: both documents, to the byte."""

    manifest: bytes
    config: bytes
    descriptor: Descriptor
    """Of the manifest."""

    @property
    def parsed(self) -> ImageManifest:
        """The manifest."""
        return msgspec.json.decode(self.manifest, type=ImageManifest)


class ImageEstimate(msgspec.Struct, frozen=True):
    """What a function's image would take, known before anything of it is made."""

    base: str
    """The base image's reference."""
    base_bytes: int
    """What the base takes uncompressed, by what its layers say of themselves."""
    own_bytes: int
    """What the layers on it take uncompressed, to the byte."""
    own_zipped_bytes: int
    """About what these take compressed: the sum of the files' streams in a zip."""
    layers: int
    """All, the base's among them."""
    base_known: bool = True
    """Whether what is said of the base was asked of its registry, and is no guess."""
