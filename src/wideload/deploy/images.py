"""Images of functions: what their repositories are called and let in, and what brings one there."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from wideload.deploy import names
from wideload.values.artifact import IMAGE_ROLE
from wideload.values.instruction import (
    CreateRepository,
    ImageCode,
    Instruction,
    PushImage,
    SetRepositoryPolicy,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wideload.deploy.observe import Observed
    from wideload.deploy.states import Identity
    from wideload.values.artifact import Manifest

REPOSITORIES = "wideload/"
"""What the names of repositories begin with."""

# https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html
_NAME = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")


def repository_name(function: str) -> str:
    """The repository of a function's images; of names that repositories cannot have it ends in a
    digest of the name."""
    if _NAME.fullmatch(function):
        return f"{REPOSITORIES}{function}"
    plain = re.sub(r"[^a-z0-9]+", "-", function.lower()).strip("-")
    digest = hashlib.sha256(function.encode()).hexdigest()[:8]
    return f"{REPOSITORIES}{plain}-{digest}" if plain else f"{REPOSITORIES}{digest}"


def repository_policy(function: str, identity: Identity) -> str:
    """JSON: Lambda may pull the images for this function.

    https://docs.aws.amazon.com/lambda/latest/dg/images-create.html#configuration-images-permissions
    """
    arn = (
        f"arn:{identity.partition}:lambda:{identity.region}:{identity.account}:function:{function}"
    )
    return names.canonical(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "LambdaECRImageRetrievalPolicy",
                    "Effect": "Allow",
                    "Principal": {"Service": "lambda.amazonaws.com"},
                    "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
                    "Condition": {"StringLike": {"aws:sourceArn": [arn, f"{arn}:*"]}},
                }
            ],
        }
    )


def code(manifest: Manifest) -> ImageCode:
    """The image of a build, by its digest."""
    artifact = manifest.artifact(IMAGE_ROLE)
    return ImageCode(repository_name(manifest.function), artifact.sha256, artifact.size)


def brought(manifest: Manifest, observed: Observed) -> Iterator[Instruction]:
    """What brings the image into its repository, where it is not there."""
    wanted, artifact = code(manifest), manifest.artifact(IMAGE_ROLE)
    there = observed.repository
    if there is None:
        yield CreateRepository(wanted.repository, names.MADE_BY)
    if there is None or there.policy is None:
        policy = repository_policy(manifest.function, observed.identity)
        yield SetRepositoryPolicy(wanted.repository, policy, manifest.function)
    if not observed.image:
        yield PushImage(
            wanted.repository,
            artifact.filename,
            artifact.sha256,
            _tag(artifact.sha256),
            artifact.size,
        )


def _tag(sha256: str) -> str:
    # Nothing moves it: an image without a tag is what rules of repositories clean away first.
    return f"sha256-{sha256}"
