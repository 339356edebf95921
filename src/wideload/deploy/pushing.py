"""An image goes from its build into its repository: of its layers those that are not there."""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING

import msgspec

from wideload.errors import WideloadError
from wideload.registry.push import push
from wideload.values.image import OCI_MANIFEST, Descriptor, Image, ImageManifest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from wideload.registry.repository import Repository


def push_image(
    repository: Repository,
    elsewhere: Sequence[Repository],
    layout: Path,
    sha256: str,
    tag: str,
    sent: Callable[[int], None],
) -> int:
    """Push it; returns the bytes that were sent.

    :param elsewhere: repositories of the same registry that may have layers of it.
    :param layout: an OCI image layout that holds it.
    :param sha256: of its manifest.
    :param sent: called with the number of bytes more that have gone.
    :raises WideloadError: the build is not whole, or the registry cannot be reached or refuses.
    """
    blobs = layout / "blobs" / "sha256"
    lock = threading.Lock()

    def counted(more: int) -> None:
        with lock:
            sent(more)

    def mount_from(layer: Descriptor) -> str:
        return next((one.name for one in elsewhere if one.has(layer)), "")

    def blob(layer: Descriptor) -> Path:
        return blobs / layer.sha256

    return push(repository, _read(blobs, sha256), tag, blob, mount_from, counted).sent_bytes


def _read(blobs: Path, sha256: str) -> Image:
    try:
        manifest = (blobs / sha256).read_bytes()
        if hashlib.sha256(manifest).hexdigest() != sha256:
            raise ValueError("the manifest has another digest")
        parsed = msgspec.json.decode(manifest, type=ImageManifest)
        config = (blobs / parsed.config.sha256).read_bytes()
    except (OSError, ValueError) as error:
        raise WideloadError(
            "the image of the build is not whole", why=str(error), hint="run `wideload build` again"
        ) from error
    return Image(manifest, config, Descriptor(OCI_MANIFEST, f"sha256:{sha256}", len(manifest)))
