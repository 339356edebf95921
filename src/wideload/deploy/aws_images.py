"""ECR through boto3."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from wideload.deploy.aws_trouble import asking
from wideload.deploy.cloud import Refused
from wideload.deploy.images import REPOSITORIES
from wideload.deploy.pushing import push_image
from wideload.deploy.states import PushedImage, RepositoryState
from wideload.registry.challenge import Credentials
from wideload.registry.http import RegistryHttp
from wideload.registry.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from types_boto3_ecr import ECRClient

_NO_REPOSITORY = "RepositoryNotFoundException"
_OTHERS = 20
"""Repositories of other functions that are asked whether they have a layer."""
_AT_ONCE = 100
"""Images of one BatchDeleteImage:
https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchDeleteImage.html"""


class AwsImages:
    """An `Images`."""

    def __init__(self, client: ECRClient) -> None:
        self._client = client

    def find(self, repository: str) -> RepositoryState | None:
        """The repository of this name."""
        try:
            with asking("ecr"):
                answer = self._client.describe_repositories(repositoryNames=[repository])
        except Refused as refused:
            if refused.code == _NO_REPOSITORY:
                return None
            raise
        (found,) = answer["repositories"]
        with asking("ecr"):
            tags = self._client.list_tags_for_resource(resourceArn=found["repositoryArn"])
        return RepositoryState(
            uri=found["repositoryUri"],
            policy=self._policy(repository),
            tags={one["Key"]: one["Value"] for one in tags.get("tags", [])},
        )

    def has(self, repository: str, digest: str) -> bool:
        """Whether an image is there."""
        with asking("ecr"):
            answer = self._client.batch_get_image(
                repositoryName=repository, imageIds=[{"imageDigest": digest}]
            )
        return bool(answer.get("images"))

    def push(
        self, repository: str, layout: Path, sha256: str, tag: str, sent: Callable[[int], None]
    ) -> int:
        """Send what a repository lacks of an image, then name it."""
        with asking("ecr"):
            (there,) = self._client.describe_repositories(repositoryNames=[repository])[
                "repositories"
            ]
            answer = self._client.get_authorization_token()
        token = answer["authorizationData"][0]["authorizationToken"]
        username, _, password = base64.b64decode(token).decode().partition(":")
        http = RegistryHttp(
            there["repositoryUri"].partition("/")[0], Credentials(username, password)
        )
        others = [name for name in self.listed(REPOSITORIES) if name != repository]
        elsewhere = [Repository(http, name) for name in others[:_OTHERS]]
        return push_image(Repository(http, repository), elsewhere, layout, sha256, tag, sent)

    def create(self, repository: str, tags: dict[str, str]) -> None:
        """Make a repository."""
        with asking("ecr"):
            self._client.create_repository(
                repositoryName=repository,
                tags=[{"Key": key, "Value": value} for key, value in tags.items()],
            )

    def set_policy(self, repository: str, document: str) -> None:
        """Say who may pull."""
        with asking("ecr"):
            self._client.set_repository_policy(repositoryName=repository, policyText=document)

    def listed(self, prefix: str) -> tuple[str, ...]:
        """Names of the repositories that begin so, sorted."""
        with asking("ecr"):
            pages = self._client.get_paginator("describe_repositories").paginate()
            found = [one["repositoryName"] for page in pages for one in page["repositories"]]
        return tuple(sorted(name for name in found if name.startswith(prefix)))

    def images(self, repository: str) -> tuple[PushedImage, ...]:
        """All images of a repository."""
        with asking("ecr"):
            pages = self._client.get_paginator("describe_images").paginate(
                repositoryName=repository
            )
            return tuple(
                PushedImage(repository, one["imageDigest"], one["imagePushedAt"].timestamp())
                for page in pages
                for one in page["imageDetails"]
            )

    def delete_images(self, repository: str, digests: tuple[str, ...]) -> None:
        """Take images away; those that are not there are no error."""
        for start in range(0, len(digests), _AT_ONCE):
            with asking("ecr"):
                self._client.batch_delete_image(
                    repositoryName=repository,
                    imageIds=[
                        {"imageDigest": digest} for digest in digests[start : start + _AT_ONCE]
                    ],
                )

    def delete(self, repository: str) -> None:
        """Take a repository away with all its images."""
        with asking("ecr"):
            self._client.delete_repository(repositoryName=repository, force=True)

    def _policy(self, repository: str) -> str | None:
        try:
            with asking("ecr"):
                answer = self._client.get_repository_policy(repositoryName=repository)
        except Refused as refused:
            if refused.code == "RepositoryPolicyNotFoundException":
                return None
            raise
        return answer["policyText"]
