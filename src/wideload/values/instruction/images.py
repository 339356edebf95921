"""Steps on repositories of container images."""

from __future__ import annotations

import msgspec

from wideload.values.sizes import megabytes


class CreateRepository(msgspec.Struct, frozen=True, tag="create-repository", tag_field="do"):
    """Make the repository for a function's images."""

    repository: str
    tags: dict[str, str]

    def describe(self) -> str:
        """One line for people."""
        return f"create repository {self.repository}"


class SetRepositoryPolicy(msgspec.Struct, frozen=True, tag="set-repository-policy", tag_field="do"):
    """Say who may pull from a repository."""

    repository: str
    document: str
    """JSON."""
    function: str

    def describe(self) -> str:
        """One line for people."""
        return f"let Lambda pull from repository {self.repository} for {self.function}"


class PushImage(msgspec.Struct, frozen=True, tag="push-image", tag_field="do"):
    """Send what a repository lacks of an image, then name it there."""

    repository: str
    folder: str
    """Beside the manifest: the image's OCI layout."""
    sha256: str
    """Of the image's manifest."""
    tag: str
    size: int
    """Bytes of all its layers, of which some may be there."""

    def describe(self) -> str:
        """One line for people."""
        return (
            f"push what is not there of image sha256:{self.sha256[:12]} "
            f"({megabytes(self.size)} in all) to repository {self.repository}"
        )


class DeleteImages(msgspec.Struct, frozen=True, tag="delete-images", tag_field="do"):
    """Take away images that no function names."""

    repository: str
    digests: tuple[str, ...]

    def describe(self) -> str:
        """One line for people."""
        noun = "image" if len(self.digests) == 1 else "images"
        return f"delete {len(self.digests)} {noun} of repository {self.repository}"


class DeleteRepository(msgspec.Struct, frozen=True, tag="delete-repository", tag_field="do"):
    """Take away a repository with all its images."""

    repository: str

    def describe(self) -> str:
        """One line for people."""
        return f"delete repository {self.repository} with all its images"
