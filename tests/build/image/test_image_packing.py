"""The image of a build: how it is started, its account, and what is refused before it is there."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pytest

from image_maker import ENTRYPOINT, BaseMaker
from slimming_maker import HERE, Kitchen
from wideload import limits
from wideload.build.image.base import read_base
from wideload.build.image.layout import Layout
from wideload.build.image.packing import Imaging, PackedImage, pack_image
from wideload.errors import WideloadError
from wideload.values.function import Function, NoRequirements, Settings
from wideload.values.slimmed import SlimOptions
from wideload.values.target import Target
from wideload.values.tree import FileTree

if TYPE_CHECKING:
    from pathlib import Path

WHEELS: dict[str, dict[str, bytes | str]] = {"light": {"light.py": "L = 1\n"}}


def packed(folder: Path, *, base_bytes: int = 1000, runtime: str = "python3.13") -> PackedImage:
    maker = BaseMaker(folder / "base")
    layout = Layout(maker.named(latest=maker.image()))
    base = read_base("example.com/base:1", layout.find(), layout, HERE)
    kitchen = Kitchen(folder, WHEELS, {"app.py": "A = 1\n"})
    wheels = {wheel.sha256: wheel for wheel in kitchen.resolution.wheels}
    tree = kitchen.slim(SlimOptions(rules="none", bytecode="none")).tree
    function = Function(
        name="shop",
        root=str(folder),
        source=str(folder),
        handler="app.handler",
        target=Target.parse(runtime, "x86_64"),
        files=FileTree(()),
        requirements=NoRequirements(),
        settings=Settings(),
    )
    imaging = Imaging(base, base_bytes, layout.path)
    return pack_image(
        function, tree, wheels, kitchen.paths, folder / "build", kitchen.cache, imaging
    )


def config(folder: Path) -> dict[str, object]:
    layout = Layout(folder / "build" / "image")
    manifest = json.loads(layout.document(layout.find("latest")))
    blob = layout.folder / "blobs" / "sha256" / manifest["config"]["digest"].partition(":")[2]
    found: dict[str, object] = json.loads(blob.read_bytes())["config"]
    return found


def own_layers(layout: Layout) -> list[Path]:
    manifest = json.loads(layout.document(layout.find()))
    blobs = layout.folder / "blobs" / "sha256"
    return [blobs / one["digest"].partition(":")[2] for one in manifest["layers"][1:]]


def test_it_is_accounted_for(tmp_path: Path) -> None:
    made = packed(tmp_path)
    layout = Layout(tmp_path / "build" / "image")
    assert layout.find().digest == f"sha256:{made.artifact.sha256}"
    blobs = list((layout.folder / "blobs" / "sha256").iterdir())
    assert made.artifact.size == sum(blob.stat().st_size for blob in blobs)
    tars = [gzip.decompress(blob.read_bytes()) for blob in own_layers(layout)]
    assert made.artifact.unzipped_bytes == 1000 + sum(map(len, tars))
    assert {file.path: file.origin for file in made.files}["app.py"] == "source"
    assert {file.path for file in made.files} >= {"app.py", "light.py"}
    assert {file.artifact for file in made.files} == {"image"}
    assert made.image.base == "example.com/base:1"
    assert [layer.what for layer in made.image.layers] == [
        *("", "other packages", "the function's own files")
    ]


def test_the_base_starts_it_unless_it_is_a_program(tmp_path: Path) -> None:
    packed(tmp_path / "python")
    told = config(tmp_path / "python")
    assert (told["Entrypoint"], told["Cmd"]) == (ENTRYPOINT, ["app.handler"])
    assert told["WorkingDir"] == "/var/task"
    packed(tmp_path / "provided", runtime="provided.al2023")
    assert config(tmp_path / "provided")["Entrypoint"] == ["/var/task/bootstrap"]


def test_what_lambda_would_refuse_is_not_written(tmp_path: Path) -> None:
    own = packed(tmp_path / "small").artifact.unzipped_bytes - 1000
    packed(tmp_path / "fits", base_bytes=limits.IMAGE_SIZE - own)
    with pytest.raises(WideloadError, match="the image of shop is 1 bytes over") as caught:
        packed(tmp_path / "over", base_bytes=limits.IMAGE_SIZE - own + 1)
    assert "Uncompressed container image size exceeds 10 GiB limit" in caught.value.why
    assert not (tmp_path / "over" / "build").exists()
