"""OCI image layouts: the folders in which tools hand images to each other.

`skopeo`, `podman`, `umoci`, `crane` and BuildKit read and write them.
https://github.com/opencontainers/image-spec/blob/v1.0.2/image-layout.md
"""

from __future__ import annotations

import hashlib
import os
import shutil
from typing import TYPE_CHECKING

import msgspec

from wideload.cache import write_atomically
from wideload.errors import WideloadError
from wideload.values.image import BadDigestError, Descriptor, ImageIndex

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from wideload.values.image import Image

REF_NAME = "org.opencontainers.image.ref.name"
_MARKER = "oci-layout"
_MARKER_CONTENT = b'{"imageLayoutVersion":"1.0.0"}'
_INDEX = "index.json"


class Layout:
    """An OCI layout that is read.

    :raises WideloadError: the folder is none.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            msgspec.json.decode((folder / _MARKER).read_bytes())
            self._index = msgspec.json.decode((folder / _INDEX).read_bytes(), type=ImageIndex)
        except (OSError, msgspec.MsgspecError) as error:
            raise WideloadError(
                f"{folder} is no OCI image layout",
                why=str(error),
                hint="write one with `skopeo copy docker://IMAGE oci:FOLDER:TAG`",
            ) from error

    def find(self, tag: str | None = None) -> Descriptor:
        """What the layout names so, or its only image.

        :raises WideloadError: there is none of that name, or more than one to choose from.
        """
        found = [
            one
            for one in self._index.manifests
            if tag is None or one.annotations.get(REF_NAME) == tag
        ]
        if len(found) == 1:
            return found[0]
        names = sorted(one.annotations.get(REF_NAME, one.digest) for one in self._index.manifests)
        raise WideloadError(
            f"{self.folder} holds {'no' if not found else 'more than one'} image"
            + (f" named {tag}" if tag else ""),
            why=f"it holds {', '.join(names) or 'nothing'}",
            hint="name one of them after the folder, as FOLDER:TAG" if names else "",
        )

    def path(self, descriptor: Descriptor) -> Path:
        """Where the content lies, after all of it was read and its digest found right.

        :raises WideloadError: it is not there, or damaged.
        """
        try:
            sha256 = descriptor.sha256
            path = self.folder / "blobs" / "sha256" / sha256
            with path.open("rb") as file:
                right = hashlib.file_digest(file, "sha256").hexdigest() == sha256
        except (OSError, BadDigestError) as error:
            raise self._broken(str(error)) from error
        if not right:
            raise self._broken(f"blobs/sha256/{sha256} has another digest")
        return path

    def document(self, descriptor: Descriptor) -> bytes:
        """The content, whole, its digest checked.

        :raises WideloadError: it is not there, or damaged.
        """
        return self.path(descriptor).read_bytes()

    def _broken(self, why: str) -> WideloadError:
        return WideloadError(
            f"the OCI image layout {self.folder} is damaged", why=why, hint="write it again"
        )


def write_layout(folder: Path, image: Image, blob: Callable[[Descriptor], Path], tag: str) -> None:
    """Write a layout that holds this image alone, or has this image's name taken over.

    Its index is written last, so a reader finds the image before or this one, whole; what an
    older image left there and this one does not name is removed then.

    :param blob: where the content of a layer lies.
    :raises WideloadError: a layer is not there, or the disk is full.
    """
    blobs = folder / "blobs" / "sha256"
    manifest = image.parsed
    wanted = {one.sha256 for one in (*manifest.layers, manifest.config, image.descriptor)}
    try:
        blobs.mkdir(parents=True, exist_ok=True)
        write_atomically(blobs / manifest.config.sha256, image.config)
        write_atomically(blobs / image.descriptor.sha256, image.manifest)
        for layer in manifest.layers:
            into = blobs / layer.sha256
            if not _is_whole(into, layer):
                _place(blob(layer), into)
        write_atomically(folder / _MARKER, _MARKER_CONTENT)
        named = msgspec.structs.replace(image.descriptor, annotations={REF_NAME: tag})
        index = ImageIndex(schema_version=2, manifests=(named,))
        write_atomically(folder / _INDEX, msgspec.json.encode(index))
        for path in blobs.iterdir():
            if path.name not in wanted:
                path.unlink()
    except OSError as error:
        raise WideloadError(
            f"the image could not be written to {folder}",
            why=str(error),
            hint="free disk space, or make the folder writable",
        ) from error


def _is_whole(path: Path, layer: Descriptor) -> bool:
    try:
        if path.stat().st_size != layer.size:
            return False
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == layer.sha256
    except FileNotFoundError:
        return False


def _place(source: Path, into: Path) -> None:
    """The same file where the file system can, else a copy; whole or not at all."""
    temporary = into.with_name(f".{into.name}.partial")
    temporary.unlink(missing_ok=True)
    try:
        os.link(source, temporary)
    except OSError:
        shutil.copyfile(source, temporary)
    temporary.replace(into)
