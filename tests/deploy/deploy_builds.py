"""Builds to deploy: a manifest, the function it was built of, and the artifact's bytes."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec

from wideload.values.artifact import Artifact, Manifest
from wideload.values.function import Function, NoRequirements, Settings, Strategy
from wideload.values.target import Target
from wideload.values.tree import FileTree

if TYPE_CHECKING:
    from pathlib import Path

NAME = "recommender"


class Build(msgspec.Struct, frozen=True):
    manifest: Manifest
    function: Function
    data: bytes

    def write(self, folder: Path) -> Path:
        folder.mkdir(exist_ok=True)
        (folder / "function.zip").write_bytes(self.data)
        return folder


def build(
    data: bytes = b"first",
    *,
    strategy: Strategy = Strategy.DIRECT_ZIP,
    architecture: str = "x86_64",
    settings: Settings | None = None,
) -> Build:
    target = Target.parse("python3.13", architecture)
    settings = settings or Settings()
    manifest = Manifest(
        schema=1,
        function=NAME,
        strategy=strategy,
        target=target,
        handler="app.handler",
        settings=settings,
        artifacts=(
            Artifact(
                role="function",
                filename="function.zip",
                sha256=hashlib.sha256(data).hexdigest(),
                size=len(data),
                unzipped_bytes=len(data),
            ),
        ),
        files=(),
        wheels=(),
    )
    function = Function(
        name=NAME,
        root="/project",
        source="/project/recommender",
        handler="app.handler",
        target=target,
        files=FileTree(()),
        requirements=NoRequirements(),
        settings=settings,
    )
    return Build(manifest, function, data)
