"""What a build leaves behind: files to ship and the manifest that accounts for each byte."""

from __future__ import annotations

import msgspec

from wideload.values.function import Settings, Strategy
from wideload.values.proposal import Removal
from wideload.values.target import Target

MANIFEST_SCHEMA = 1
MANIFEST_NAME = "manifest.json"


class Artifact(msgspec.Struct, frozen=True):
    """One file to ship, lying beside the manifest."""

    role: str
    """``function`` for the code package; later ``layer-1`` … and ``bundle``."""
    filename: str
    sha256: str
    size: int
    """Bytes of the file itself."""
    unzipped_bytes: int
    """Bytes that Lambda counts once it has unpacked it."""


class ManifestWheel(msgspec.Struct, frozen=True):
    """A wheel that files of the package came from."""

    name: str
    version: str
    filename: str
    sha256: str
    provided_by: str | None = None


class ManifestFile(msgspec.Struct, frozen=True):
    """One file of the package."""

    path: str
    size: int
    sha256: str
    origin: str
    """A wheel's filename, ``source`` for the user's own, or the rule that made it."""


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

    def artifact(self, role: str) -> Artifact:
        """The artifact of this role.

        :raises KeyError: there is none.
        """
        for artifact in self.artifacts:
            if artifact.role == role:
                return artifact
        raise KeyError(role)
