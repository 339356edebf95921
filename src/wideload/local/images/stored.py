"""The images of a repository, as Docker's registry keeps them."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import msgspec

from wideload.local.faults import Fault
from wideload.local.images.front import place
from wideload.values.image import INDEXES, MANIFESTS, ImageManifest

if TYPE_CHECKING:
    from pathlib import Path

    from wideload.local.images.process import RegistryProcess
    from wideload.local.images.tokens import Registry

_ACCEPT = ", ".join(sorted(MANIFESTS | INDEXES))


class StoredImage(msgspec.Struct, frozen=True):
    """A manifest of a repository."""

    digest: str
    tags: tuple[str, ...]
    pushed: float
    """Seconds since 1970."""
    manifest: bytes
    media_type: str

    @property
    def size(self) -> int:
        """Bytes of its layers, compressed."""
        try:
            parsed = msgspec.json.decode(self.manifest, type=ImageManifest)
        except msgspec.MsgspecError:
            return 0
        return sum(layer.size for layer in parsed.layers)


class StoredImages:
    """Reads and deletes images.

    Which there are without a tag, and since when, is seen in the registry's storage: its protocol
    does not tell.
    """

    def __init__(self, process: RegistryProcess) -> None:
        self._process = process

    def listed(self, registry: Registry, name: str) -> tuple[StoredImage, ...]:
        """The images of a repository, the oldest first."""
        folder = self._folder(registry, name)
        tags: dict[str, list[str]] = {}
        for link in sorted(folder.glob("_manifests/tags/*/current/link")):
            tags.setdefault(link.read_text().strip(), []).append(link.parent.parent.name)
        found = []
        for link in folder.glob("_manifests/revisions/sha256/*/link"):
            digest = link.read_text().strip()
            answer = self._process.pool().request(
                "GET", self._path(registry, name, digest), headers={"accept": _ACCEPT}
            )
            if answer.status == 200:
                found.append(
                    StoredImage(
                        digest,
                        tuple(tags.get(digest, ())),
                        link.stat().st_mtime,
                        answer.data,
                        answer.headers.get("content-type", ""),
                    )
                )
        return tuple(sorted(found, key=lambda one: (one.pushed, one.digest)))

    def delete(self, registry: Registry, name: str, digest: str) -> None:
        """Take an image away with its tags."""
        answer = self._process.pool().request("DELETE", self._path(registry, name, digest))
        if answer.status not in (202, 404):
            raise Fault("ServerException", f"the registry answered {answer.status}", 500)

    def untag(self, registry: Registry, name: str, tag: str) -> None:
        """Take a tag away from an image that has others."""
        shutil.rmtree(self._folder(registry, name) / "_manifests" / "tags" / tag)

    def has_layer(self, registry: Registry, name: str, digest: str) -> int | None:
        """Bytes of a layer that is there."""
        path = f"/v2/{place(registry, name)}/blobs/{digest}"
        answer = self._process.pool().request("HEAD", path)
        return int(answer.headers["content-length"]) if answer.status == 200 else None

    def forget(self, registry: Registry, name: str) -> None:
        """Take away all that a deleted repository held."""
        shutil.rmtree(self._folder(registry, name), ignore_errors=True)

    def _folder(self, registry: Registry, name: str) -> Path:
        root = self._process.storage / "docker" / "registry" / "v2" / "repositories"
        return root / place(registry, name)

    def _path(self, registry: Registry, name: str, version: str) -> str:
        return f"/v2/{place(registry, name)}/manifests/{version}"
