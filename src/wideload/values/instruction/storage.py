"""Steps on the bucket and what lies in it."""

from __future__ import annotations

import msgspec

from wideload.values.sizes import megabytes


class CreateBucket(msgspec.Struct, frozen=True, tag="create-bucket", tag_field="do"):
    """Make the bucket for code packages of this account and region."""

    bucket: str
    region: str

    def describe(self) -> str:
        """One line for people."""
        return f"create bucket {self.bucket}"


class SecureBucket(msgspec.Struct, frozen=True, tag="secure-bucket", tag_field="do"):
    """Shut the bucket to the public, encrypt it, and take away access lists."""

    bucket: str
    owner: str
    """Account that must own it."""

    def describe(self) -> str:
        """One line for people."""
        return f"make bucket {self.bucket} private and encrypted"


class VersionBucket(msgspec.Struct, frozen=True, tag="version-bucket", tag_field="do"):
    """Have a bucket keep versions, which S3 Files asks for, and let old ones expire."""

    bucket: str
    owner: str
    """Account that must own it."""

    def describe(self) -> str:
        """One line for people."""
        return f"let bucket {self.bucket} keep versions, those that were replaced for a day"


class UploadObject(msgspec.Struct, frozen=True, tag="upload-object", tag_field="do"):
    """Send an artifact to the bucket, under its digest."""

    bucket: str
    key: str
    owner: str
    """Account that must own the bucket."""
    filename: str
    """Beside the manifest."""
    sha256: str
    size: int
    """Bytes."""
    shared: bool = False
    """Whether deployments of other functions may be sending it, too."""

    def describe(self) -> str:
        """One line for people."""
        size = megabytes(self.size)
        return f"upload {self.filename} ({size}) to s3://{self.bucket}/{self.key}"


class UploadFiles(msgspec.Struct, frozen=True, tag="upload-files", tag_field="do"):
    """Send the files of an artifact to a bucket, each under its own key, those that lack."""

    filename: str
    """Of a zip beside the manifest."""
    sha256: str
    size: int
    """Bytes of the zip."""
    count: int
    bucket: str
    owner: str
    """Account that must own the bucket."""
    prefix: str

    def describe(self) -> str:
        """One line for people."""
        where = f"s3://{self.bucket}/{self.prefix}"
        return f"upload {self.count:,} files of {self.filename} to {where}"


class DeleteObjects(msgspec.Struct, frozen=True, tag="delete-objects", tag_field="do"):
    """Take away code packages."""

    bucket: str
    owner: str
    """Account that must own the bucket."""
    keys: tuple[str, ...]

    def describe(self) -> str:
        """One line for people."""
        noun = "object" if len(self.keys) == 1 else "objects"
        folders = {key.rpartition("/")[0] for key in self.keys}
        # Bundles lie in a folder for each function.
        folder = folders.pop() if len(folders) == 1 else self.keys[0].partition("/")[0]
        return f"delete {len(self.keys)} {noun} under s3://{self.bucket}/{folder}/"


class DeleteBucket(msgspec.Struct, frozen=True, tag="delete-bucket", tag_field="do"):
    """Take away the bucket, which S3 allows only when it is empty."""

    bucket: str
    owner: str
    """Account that must own it."""

    def describe(self) -> str:
        """One line for people."""
        return f"delete empty bucket {self.bucket}"
