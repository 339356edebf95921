"""An image goes to a repository: what is there already is not sent."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from wideload.registry.repository import Repository
    from wideload.values.image import Descriptor, Image

_AT_ONCE = 4


class Pushed(msgspec.Struct, frozen=True):
    """What a push took."""

    digest: str
    """Of the manifest: what the function is to name."""
    sent_bytes: int
    """Of layers, the configuration and the manifest, where they were sent."""
    sent_layers: int
    mounted_layers: int
    """Taken from another repository of the registry."""
    present_layers: int


def missing(repository: Repository, image: Image) -> tuple[Descriptor, ...]:
    """The layers that a repository does not have yet, each once.

    :raises WideloadError: the registry cannot be reached or refuses.
    """
    layers = list({one.digest: one for one in image.parsed.layers}.values())
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        there = list(pool.map(repository.has, layers))
    return tuple(one for one, has in zip(layers, there, strict=True) if not has)


def push(
    repository: Repository,
    image: Image,
    tag: str,
    blob: Callable[[Descriptor], Path],
    mount_from: Callable[[Descriptor], str] = lambda _: "",
    sent: Callable[[int], None] = lambda _: None,
) -> Pushed:
    """Send what is missing, then name the image. Killed before that, nobody sees any of it.

    :param blob: where a layer's content lies; asked only for what is missing, so that a base
        that is there need not be fetched.
    :param mount_from: a repository of the same registry that may have a layer, or nothing.
    :param sent: called with the number of bytes more that have gone, from any thread.
    :raises WideloadError: the registry cannot be reached or refuses, or a layer cannot be read.
    """
    layers = {one.digest for one in image.parsed.layers}
    lacking = missing(repository, image)
    has_config = repository.has(image.parsed.config)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        counts = list(
            pool.map(lambda one: repository.add(one, blob(one), mount_from(one), sent), lacking)
        )
    repository.put_manifest(image, tag)
    documents = len(image.manifest) + (0 if has_config else len(image.config))
    return Pushed(
        image.descriptor.digest,
        sum(counts) + documents,
        sum(1 for count in counts if count),
        sum(1 for count in counts if not count),
        len(layers) - len(lacking),
    )
