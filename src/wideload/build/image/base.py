"""The image that a function's image is built on: read, checked, pinned by digest.

Its layers are not needed to build on it, only its manifest and its configuration.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import msgspec

from wideload.errors import WideloadError
from wideload.values.image import (
    INDEXES,
    LAYERS,
    MANIFESTS,
    MOST_DOCUMENT_BYTES,
    BadDigestError,
    BaseImage,
    Descriptor,
    ImageIndex,
    ImageManifest,
)

if TYPE_CHECKING:
    from wideload.values.target import Target

_T = TypeVar("_T")


class Documents(Protocol):
    """Where manifests and configurations are read from: a registry or an OCI layout."""

    def document(self, descriptor: Descriptor) -> bytes:
        """The content that a descriptor names, whole.

        :raises WideloadError: it is not there, or cannot be read.
        """
        ...


def read_base(reference: str, found: Descriptor, documents: Documents, target: Target) -> BaseImage:
    """The image of this target, picked from an index where there is one.

    :param reference: what the user called it.
    :param found: what that name stands for now.
    :raises WideloadError: there is none for the target, it is damaged, or Lambda could not run
        what is built on it.
    """
    if found.media_type in INDEXES:
        index = _parsed(reference, _checked(reference, found, documents), ImageIndex)
        found = _picked(reference, index, target)
    if found.media_type not in MANIFESTS:
        raise _unfit(reference, f"its manifest is of the type {found.media_type!r}")
    manifest = _parsed(reference, _checked(reference, found, documents), ImageManifest)
    config: dict[str, Any] = _parsed(
        reference, _checked(reference, manifest.config, documents), dict[str, Any]
    )
    _check_platform(reference, config, target)
    for layer in manifest.layers:
        if layer.media_type not in LAYERS:
            raise _unfit(
                reference,
                f"its layer {layer.digest} is of the type {layer.media_type!r}; that Lambda takes "
                "any but layers in gzip is not documented",
                "build the base with gzip layers",
            )
        _sha256(reference, layer)
    rootfs = config.get("rootfs")
    diff_ids = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
    if not isinstance(diff_ids, list) or len(diff_ids) != len(manifest.layers):
        raise _unfit(reference, "its configuration does not name as many layers as its manifest")
    return BaseImage(reference, found.digest, manifest, config)


def _checked(reference: str, descriptor: Descriptor, documents: Documents) -> bytes:
    sha256 = _sha256(reference, descriptor)
    if descriptor.size > MOST_DOCUMENT_BYTES:
        raise _unfit(reference, f"{descriptor.digest} takes {descriptor.size:,} bytes")
    data = documents.document(descriptor)
    if hashlib.sha256(data).hexdigest() != sha256:
        raise WideloadError(
            f"the base image {reference} is damaged",
            why=f"what was read as {descriptor.digest} has another digest",
            hint="fetch it again",
        )
    return data


def _sha256(reference: str, descriptor: Descriptor) -> str:
    try:
        return descriptor.sha256
    except BadDigestError as error:
        raise _unfit(reference, str(error)) from error


def _parsed(reference: str, data: bytes, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise _unfit(reference, str(error)) from error


def _picked(reference: str, index: ImageIndex, target: Target) -> Descriptor:
    """Of a multi-platform image the one of the target. Attestations are for no platform."""
    wanted = target.architecture.goarch
    fitting = [
        one
        for one in index.manifests
        if one.media_type in MANIFESTS
        and one.platform is not None
        and (one.platform.os, one.platform.architecture) == ("linux", wanted)
    ]
    if len(index.manifests) == 1 and index.manifests[0].platform is None:
        return index.manifests[0]
    if not fitting:
        there = sorted(
            f"{one.platform.os}/{one.platform.architecture}"
            for one in index.manifests
            if one.platform and one.platform.os != "unknown"
        )
        raise WideloadError(
            f"the base image {reference} is not there for linux/{wanted}",
            why=f"there is {', '.join(there)}" if there else "it names no platform",
            hint="choose another base, or another architecture",
        )
    return fitting[0]


def _check_platform(reference: str, config: dict[str, Any], target: Target) -> None:
    found = (config.get("os"), config.get("architecture"))
    wanted = ("linux", target.architecture.goarch)
    if found != wanted:
        raise WideloadError(
            f"the base image {reference} is not for linux/{wanted[1]}",
            why=f"it is for {found[0]}/{found[1]}",
            hint="choose another base, or another architecture",
        )
    settings = config.get("config")
    if not isinstance(settings, dict) or not settings.get("Entrypoint"):
        raise _unfit(
            reference,
            "it has no entrypoint, so nothing in it would start the runtime interface client",
            'give the base an ENTRYPOINT, e.g. ["python", "-m", "awslambdaric"]',
        )


def _unfit(reference: str, why: str, hint: str = "choose another base image") -> WideloadError:
    return WideloadError(f"nothing can be built on the base image {reference}", why=why, hint=hint)
