"""Base, layers and handler become an image: its configuration and its manifest, to the byte."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import msgspec

from wideload.build.image.tarball import TASK_ROOT
from wideload.values.image import (
    OCI_CONFIG,
    OCI_LAYER,
    OCI_MANIFEST,
    Descriptor,
    Image,
    ImageManifest,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wideload.values.image import BaseImage, Layer

CREATED = "1980-01-01T00:00:00Z"
"""The date of all that is packed, so of the image: builds do not differ by when they were."""
BASE_NAME = "org.opencontainers.image.base.name"
BASE_DIGEST = "org.opencontainers.image.base.digest"
"""https://github.com/opencontainers/image-spec/blob/v1.0.2/annotations.md"""

# What Docker's classic builder left there of the container that the base was made in.
_OF_THE_BASE_ALONE = ("container", "container_config", "parent", "id")


class Start(msgspec.Struct, frozen=True):
    """How a function's handler is started in its image."""

    handler: str
    """What the entrypoint takes as its argument."""
    entrypoint: tuple[str, ...] = ()
    """Nothing: the base's."""


def assemble(base: BaseImage, layers: Sequence[Layer], start: Start) -> Image:
    """An image that starts the handler as the base starts handlers, unless said otherwise.

    The manifest is OCI's whatever the base's is, since one manifest does not mix Docker's
    media types with OCI's; the base's layers are the same bytes under either.
    """
    config = msgspec.json.encode(_config(base, layers, start), order="deterministic")
    lower = [Descriptor(OCI_LAYER, one.digest, one.size) for one in base.manifest.layers]
    annotations = {BASE_DIGEST: base.digest, BASE_NAME: base.reference}
    manifest = msgspec.json.encode(
        ImageManifest(
            schema_version=2,
            media_type=OCI_MANIFEST,
            config=Descriptor(OCI_CONFIG, _digest(config), len(config)),
            layers=(*lower, *(layer.descriptor for layer in layers)),
            annotations=annotations,
        ),
        order="deterministic",
    )
    return Image(manifest, config, Descriptor(OCI_MANIFEST, _digest(manifest), len(manifest)))


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _config(base: BaseImage, layers: Sequence[Layer], start: Start) -> dict[str, Any]:
    kept = {key: value for key, value in base.config.items() if key not in _OF_THE_BASE_ALONE}
    # The runtime clients import from their working directory; AWS's bases name the same one.
    settings = {**base.config["config"], "Cmd": [start.handler], "WorkingDir": f"/{TASK_ROOT}"}
    if start.entrypoint:
        settings["Entrypoint"] = list(start.entrypoint)
    diff_ids = [*base.config["rootfs"]["diff_ids"], *(layer.diff_id for layer in layers)]
    return {
        **kept,
        "created": CREATED,
        "config": settings,
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
        "history": [*_base_history(base), *(_step(layer.what) for layer in layers)],
    }


def _base_history(base: BaseImage) -> list[dict[str, Any]]:
    """As it is where it accounts for each layer. AWS's bases have had none, and podman refuses
    an image whose history names fewer layers than it has
    (https://github.com/aws/aws-lambda-base-images/issues/2)."""
    history = base.config.get("history")
    steps = [one for one in history if isinstance(one, dict)] if isinstance(history, list) else []
    filled = [one for one in steps if not one.get("empty_layer")]
    if len(filled) == len(base.manifest.layers):
        return steps
    return [_step("the base image") for _ in base.manifest.layers]


def _step(what: str) -> dict[str, Any]:
    return {"created": CREATED, "created_by": f"wideload: {what}"}
