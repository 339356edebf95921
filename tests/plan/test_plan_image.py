"""The strategy `image`, weighed against what Lambda takes of an image."""

from __future__ import annotations

import msgspec

from wideload import limits
from wideload.plan.image import imaged
from wideload.values.function import Settings, Strategy
from wideload.values.image import ImageEstimate
from wideload.values.proposal import Proposal, Refusal

ESTIMATE = ImageEstimate(
    base="registry.example/python:3.13",
    base_bytes=600_000_000,
    own_bytes=limits.IMAGE_SIZE - 600_000_000,
    own_zipped_bytes=3_000_000_000,
    layers=limits.IMAGE_LAYERS,
)


def test_up_to_the_limit_it_is_proposed() -> None:
    found = imaged(ESTIMATE, 0, Settings())
    assert isinstance(found, Proposal)
    assert found.strategy is Strategy.IMAGE
    assert found.unzipped_bytes == limits.IMAGE_SIZE
    assert "registry.example/python:3.13" in found.reason


def test_a_byte_more_is_refused_in_the_words_of_aws() -> None:
    over = msgspec.structs.replace(ESTIMATE, own_bytes=ESTIMATE.own_bytes + 1)
    found = imaged(over, 0, Settings())
    assert isinstance(found, Refusal)
    (broken,) = found.limits
    assert (broken.limit, broken.actual - broken.allowed) == ("image-size", 1)
    assert broken.aws_error == (
        "InvalidImage(SizeLimitExceeded: Uncompressed container image size exceeds 10 GiB limit)"
    )


def test_a_layer_more_is_refused() -> None:
    found = imaged(msgspec.structs.replace(ESTIMATE, layers=128), 0, Settings())
    assert isinstance(found, Refusal)
    assert [limit.limit for limit in found.limits] == ["image-layers"]


def test_what_images_cannot_have_is_named_with_its_mend() -> None:
    found = imaged(ESTIMATE, 1, Settings(snap_start=True))
    assert isinstance(found, Refusal)
    assert not found.limits
    assert len(found.reasons) == 2
    assert found.hint == "take the layers out of the configuration and set snap_start = false"
