"""Where the services of the embedded AWS meet: what Lambda asks of S3, IAM and STS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from wideload.values.image import Descriptor

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from wideload.values.environment import Mount


class StoredObject(msgspec.Struct, frozen=True):
    """An object of a bucket; its bytes lie in a file that is never changed in place."""

    path: str
    """Absolute path of the file with the bytes."""
    size: int
    etag: str
    version_id: str | None
    """Nothing where the bucket is not versioned."""


class NoSuchBucket(LookupError):
    """The bucket is not there."""


class NoSuchKey(LookupError):
    """The bucket is there, the key (or this version of it) is not."""


class Objects(Protocol):
    """S3, as the Lambda service reads deployment packages from it."""

    def locate(self, bucket: str, key: str, version_id: str | None = None) -> StoredObject:
        """The object under this key.

        :raises NoSuchBucket: there is no such bucket.
        :raises NoSuchKey: there is no such key or version in it.
        """
        ...


class Roles(Protocol):
    """IAM and STS, as the Lambda service uses execution roles."""

    def assumable_by_lambda(self, role_arn: str) -> bool | None:
        """Whether the role's trust policy lets lambda.amazonaws.com in; nothing: no such role."""
        ...

    def session(self, role_arn: str, session_name: str) -> dict[str, str]:
        """Credentials of a session of the role, as the environment variables of a function.

        Keys: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN.
        """
        ...


class Logs(Protocol):
    """CloudWatch Logs, as functions write to it."""

    def append(self, group: str, stream: str, text: str) -> None:
        """Add the lines of `text`, stamped with the present time."""
        ...


class CodeFolders(Protocol):
    """Unpacked packages, each once under the digest of its zip."""

    def unpack(self, archive: Path, sha256: str) -> Path:
        """The folder with the archive's files; unpacks it the first time."""
        ...


class ImageRefused(Exception):
    """Lambda takes no such image; the message is in AWS's words."""


class PulledImage(msgspec.Struct, frozen=True):
    """An image of a repository of ECR."""

    uri: str
    """As it was asked for."""
    resolved_uri: str
    """By digest."""
    repository: str
    manifest: Descriptor
    layers: tuple[Descriptor, ...]
    """From the lowest."""
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    working_directory: str
    variables: dict[str, str]


class Images(Protocol):
    """ECR, as the Lambda service takes images from it."""

    def find(self, account: str, region: str, uri: str) -> PulledImage:
        """What an image's URI means now.

        :raises ImageRefused: Lambda would not take it.
        """
        ...

    def root(self, account: str, region: str, image: PulledImage, most: int) -> Path:
        """The folder that is the image's root; pulls and unpacks what is not there.

        :param most: bytes that it may take uncompressed.
        :raises TooBig: it takes more.
        :raises WideloadError: it cannot be had any more, is damaged, or the disk is full.
        """
        ...

    def collect(self, needed: Collection[PulledImage], running: Collection[str]) -> None:
        """Delete what is unpacked of other images than these, and than such as run.

        :param running: digests of their manifests, hexadecimal.
        """
        ...


class MountRefused(Exception):
    """Lambda takes no such file system for a function; the message is in AWS's words."""


class MountFailed(Exception):
    """A function's file system cannot be mounted: its invocations are answered so.

    :ivar code: of Lambda's error.
    :ivar status: of HTTP.
    """

    def __init__(self, code: str, message: str, status: int) -> None:
        super().__init__(message)
        self.code, self.status = code, status


class FileSystems(Protocol):
    """EFS and S3 Files, as the Lambda service has functions mount them."""

    def check(self, arn: str, subnets: Sequence[str], groups: Sequence[str]) -> None:
        """Make sure that Lambda would take this access point for a function in these subnets.

        :raises MountRefused: it would not.
        """
        ...

    def mounted(
        self, arn: str, path: str, role_arn: str, subnets: Sequence[str], groups: Sequence[str]
    ) -> Mount:
        """What an environment of a function gets to see at `path`.

        :raises MountFailed: it cannot be mounted.
        """
        ...
