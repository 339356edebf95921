"""Where the services of the embedded AWS meet: what Lambda asks of S3, IAM and STS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    from pathlib import Path


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
