"""Composes what a function needs that ships as a container image: to be weighed, built and run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from wideload import limits
from wideload.build.image.layering import layered
from wideload.build.image.lock import IMAGES_LOCK, pinned_base
from wideload.build.image.pinning import default_base, find_base
from wideload.build.image.predicted import own_bytes
from wideload.errors import WideloadError
from wideload.registry.http import UnreachableError
from wideload.values.artifact import IMAGE_FOLDER
from wideload.values.environment import Container
from wideload.values.function import Strategy
from wideload.values.image import IMAGE_BLOBS, ImageEstimate, ImageManifest, image_settings

if TYPE_CHECKING:
    from wideload.build.image.engine import Taken
    from wideload.build.image.packing import Imaging
    from wideload.build.image.pinning import Based
    from wideload.cache import Cache
    from wideload.prepared import Built, Narrator, Prepared
    from wideload.values.environment import EnvironmentSpec
    from wideload.values.function import Function
    from wideload.values.image import Descriptor

# What is taken for a base that nobody was asked about: about what AWS's take, bytes
# uncompressed, and layers.
_BASE_BYTES, _BASE_LAYERS = 600_000_000, 6


# They carry what the runtimes carry.
_BY_AWS = ("public.ecr.aws/lambda/", "amazon/aws-lambda-", "docker.io/amazon/aws-lambda-")


def base_reference(function: Function) -> str:
    """What the function's image is built on, as it is asked for."""
    return function.image_base or default_base(function.target)


def other_base(function: Function) -> str:
    """The base that the function may be built on, if that is none of AWS's own; else nothing."""
    ours = function.image_base.startswith(_BY_AWS)
    meant = function.strategy in ("auto", Strategy.IMAGE)
    return function.image_base if meant and not ours else ""


def based(
    function: Function,
    cache: Cache,
    narrator: Narrator,
    *,
    upgrade: bool = False,
    hasty: bool = False,
) -> Based:
    """The base that is recorded for a function, else what its reference means now.

    :param hasty: give up soon on a registry that does not answer.
    :raises UnreachableError: its registry does not answer.
    :raises WideloadError: it cannot be had, or nothing can be built on it.
    """
    return find_base(
        base_reference(function),
        function.target,
        _lock(function),
        cache,
        upgrade=upgrade,
        hasty=hasty,
        tell=narrator.tell,
    )


def record_base(
    function: Function, cache: Cache, narrator: Narrator, *, upgrade: bool = False
) -> None:
    """Ask for the base that a function means to be built on, where that is not recorded yet.

    Where its registry cannot be reached now, that is left to the build.

    :param upgrade: ask anew for a base that is recorded.
    :raises WideloadError: there is no such base, or nothing can be built on it.
    """
    if function.image_file:
        return
    reference = base_reference(function)
    recorded = pinned_base(_lock(function), reference, function.target.architecture)
    meant = bool(function.image_base) or function.strategy is Strategy.IMAGE
    if recorded is not None and upgrade:
        based(function, cache, narrator, upgrade=True)
    elif recorded is None and meant:
        try:
            based(function, cache, narrator, hasty=True)
        except UnreachableError as error:
            narrator.tell(f"note: {error.what}: what {reference} takes is assumed")


def weigh(prepared: Prepared) -> ImageEstimate:
    """What the function's image would weigh.

    Nobody is asked: of a base that is not recorded yet it is assumed what it takes.

    :raises WideloadError: the record of bases cannot be read.
    """
    function, tree = prepared.function, prepared.slimmed.tree
    wheels = {wheel.sha256: wheel for wheel in prepared.resolution.wheels}
    plans = layered(tree, wheels)
    reference = base_reference(function)
    recorded = pinned_base(_lock(function), reference, function.target.architecture)
    if function.image_file:
        # What it says is the engine's to find out.
        reference, recorded = f"what {Path(function.image_file).name} says", None
    return ImageEstimate(
        base=reference,
        base_bytes=recorded.unzipped_bytes if recorded else _BASE_BYTES,
        own_bytes=own_bytes(plans),
        own_zipped_bytes=sum(entry.compressed_size for entry in tree),
        layers=(recorded.layers if recorded else _BASE_LAYERS) + len(plans),
        base_known=recorded is not None,
    )


def imaging_of(
    function: Function, cache: Cache, narrator: Narrator, folder: Path
) -> Imaging | Taken:
    """What the image of a function needs besides it, or the image that an engine makes.

    :param folder: of the build.
    :raises WideloadError: the base cannot be had, or nothing can be built on it; or there is no
        engine, or its build fails.
    """
    if function.image_file:
        from wideload.build.image.engine import build_by_engine  # noqa: PLC0415

        return build_by_engine(
            Path(function.image_file),
            Path(function.source),
            function.target,
            folder / "engine",
            narrator.tell,
        )
    from wideload.build.image.packing import Imaging  # noqa: PLC0415

    found = based(function, cache, narrator)
    lacking = [
        one for one in found.base.manifest.layers if not cache.verified(IMAGE_BLOBS, one.sha256)
    ]

    def blob(layer: Descriptor) -> Path:
        return found.blob(layer, cache)

    with narrator.progress("fetching the base image", sum(one.size for one in lacking)) as done:
        for one in lacking:
            blob(one)
            done(one.size)
    return Imaging(found.base, found.pinned.unzipped_bytes, blob)


def started(spec: EnvironmentSpec, folder: Path, cache: Cache) -> EnvironmentSpec:
    """What an environment is started from that runs the image of a build.

    :param folder: of the build.
    :raises WideloadError: the image is damaged, or the disk is full.
    """
    from wideload.build.image.layout import Layout  # noqa: PLC0415
    from wideload.rootfs import Roots  # noqa: PLC0415

    layout = Layout(folder / IMAGE_FOLDER)
    found = layout.find()
    manifest = msgspec.json.decode(layout.document(found), type=ImageManifest)
    settings = image_settings(layout.document(manifest.config))
    root = Roots(cache.root / "images").make(
        found, manifest.layers, lambda layer: layout.path(layer).open("rb"), limits.IMAGE_SIZE
    )
    return msgspec.structs.replace(
        spec,
        task="",
        container=Container(
            str(root),
            settings.entrypoint or (),
            settings.cmd or (),
            settings.folder,
            settings.variables,
        ),
    )


def write_image(built: Built, file: Path) -> None:
    """Write the image of a build into one file, for container tools to load.

    :raises WideloadError: the build is none, the image is damaged, or the file cannot be written.
    """
    from wideload.build.image.archive import write_archive  # noqa: PLC0415

    if built.manifest.image is None:
        raise WideloadError(
            f"the build of {built.manifest.function} is no image",
            why=f"it was built for {built.manifest.strategy}",
            hint="build it with --strategy image",
        )
    # Names of images have small letters only.
    name = re.sub(r"[^a-z0-9]+", "-", built.manifest.function.lower()).strip("-") or "function"
    write_archive(built.folder / IMAGE_FOLDER, name, file)


def _lock(function: Function) -> Path:
    return Path(function.root) / IMAGES_LOCK
