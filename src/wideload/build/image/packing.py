"""The image of a build: made, laid out in the build's folder, accounted for."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import msgspec

from wideload import limits
from wideload.build.image.assemble import Start
from wideload.build.image.layout import write_layout
from wideload.build.image.making import make_image
from wideload.build.image.tarball import TASK_ROOT
from wideload.errors import WideloadError
from wideload.values.artifact import (
    IMAGE_FOLDER,
    IMAGE_ROLE,
    Artifact,
    ManifestFile,
    ManifestImage,
    ManifestLayer,
)
from wideload.values.target import Family

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from wideload.build.image.engine import Taken
    from wideload.build.image.making import MadeImage
    from wideload.cache import Cache
    from wideload.values.function import Function
    from wideload.values.image import BaseImage, Descriptor, Image
    from wideload.values.resolution import Wheel
    from wideload.values.tree import FileTree

LAYOUT_TAG = "latest"


class Imaging(msgspec.Struct, frozen=True):
    """What an image needs besides the function."""

    base: BaseImage
    base_bytes: int
    """What the base takes uncompressed."""
    blob: Callable[[Descriptor], Path]
    """Where a layer of the base lies, fetched if need be."""


class PackedImage(msgspec.Struct, frozen=True):
    """An image in the build's folder."""

    artifact: Artifact
    files: tuple[ManifestFile, ...]
    image: ManifestImage


def start_of(function: Function) -> Start:
    """How the function is started: by the base, unless it is a program itself."""
    if function.target.family is Family.PROVIDED:
        return Start(function.handler, (f"/{TASK_ROOT}/bootstrap",))
    return Start(function.handler)


def take_image(function: Function, taken: Taken, folder: Path) -> PackedImage:
    """Take over an image that was made elsewhere.

    :param folder: of the build.
    :raises WideloadError: Lambda would refuse it, or the disk is full.
    """
    image, manifest = taken.image, taken.image.parsed
    _check(function, taken.unzipped_bytes, "all of them are the image's")
    _write(folder, image, taken.blob)
    shutil.rmtree(taken.layout, ignore_errors=True)
    layers = tuple(ManifestLayer(one.digest, one.size, "") for one in manifest.layers)
    artifact = _artifact(image, taken.unzipped_bytes)
    return PackedImage(artifact, (), ManifestImage(taken.what, image.descriptor.digest, layers))


def pack_image(
    function: Function,
    tree: FileTree,
    wheels: Mapping[str, Wheel],
    paths: Mapping[str, Path],
    folder: Path,
    cache: Cache,
    imaging: Imaging,
) -> PackedImage:
    """Make the image and write it into the build's folder.

    :param wheels: by sha256, all that the tree's entries name.
    :param paths: where these wheels lie.
    :raises WideloadError: Lambda would refuse it, something of it cannot be read, or the disk is
        full.
    """
    made = make_image(tree, wheels, paths, imaging.base, start_of(function), cache)
    unzipped = imaging.base_bytes + sum(layer.tar_bytes for layer in made.layers)
    _check(function, unzipped, f"{imaging.base_bytes:,} bytes are the base image's")

    def blob(descriptor: Descriptor) -> Path:
        return made.own_blob(descriptor) or imaging.blob(descriptor)

    _write(folder, made.image, blob)
    return _accounted(made, unzipped)


def _check(function: Function, unzipped: int, what: str) -> None:
    broken = limits.check_image(unzipped)
    if broken:
        raise WideloadError(
            f"the image of {function.name} is {broken.actual - broken.allowed:,} bytes over",
            why=f"{what}; AWS would answer {broken.aws_error}",
            hint="leave packages out, or build on a smaller base image",
        )


def _write(folder: Path, image: Image, blob: Callable[[Descriptor], Path]) -> None:
    into = folder / IMAGE_FOLDER
    if into.exists() and not into.is_dir():
        into.unlink()
    write_layout(into, image, blob, LAYOUT_TAG)


def _artifact(image: Image, unzipped: int) -> Artifact:
    return Artifact(
        role=IMAGE_ROLE,
        filename=IMAGE_FOLDER,
        sha256=image.descriptor.sha256,
        size=len(image.manifest) + len(image.config) + sum(one.size for one in image.parsed.layers),
        unzipped_bytes=unzipped,
    )


def _accounted(made: MadeImage, unzipped: int) -> PackedImage:
    image, manifest = made.image, made.image.parsed
    what = {layer.descriptor.digest: layer.what for layer in made.layers}
    layers = tuple(
        ManifestLayer(one.digest, one.size, what.get(one.digest, "")) for one in manifest.layers
    )
    artifact = _artifact(image, unzipped)
    return PackedImage(
        artifact, made.files, ManifestImage(made.base.reference, made.base.digest, layers)
    )
