"""Builds to deploy: a manifest, the function it was built of, and the artifact's bytes."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec

from wideload.values.artifact import (
    BUNDLE_FILE,
    IMAGE_FOLDER,
    IMAGE_ROLE,
    Artifact,
    Manifest,
    ManifestImage,
    ManifestWheel,
)
from wideload.values.bundle import Bundle
from wideload.values.function import BundleAccess, Function, NoRequirements, Settings, Strategy
from wideload.values.target import Target
from wideload.values.tree import FileTree

if TYPE_CHECKING:
    from pathlib import Path

NAME = "recommender"


class Build(msgspec.Struct, frozen=True):
    manifest: Manifest
    function: Function
    data: bytes
    layers: tuple[bytes, ...] = ()
    bundle: bytes = b""

    def write(self, folder: Path) -> Path:
        folder.mkdir(exist_ok=True)
        if self.manifest.image is not None:
            blobs = folder / IMAGE_FOLDER / "blobs" / "sha256"
            blobs.mkdir(parents=True, exist_ok=True)
            (blobs / self.manifest.artifact(IMAGE_ROLE).sha256).write_bytes(self.data)
            return folder
        (folder / "function.zip").write_bytes(self.data)
        for number, data in enumerate(self.layers, start=1):
            (folder / f"layer-{number}.zip").write_bytes(data)
        if self.bundle:
            (folder / BUNDLE_FILE).write_bytes(self.bundle)
        return folder


def _artifact(role: str, data: bytes, packages: tuple[str, ...] = ()) -> Artifact:
    return Artifact(
        role=role,
        filename=f"{role}.zip",
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
        unzipped_bytes=len(data),
        packages=packages,
    )


def _bundle(data: bytes) -> Bundle:
    sha256 = hashlib.sha256(data).hexdigest()
    return Bundle(sha256, len(data), 1, len(data), 4096, 1, "0" * 64, 10)


def build(
    data: bytes = b"first",
    *,
    strategy: Strategy = Strategy.DIRECT_ZIP,
    architecture: str = "x86_64",
    settings: Settings | None = None,
    layers: tuple[bytes, ...] = (),
    name: str = NAME,
    bundle: bytes = b"",
    access: BundleAccess = "object",
) -> Build:
    """A build; with layers it is by the strategy `layers`, with a bundle by `s3-bootstrap`."""
    strategy = Strategy.LAYERS if layers else strategy
    strategy = Strategy.S3_BOOTSTRAP if bundle else strategy
    target = Target.parse("python3.13", architecture)
    settings = settings or Settings()
    manifest = Manifest(
        schema=1,
        function=name,
        strategy=strategy,
        target=target,
        handler="app.handler",
        settings=settings,
        artifacts=(
            _artifact("function", data),
            *(
                _artifact(f"layer-{number}", layer, (f"package-{layer.decode()[:8]}",))
                for number, layer in enumerate(layers, start=1)
            ),
            *(
                [msgspec.structs.replace(_artifact("bundle", bundle), filename=BUNDLE_FILE)]
                if bundle
                else []
            ),
        ),
        files=(),
        wheels=tuple(
            ManifestWheel(f"package-{layer.decode()[:8]}", "1.0", "x.whl", "0" * 64)
            for layer in layers
        ),
        bundle=_bundle(bundle) if bundle else None,
    )
    function = Function(
        name=name,
        root="/project",
        source="/project/recommender",
        handler="app.handler",
        target=target,
        files=FileTree(()),
        requirements=NoRequirements(),
        settings=settings,
        bundle_access=access,
    )
    return Build(manifest, function, data, layers, bundle)


def image_build(data: bytes = b"first", *, name: str = NAME, memory: int = 1024) -> Build:
    """A build that is an image, of which `data` stands for the manifest."""
    whole = build(data, name=name, settings=Settings(memory=memory))
    sha256 = hashlib.sha256(data).hexdigest()
    manifest = msgspec.structs.replace(
        whole.manifest,
        strategy=Strategy.IMAGE,
        artifacts=(Artifact(IMAGE_ROLE, IMAGE_FOLDER, sha256, 1000, 5000),),
        image=ManifestImage("example.com/base:1", f"sha256:{'0' * 64}", ()),
    )
    return msgspec.structs.replace(whole, manifest=manifest)
