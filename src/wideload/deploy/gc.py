"""From all layers and bundles of wideload's to the instructions that take away what nobody
uses. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from wideload.deploy import names
from wideload.values.instruction import DeleteLayerVersion, DeleteObjects, Instruction

if TYPE_CHECKING:
    from wideload.deploy.cloud import LayerVersion
    from wideload.deploy.observe import Leftovers

YOUNG_SECONDS = 3600.0
"""What is younger may be of a deployment that is still to attach it."""


class Sweep(msgspec.Struct, frozen=True):
    """What can go, and what stays for now."""

    instructions: tuple[Instruction, ...]
    young: tuple[str, ...]
    """Lines for a person: unused layer versions that are too young to tell."""


def compute_sweep(leftovers: Leftovers, now: float) -> Sweep:
    """Delete wideload's layer versions that no function has, nor any version of one.

    A layer is wideload's if its name and its description are as wideload writes them. Zips in
    the bucket go as well: Lambda keeps its own copy of a layer once it is published. So do
    bundles that no function names, nor any version of one.

    :param now: seconds since 1970.
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
    return Sweep(tuple(steps), tuple(young))


def _is_ours(version: LayerVersion) -> bool:
    return names.is_layer_name(version.layer) and version.description.startswith(names.LAYER_MARK)


def _content(version: LayerVersion) -> str:
    return version.description.removeprefix(names.LAYER_MARK)
