"""S3 through boto3."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any, cast

from boto3.s3.transfer import TransferConfig

from wideload.deploy.aws_trouble import asking
from wideload.deploy.cloud import Refused
from wideload.deploy.refusals import NOT_FOUND
from wideload.deploy.states import BucketState, ObjectState, StoredObject
from wideload.values.bundle import BUNDLE_PART

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from types_boto3_s3 import S3Client
    from types_boto3_s3.literals import BucketLocationConstraintType

_PART = BUNDLE_PART
_DIGEST = "sha256"
"""Of an object's metadata. S3's own SHA-256 of an upload in parts is one of the parts'
digests, so the digest of the whole is noted beside it."""
_IN_ONE_REQUEST = 8 * 1024**2
"""Bytes below which a file is sent as one request."""
_TRANSFER = TransferConfig(
    multipart_threshold=_PART,
    multipart_chunksize=_PART,
    max_concurrency=8,
    # The C client would take other paths on some machines than on others.
    preferred_transfer_client="classic",
)
_DELETED_AT_ONCE = 1000
"""https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html"""
_UNFINISHED_DAYS = 7
_UNFINISHED: Any = {
    "ID": "unfinished-uploads",
    "Status": "Enabled",
    "Filter": {"Prefix": ""},
    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": _UNFINISHED_DAYS},
}
# The one region that a bucket is made in by naming none.
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucketConfiguration.html
_UNNAMED_REGION = "us-east-1"


class AwsStorage:
    """A `Storage`."""

    def __init__(self, client: S3Client) -> None:
        self._client = client

    def find_bucket(self, bucket: str, owner: str) -> BucketState | None:
        """The bucket of this name."""
        try:
            with asking("s3"):
                self._client.head_bucket(Bucket=bucket, ExpectedBucketOwner=owner)
        except Refused as refused:
            if refused.code in NOT_FOUND:
                return None
            raise
        return BucketState(is_private=self._is_private(bucket, owner))

    def create_bucket(self, bucket: str, region: str) -> None:
        """Make a bucket."""
        with asking("s3"):
            if region == _UNNAMED_REGION:
                self._client.create_bucket(Bucket=bucket, ObjectOwnership="BucketOwnerEnforced")
            else:
                self._client.create_bucket(
                    Bucket=bucket,
                    ObjectOwnership="BucketOwnerEnforced",
                    CreateBucketConfiguration={
                        "LocationConstraint": cast("BucketLocationConstraintType", region)
                    },
                )

    def secure_bucket(self, bucket: str, owner: str) -> None:
        """Private, encrypted, owner-enforced; unfinished uploads expire."""
        with asking("s3"):
            self._client.put_bucket_ownership_controls(
                Bucket=bucket,
                ExpectedBucketOwner=owner,
                OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
            )
            self._client.put_bucket_encryption(
                Bucket=bucket,
                ExpectedBucketOwner=owner,
                ServerSideEncryptionConfiguration={
                    "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
                },
            )
            # Parts of an upload that was killed are not seen anywhere, and cost.
            self._client.put_bucket_lifecycle_configuration(
                Bucket=bucket,
                ExpectedBucketOwner=owner,
                LifecycleConfiguration={"Rules": [_UNFINISHED]},
            )
            # Last: `find_bucket` takes it as the sign that all of this is done.
            self._client.put_public_access_block(
                Bucket=bucket,
                ExpectedBucketOwner=owner,
                PublicAccessBlockConfiguration={
                    "BlockPublicAcls": True,
                    "IgnorePublicAcls": True,
                    "BlockPublicPolicy": True,
                    "RestrictPublicBuckets": True,
                },
            )

    def find_object(self, bucket: str, key: str, owner: str) -> ObjectState | None:
        """The object under this key."""
        try:
            with asking("s3"):
                head = self._client.head_object(Bucket=bucket, Key=key, ExpectedBucketOwner=owner)
        except Refused as refused:
            if refused.code in NOT_FOUND:
                return None
            raise
        return ObjectState(head["ContentLength"], head["Metadata"].get(_DIGEST, ""))

    def upload(
        self,
        path: Path,
        bucket: str,
        key: str,
        *,
        sha256: str,
        owner: str,
        sent: Callable[[int], None],
    ) -> None:
        """Send a file; the object appears whole or not at all."""
        with asking("s3"), path.open("rb") as file:
            self._client.upload_fileobj(
                file,
                bucket,
                key,
                ExtraArgs={
                    "ChecksumAlgorithm": "SHA256",
                    "ContentType": _content_type(key),
                    "ExpectedBucketOwner": owner,
                    "Metadata": {_DIGEST: sha256},
                },
                Callback=sent,
                Config=_TRANSFER,
            )

    def put(self, stream: IO[bytes], size: int, bucket: str, key: str, owner: str) -> None:
        """Send what a stream holds; the object appears whole or not at all."""
        if size < _IN_ONE_REQUEST:
            # Without the threads of a transfer, which for small files take longer than the file.
            with asking("s3"):
                self._client.put_object(
                    Bucket=bucket,
                    Key=key,
                    Body=stream.read(),
                    ChecksumAlgorithm="SHA256",
                    ExpectedBucketOwner=owner,
                )
            return
        with asking("s3"):
            self._client.upload_fileobj(
                stream,
                bucket,
                key,
                ExtraArgs={"ChecksumAlgorithm": "SHA256", "ExpectedBucketOwner": owner},
                Config=_TRANSFER,
            )

    def keep_versions(self, bucket: str, owner: str) -> None:
        """Have a bucket keep versions; those that were replaced expire after a day."""
        rules: list[Any] = [
            _UNFINISHED,
            {
                "ID": "replaced",
                "Status": "Enabled",
                "Filter": {"Prefix": ""},
                "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
                "Expiration": {"ExpiredObjectDeleteMarker": True},
            },
        ]
        with asking("s3"):
            self._client.put_bucket_lifecycle_configuration(
                Bucket=bucket, ExpectedBucketOwner=owner, LifecycleConfiguration={"Rules": rules}
            )
            self._client.put_bucket_versioning(
                Bucket=bucket,
                ExpectedBucketOwner=owner,
                VersioningConfiguration={"Status": "Enabled"},
            )

    def keys(self, bucket: str, prefix: str, owner: str) -> tuple[str, ...]:
        """The keys that begin so, sorted; none where there is no bucket."""
        return tuple(found.key for found in self.listed(bucket, prefix, owner))

    def listed(self, bucket: str, prefix: str, owner: str) -> tuple[StoredObject, ...]:
        """The objects whose keys begin so, sorted by key; none where there is no bucket."""
        try:
            with asking("s3"):
                pages = self._client.get_paginator("list_objects_v2").paginate(
                    Bucket=bucket, Prefix=prefix, ExpectedBucketOwner=owner
                )
                found = [
                    StoredObject(entry["Key"], entry["LastModified"].timestamp())
                    for page in pages
                    for entry in page.get("Contents", [])
                ]
        except Refused as refused:
            if refused.code in NOT_FOUND:
                return ()
            raise
        return tuple(sorted(found, key=lambda one: one.key))

    def delete_objects(self, bucket: str, keys: tuple[str, ...], owner: str) -> None:
        """Take objects away; those that are not there are no error."""
        for at in range(0, len(keys), _DELETED_AT_ONCE):
            batch = keys[at : at + _DELETED_AT_ONCE]
            with asking("s3"):
                answer = self._client.delete_objects(
                    Bucket=bucket,
                    ExpectedBucketOwner=owner,
                    Delete={"Objects": [{"Key": key} for key in batch], "Quiet": True},
                )
            for error in answer.get("Errors", []):
                raise Refused(
                    "s3:DeleteObject",
                    error.get("Code", "Unknown"),
                    f"{error.get('Message', '')} ({error.get('Key', '')})",
                )

    def delete_bucket(self, bucket: str, owner: str) -> None:
        """Take an empty bucket away."""
        with asking("s3"):
            self._client.delete_bucket(Bucket=bucket, ExpectedBucketOwner=owner)

    def _is_private(self, bucket: str, owner: str) -> bool:
        try:
            with asking("s3"):
                answer = self._client.get_public_access_block(
                    Bucket=bucket, ExpectedBucketOwner=owner
                )
        except Refused as refused:
            if refused.code == "NoSuchPublicAccessBlockConfiguration":
                return False
            raise
        block = answer["PublicAccessBlockConfiguration"]
        return (
            block.get("BlockPublicAcls", False)
            and block.get("IgnorePublicAcls", False)
            and block.get("BlockPublicPolicy", False)
            and block.get("RestrictPublicBuckets", False)
        )


def _content_type(key: str) -> str:
    return "application/zip" if key.endswith(".zip") else "application/octet-stream"
