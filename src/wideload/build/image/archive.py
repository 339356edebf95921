"""An image in one file: a tar of an OCI image layout that Docker, podman and skopeo read.

Beside the layout's own index it has the one of `docker save`, by which Docker itself loads it.
"""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, BinaryIO

import msgspec

from wideload.build.image.layout import REF_NAME, Layout
from wideload.build.image.tarball import padding, tar_header
from wideload.cache import replacing
from wideload.errors import WideloadError
from wideload.values.image import ImageIndex, ImageManifest

if TYPE_CHECKING:
    from pathlib import Path

CONTAINERD_NAME = "io.containerd.image.name"
_BLOBS = "blobs/sha256"
_END = bytes(1024)
_MODE = 0o644
_BLOCK = 1 << 20


def write_archive(layout: Path, name: str, file: Path) -> None:
    """Write the only image of a layout, whole or not at all; the same bytes wherever.

    :param name: of the image, as it is to be called where the archive is loaded.
    :raises WideloadError: the layout is damaged, or the file cannot be written.
    """
    read = Layout(layout)
    found = read.find()
    manifest = msgspec.json.decode(read.document(found), type=ImageManifest)
    tag = f"{name}:latest"
    annotations = {REF_NAME: tag, CONTAINERD_NAME: f"docker.io/library/{tag}"}
    named = msgspec.structs.replace(found, annotations=annotations)
    docker = [
        {
            "Config": f"{_BLOBS}/{manifest.config.sha256}",
            "RepoTags": [tag],
            "Layers": [f"{_BLOBS}/{layer.sha256}" for layer in manifest.layers],
        }
    ]
    index = msgspec.json.encode(ImageIndex(schema_version=2, manifests=(named,)))
    try:
        with replacing(file) as out:
            for folder in ("blobs", _BLOBS):
                out.write(tar_header(folder, 0, 0o755, folder=True))
            blobs = {one.sha256: one for one in (found, manifest.config, *manifest.layers)}
            for sha256, blob in sorted(blobs.items()):
                path = read.path(blob)
                out.write(tar_header(f"{_BLOBS}/{sha256}", path.stat().st_size, _MODE))
                with path.open("rb") as content:
                    shutil.copyfileobj(content, out, _BLOCK)
                out.write(padding(path.stat().st_size))
            _add(out, "index.json", index)
            _add(out, "manifest.json", json.dumps(docker).encode())
            _add(out, "oci-layout", (layout / "oci-layout").read_bytes())
            out.write(_END)
    except OSError as error:
        raise WideloadError(
            f"{file.name} could not be written",
            why=str(error),
            hint="free disk space, or write it to another folder",
        ) from error


def _add(out: BinaryIO, name: str, data: bytes) -> None:
    out.write(tar_header(name, len(data), _MODE))
    out.write(data)
    out.write(padding(len(data)))
