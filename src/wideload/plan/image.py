"""The way of the strategy ``image``, weighed: base and function as one container image. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wideload import limits
from wideload.values.function import Strategy
from wideload.values.proposal import Proposal, Refusal
from wideload.values.sizes import megabytes

if TYPE_CHECKING:
    from wideload.values.function import Settings
    from wideload.values.image import ImageEstimate


def imaged(estimate: ImageEstimate, attached_layers: int, settings: Settings) -> Proposal | Refusal:
    """Whether the image stays below Lambda's limit, uncompressed with its base, and the function
    wants nothing that images cannot have.

    :param attached_layers: how many layers made by others the function has.
    """
    unzipped = estimate.base_bytes + estimate.own_bytes
    zipped = estimate.own_zipped_bytes
    found = (limits.check_image(unzipped), limits.check_image_layers(estimate.layers))
    broken = tuple(limit for limit in found if limit)
    reasons, hints = [], []
    if attached_layers:
        # https://docs.aws.amazon.com/lambda/latest/dg/chapter-layers.html
        reasons.append("Lambda attaches no layers to a function that is an image")
        hints.append("take the layers out of the configuration")
    if settings.snap_start:
        # https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html
        reasons.append("SnapStart is not for container images")
        hints.append("set snap_start = false")
    if broken or reasons:
        hint = " and ".join(hints) if not broken else ""
        return Refusal(Strategy.IMAGE, zipped, unzipped, broken, tuple(reasons), hint)
    guess = "" if estimate.base_known else f", assumed to take {megabytes(estimate.base_bytes)}"
    return Proposal(
        Strategy.IMAGE,
        zipped,
        unzipped,
        f"{megabytes(estimate.own_zipped_bytes)} on {estimate.base}{guess}; a registry holds it",
    )
