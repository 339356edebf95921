"""An image that the user's own engine makes of his Dockerfile, taken over as an OCI layout."""

from __future__ import annotations

import re
import shutil
import subprocess
import tarfile
from typing import TYPE_CHECKING

import msgspec

from wideload.build.image.base import read_base
from wideload.build.image.layout import Layout
from wideload.build.image.predicted import TAIL, base_bytes
from wideload.errors import WideloadError
from wideload.values.image import OCI_MANIFEST, Descriptor, Image

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from wideload.values.target import Target

ENGINES = ("docker", "podman", "buildah")
"""Looked for in this order."""
_MEMBER = re.compile(r"oci-layout|index\.json|blobs/sha256/[0-9a-f]{64}")
_SHOWN = 30
"""Lines of a failed build that are shown."""


class Taken(msgspec.Struct, frozen=True):
    """An image that was made elsewhere."""

    image: Image
    unzipped_bytes: int
    """By what its layers say of themselves."""
    layout: Path
    """Folder that holds it; it is taken away once the image is taken over."""
    what: str
    """What made it, in words."""

    def blob(self, descriptor: Descriptor) -> Path:
        """Where a layer lies."""
        return self.layout / "blobs" / "sha256" / descriptor.sha256


def build_by_engine(
    file: Path, context: Path, target: Target, into: Path, tell: Callable[[str], None]
) -> Taken:
    """Have an engine of this machine build a Dockerfile.

    :param context: folder that the Dockerfile copies from.
    :param into: folder to lay the image into; what is there is replaced.
    :raises WideloadError: there is no engine that works, the build fails, or Lambda could not run
        what it made.
    """
    engine = _engine()
    tell(f"building {file.name} with {engine}")
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(parents=True)
    archive = into / "image.tar"
    tag = "localhost/wideload-build:latest"
    platform = f"linux/{target.architecture.goarch}"
    plain = ["build", "--platform", platform, "--file", str(file), "--tag", tag, str(context)]
    match engine:
        case "docker":
            # Lambda takes no index, which an image with its attestations is.
            output = f"type=oci,dest={archive}"
            words = ["--provenance=false", "--sbom=false", "--output", output]
            _run([engine, "buildx", *plain[:-1], *words, str(context)])
        case "podman":
            _run([engine, *plain])
            _run([engine, "save", "--format", "oci-archive", "--output", str(archive), tag])
        case _:
            _run([engine, *plain])
            _run([engine, "push", tag, f"oci-archive:{archive}"])
    _unpack(archive, into)
    archive.unlink()
    return _taken(into, target, f"{file.name}, built by {engine}")


def _engine() -> str:
    found = [name for name in ENGINES if shutil.which(name)]
    for name in found:
        if _asked([name, "info"]) is None:
            return name
    why = "none of docker, podman and buildah is on the PATH"
    if found:
        last = _asked([found[0], "info"]) or ""
        why = f"`{found[0]} info` fails: {last}"
    raise WideloadError(
        "there is no engine on this machine that builds a Dockerfile",
        why=why,
        hint="install podman, buildah or Docker and start it; or take image_file out, and the "
        "image is built without one",
    )


def _asked(words: list[str]) -> str | None:
    """Why a command fails; nothing where it does not."""
    try:
        done = subprocess.run(
            words, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )
    except OSError as error:
        return str(error)
    return None if done.returncode == 0 else _end(done.stderr or done.stdout, 1)


def _run(words: list[str]) -> None:
    try:
        done = subprocess.run(
            words, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )
    except OSError as error:
        raise WideloadError(f"{words[0]} cannot be run", why=str(error)) from error
    if done.returncode != 0:
        raise WideloadError(
            f"`{' '.join(words[:3])} …` fails",
            why=_end(done.stderr or done.stdout, _SHOWN),
            hint="run it by hand: it is the engine's own error",
        )


def _end(text: str, lines: int) -> str:
    return "\n".join(text.strip().splitlines()[-lines:])


def _unpack(archive: Path, into: Path) -> None:
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                name = member.name.removeprefix("./")
                content = tar.extractfile(member) if member.isfile() else None
                # Besides the layout an engine may leave what is for itself.
                if content is None or not _MEMBER.fullmatch(name):
                    continue
                path = into / name
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("wb") as file:
                    shutil.copyfileobj(content, file)
    except (OSError, tarfile.TarError) as error:
        raise WideloadError("the image of the engine cannot be read", why=str(error)) from error


def _taken(folder: Path, target: Target, what: str) -> Taken:
    layout = Layout(folder)
    found = read_base(what, layout.find(), layout, target)
    sha256 = found.digest.removeprefix("sha256:")
    manifest = (folder / "blobs" / "sha256" / sha256).read_bytes()
    config = layout.document(found.manifest.config)

    def tail(layer: Descriptor, length: int) -> bytes:
        with layout.path(layer).open("rb") as file:
            file.seek(-min(length, layer.size), 2)
            return file.read(TAIL)

    media_type = found.manifest.media_type or OCI_MANIFEST
    image = Image(manifest, config, Descriptor(media_type, found.digest, len(manifest)))
    return Taken(image, base_bytes(found, tail), folder, what)
