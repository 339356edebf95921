"""From all layers and bundles of wideload's to the instructions that take away what nobody
uses. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from wideload.deploy import names
from wideload.deploy.sweeping import sweeping, unused_files
from wideload.values.instruction import (
    DeleteImages,
    DeleteLayerVersion,
    DeleteObjects,
    Instruction,
)

if TYPE_CHECKING:
    from wideload.deploy.observe import Leftovers
    from wideload.deploy.states import LayerVersion
    from wideload.values.instruction import InlineCode

YOUNG_SECONDS = 3600.0
"""What is younger may be of a deployment that is still to attach it."""


class Sweep(msgspec.Struct, frozen=True):
    """What can go, and what stays for now."""

    instructions: tuple[Instruction, ...]
    young: tuple[str, ...]
    """Lines for a person: unused layer versions that are too young to tell."""


def compute_sweep(leftovers: Leftovers, now: float, sweeper: InlineCode | None = None) -> Sweep:
    """Delete wideload's layer versions that no function has, nor any version of one.

    A layer is wideload's if its name and its description are as wideload writes them. Zips in
    the bucket go as well: Lambda keeps its own copy of a layer once it is published. So do
    bundles that no function names, nor any version of one, and images that none is.

    :param now: seconds since 1970.
    :param sweeper: the code that removes mounted directories which no version names; without it
        these stay.
    """
    steps: list[Instruction] = []
    young = []
    for version in leftovers.versions:
        if not _is_ours(version) or version.arn in leftovers.in_use:
            continue
        if now - version.created < YOUNG_SECONDS:
            young.append(
                f"version {version.version} of layer {version.layer} ({_content(version)}) stays: "
                "it is less than an hour old, a deployment may be about to use it"
            )
        else:
            steps.append(DeleteLayerVersion(version.layer, version.version, _content(version)))
    unused = [one for one in leftovers.bundles if one.key not in leftovers.bundles_in_use]
    for objects in (leftovers.objects, unused):
        keys = tuple(one.key for one in objects if now - one.modified >= YOUNG_SECONDS)
        if keys:
            bucket = names.bucket_name(leftovers.identity)
            steps.append(DeleteObjects(bucket, leftovers.identity.account, keys))
    steps += _unused_images(leftovers, now)
    identity, held = leftovers.identity, leftovers.mounts
    files = unused_files(leftovers.files, held, identity, now - YOUNG_SECONDS)
    steps += [files] if files else []
    if sweeper is not None:
        steps += sweeping(held, identity, sweeper, YOUNG_SECONDS)
    return Sweep(tuple(steps), tuple(young))


def _unused_images(leftovers: Leftovers, now: float) -> list[Instruction]:
    unused: dict[str, list[str]] = {}
    for image in leftovers.images:
        old = now - image.pushed >= YOUNG_SECONDS
        if old and image.digest not in leftovers.images_in_use:
            unused.setdefault(image.repository, []).append(image.digest)
    return [DeleteImages(name, tuple(sorted(unused[name]))) for name in sorted(unused)]


def _is_ours(version: LayerVersion) -> bool:
    return names.is_layer_name(version.layer) and version.description.startswith(names.LAYER_MARK)


def _content(version: LayerVersion) -> str:
    return version.description.removeprefix(names.LAYER_MARK)
