"""Base images in miniature, as an engine would have left them: an OCI layout on disk."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from typing import TYPE_CHECKING, Any

from wideload.values.image import (
    DOCKER_CONFIG,
    DOCKER_LAYER,
    DOCKER_MANIFEST,
    OCI_CONFIG,
    OCI_INDEX,
    OCI_LAYER,
    OCI_MANIFEST,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

ENTRYPOINT = ["/lambda-entrypoint.sh"]


def tarball(files: Mapping[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path, text in files.items():
            info = tarfile.TarInfo(path)
            info.size, info.mode = len(text), 0o755
            tar.addfile(info, io.BytesIO(text.encode()))
    return buffer.getvalue()


class BaseMaker:
    """Writes a layout below a folder.

    :param docker: with Docker's media types instead of OCI's.
    """

    def __init__(self, folder: Path, *, docker: bool = False) -> None:
        self.folder = folder
        self.docker = docker
        (folder / "blobs" / "sha256").mkdir(parents=True)
        (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')

    def blob(self, data: bytes, media_type: str) -> dict[str, Any]:
        sha256 = hashlib.sha256(data).hexdigest()
        (self.folder / "blobs" / "sha256" / sha256).write_bytes(data)
        return {"mediaType": media_type, "digest": f"sha256:{sha256}", "size": len(data)}

    def image(
        self,
        layers: Sequence[Mapping[str, str]] = ({"lambda-entrypoint.sh": "#!/bin/sh\n"},),
        *,
        architecture: str = "amd64",
        history: Sequence[Mapping[str, Any]] | None = None,
        layer_type: str | None = None,
        **config: Any,
    ) -> dict[str, Any]:
        """The descriptor of an image with these files."""
        tars = [tarball(files) for files in layers]
        settings = {"Entrypoint": ENTRYPOINT, "Env": ["LAMBDA_TASK_ROOT=/var/task"], **config}
        document: dict[str, Any] = {
            "architecture": architecture,
            "os": "linux",
            "config": settings,
            "container": "0123",
            "rootfs": {
                "type": "layers",
                "diff_ids": [f"sha256:{hashlib.sha256(one).hexdigest()}" for one in tars],
            },
        }
        if history is not None:
            document["history"] = history
        kind = layer_type or (DOCKER_LAYER if self.docker else OCI_LAYER)
        config_type = DOCKER_CONFIG if self.docker else OCI_CONFIG
        manifest_type = DOCKER_MANIFEST if self.docker else OCI_MANIFEST
        manifest = {
            "schemaVersion": 2,
            "mediaType": manifest_type,
            "config": self.blob(json.dumps(document).encode(), config_type),
            "layers": [self.blob(gzip.compress(one, mtime=0), kind) for one in tars],
        }
        return self.blob(json.dumps(manifest, indent=1).encode(), manifest_type)

    def index(self, *images: tuple[str, dict[str, Any]]) -> dict[str, Any]:
        """The descriptor of an index of images, each with its ``os/architecture``."""
        manifests = [
            {
                **descriptor,
                "platform": {"os": name.partition("/")[0], "architecture": name.partition("/")[2]},
            }
            for name, descriptor in images
        ]
        document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests}
        return self.blob(json.dumps(document).encode(), OCI_INDEX)

    def named(self, **tags: dict[str, Any]) -> Path:
        """Write the index of the layout itself."""
        manifests = [
            {**one, "annotations": {"org.opencontainers.image.ref.name": tag}}
            for tag, one in tags.items()
        ]
        document = {"schemaVersion": 2, "manifests": manifests}
        (self.folder / "index.json").write_text(json.dumps(document))
        return self.folder
