"""What a build leaves behind: files to ship and the manifest that accounts for each byte."""

from __future__ import annotations

import msgspec

from wideload.values.bundle import Bundle
from wideload.values.function import Settings, Strategy
from wideload.values.mount import FILES_ROLE, FILLER_ROLE, Directory
from wideload.values.proposal import Removal
from wideload.values.split import Place
from wideload.values.target import Target

MANIFEST_SCHEMA = 1
MANIFEST_NAME = "manifest.json"
FUNCTION_ROLE = "function"
LAYER_ROLE = "layer-"
"""What the roles of layers begin with; a number follows."""
BUNDLE_ROLE = "bundle"
BUNDLE_FILE = "bundle.bin"
IMAGE_ROLE = "image"
IMAGE_FOLDER = "image"
"""An OCI image layout."""
UNPLACED = frozenset({BUNDLE_ROLE, FILLER_ROLE, FILES_ROLE, IMAGE_ROLE})
"""Roles of artifacts that are neither the function's code nor a layer of it."""


class Artifact(msgspec.Struct, frozen=True):
    """One file to ship, lying beside the manifest."""

    role: str
    """``function`` for the code package; ``layer-1`` … for layers, in the order in which they
    are attached; ``bundle`` for what the loader fetches from S3, or what a mounted
    directory is filled from by the code in ``filler``; ``files`` for the files of a directory
    that are uploaded one by one; ``image`` for an image, which
    there is nothing beside."""
    filename: str
    """Of an image the folder that is its OCI image layout."""
    sha256: str
    """Of an image that of its manifest: the digest that names it."""
    size: int
    """Bytes of the file itself; of an image those of its layers and documents, compressed."""
    unzipped_bytes: int
    """Bytes that Lambda counts once it has unpacked it."""
    packages: tuple[str, ...] = ()
    """Of a build with layers: the distributions that it holds, sorted."""


class ManifestWheel(msgspec.Struct, frozen=True):
    """A wheel that files of the package came from."""

    name: str
    version: str
    filename: str
    sha256: str
    provided_by: str | None = None


class ManifestFile(msgspec.Struct, frozen=True, omit_defaults=True):
    """One file of the package."""

    path: str
    """In its artifact."""
    size: int
    sha256: str
    origin: str
    """A wheel's filename, ``source`` for the user's own, or the rule that made it (``elf/1``);
    ``FILENAME by RULE`` where a rule made it of a wheel's."""
    artifact: str = FUNCTION_ROLE
    """Role of the artifact that it lies in."""


class ManifestLayer(msgspec.Struct, frozen=True):
    """A layer of an image."""

    digest: str
    size: int
    """Bytes, compressed."""
    what: str
    """What it holds, in words; empty for the base's."""


class ManifestImage(msgspec.Struct, frozen=True):
    """What an image was put together of."""

    base: str
    """The base's reference, as it was asked for."""
    base_digest: str
    """Of the base's manifest: what that reference was when the function was built."""
    layers: tuple[ManifestLayer, ...]
    """From the lowest."""


class Manifest(msgspec.Struct, frozen=True):
    """The account of a build. Nothing in it depends on when or where it was made."""

    schema: int
    function: str
    strategy: Strategy
    target: Target
    handler: str
    settings: Settings
    artifacts: tuple[Artifact, ...]
    files: tuple[ManifestFile, ...]
    wheels: tuple[ManifestWheel, ...]
    removals: tuple[Removal, ...] = ()
    bundle: Bundle | None = None
    """Where the function is started from a bundle. `handler` is the user's own all the same."""
    image: ManifestImage | None = None
    """Where the function is an image."""
    mount: Directory | None = None
    """Where the function mounts its packages."""

    def artifact(self, role: str) -> Artifact:
        """The artifact of this role.

        :raises KeyError: there is none.
        """
        for artifact in self.artifacts:
            if artifact.role == role:
                return artifact
        raise KeyError(role)

    @property
    def places(self) -> dict[str, Place]:
        """Where each distribution lies, of a build with layers."""
        places: dict[str, Place] = {}
        for artifact in self.artifacts:
            if artifact.role in UNPLACED:
                continue
            number = artifact.role.removeprefix(LAYER_ROLE)
            place: Place = "function" if artifact.role == FUNCTION_ROLE else int(number)
            places.update(dict.fromkeys(artifact.packages, place))
        return places

    @property
    def layers(self) -> tuple[Artifact, ...]:
        """The artifacts that are layers, in the order in which they are attached."""
        return tuple(one for one in self.artifacts if one.role.startswith(LAYER_ROLE))
