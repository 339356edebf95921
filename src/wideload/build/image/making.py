"""A function's tree becomes an image on a base: the one way in to this folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from wideload import limits
from wideload.build.image.assemble import Start, assemble
from wideload.build.image.layer import layer_of
from wideload.build.image.layering import layered
from wideload.errors import WideloadError
from wideload.values.artifact import ManifestFile
from wideload.values.image import BaseImage, Descriptor, Image, Layer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wideload.cache import Cache
    from wideload.values.resolution import Wheel
    from wideload.values.tree import FileTree


class MadeImage(msgspec.Struct, frozen=True):
    """An image, and where what was made for it lies."""

    image: Image
    base: BaseImage
    layers: tuple[Layer, ...]
    """What lies on the base, from the lowest."""
    paths: dict[str, Path]
    """Of these layers' blobs, by digest."""
    files: tuple[ManifestFile, ...] = ()
    """All of the function's files, sorted by path."""

    def own_blob(self, descriptor: Descriptor) -> Path | None:
        """Where a layer that is not the base's lies."""
        return self.paths.get(descriptor.digest)


def make_image(
    tree: FileTree,
    wheels: Mapping[str, Wheel],
    paths: Mapping[str, Path],
    base: BaseImage,
    start: Start,
    cache: Cache,
) -> MadeImage:
    """Make the layers of a tree, and put them on a base. Of the base no layer is read.

    :param wheels: by sha256, all that the tree's entries name.
    :param paths: where these wheels lie.
    :param start: how the handler is started.
    :raises WideloadError: a wheel is broken, a file changed or is gone, the disk is full, or
        there would be more layers than a registry's clients take.
    """
    plans = layered(tree, wheels)
    broken = limits.check_image_layers(len(base.manifest.layers) + len(plans))
    if broken:
        raise WideloadError(
            f"the image would have {broken.actual} layers",
            why=f"{len(base.manifest.layers)} are the base image's; {broken.aws_error}",
            hint="choose a base image with fewer layers",
        )
    made = [layer_of(plan, wheels, paths, cache) for plan in plans]
    layers = tuple(one.layer for one in made)
    where = {one.layer.descriptor.digest: one.path for one in made}
    files = sorted((file for one in made for file in one.files), key=lambda file: file.path)
    return MadeImage(assemble(base, layers, start), base, layers, where, tuple(files))
