"""Reading a base image: picked for the target, checked, refused where it cannot do."""

from __future__ import annotations

from pathlib import Path

import pytest

from image_maker import BaseMaker
from wideload.build.image.base import read_base
from wideload.build.image.layout import Layout
from wideload.errors import WideloadError
from wideload.values.image import BaseImage, Descriptor
from wideload.values.target import Target

X86 = Target.parse("python3.13", "x86_64")
ARM = Target.parse("python3.13", "arm64")


def read(folder: Path, target: Target = X86, tag: str | None = None) -> BaseImage:
    layout = Layout(folder)
    return read_base("base:1", layout.find(tag), layout, target)


def test_of_an_index_the_image_of_the_target_is_taken(tmp_path: Path) -> None:
    maker = BaseMaker(tmp_path / "base")
    intel, arm = maker.image(), maker.image(architecture="arm64")
    attestation = maker.image(architecture="unknown")
    index = maker.index(
        ("linux/amd64", intel), ("linux/arm64", arm), ("unknown/unknown", attestation)
    )
    folder = maker.named(latest=index)
    assert read(folder).digest == intel["digest"]
    assert read(folder, ARM).digest == arm["digest"]


def test_a_platform_that_is_not_there_is_named(tmp_path: Path) -> None:
    maker = BaseMaker(tmp_path / "base")
    folder = maker.named(latest=maker.index(("linux/amd64", maker.image())))
    with pytest.raises(WideloadError, match="not there for linux/arm64") as caught:
        read(folder, ARM)
    assert caught.value.why == "there is linux/amd64"


def test_an_image_of_another_platform_is_refused(tmp_path: Path) -> None:
    maker = BaseMaker(tmp_path / "base")
    folder = maker.named(latest=maker.image(architecture="arm64"))
    with pytest.raises(WideloadError, match="not for linux/amd64"):
        read(folder)


def test_without_an_entrypoint_nothing_would_start(tmp_path: Path) -> None:
    maker = BaseMaker(tmp_path / "base")
    folder = maker.named(latest=maker.image(Entrypoint=None))
    with pytest.raises(WideloadError, match="nothing can be built on") as caught:
        read(folder)
    assert "entrypoint" in caught.value.why


@pytest.mark.parametrize("kind", ["tar", "tar+zstd", "foreign"])
def test_a_layer_that_lambda_does_not_take_is_refused(tmp_path: Path, kind: str) -> None:
    maker = BaseMaker(tmp_path / "base")
    image = maker.image(layer_type=f"application/vnd.oci.image.layer.v1.{kind}")
    with pytest.raises(WideloadError, match="nothing can be built on") as caught:
        read(maker.named(latest=image))
    assert "layers in gzip" in caught.value.why


def test_a_damaged_document_is_found(tmp_path: Path) -> None:
    maker = BaseMaker(tmp_path / "base")
    image = maker.image()
    folder = maker.named(latest=image)
    path = folder / "blobs" / "sha256" / image["digest"].removeprefix("sha256:")
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(WideloadError, match="is damaged"):
        read(folder)


class Liar:
    """Hands out something else than was asked for."""

    def document(self, descriptor: Descriptor) -> bytes:
        return b"{}"


def test_what_is_read_is_held_to_its_digest(tmp_path: Path) -> None:
    maker = BaseMaker(tmp_path / "base")
    layout = Layout(maker.named(latest=maker.image()))
    with pytest.raises(WideloadError, match="is damaged"):
        read_base("base:1", layout.find(), Liar(), X86)


def test_a_digest_never_leads_out_of_the_folder(tmp_path: Path) -> None:
    maker = BaseMaker(tmp_path / "base")
    image = maker.image()
    folder = maker.named(latest={**image, "digest": "sha256:../../../../etc/passwd"})
    with pytest.raises(WideloadError):
        read(folder)


def test_one_of_several_images_has_to_be_named(tmp_path: Path) -> None:
    maker = BaseMaker(tmp_path / "base")
    first, second = maker.image(), maker.image([{"other": "file"}])
    folder = maker.named(one=first, two=second)
    assert read(folder, tag="two").digest == second["digest"]
    with pytest.raises(WideloadError, match="more than one image") as caught:
        read(folder)
    assert caught.value.why == "it holds one, two"
    with pytest.raises(WideloadError, match="no image named three"):
        read(folder, tag="three")


def test_a_folder_that_is_no_layout_is_told(tmp_path: Path) -> None:
    with pytest.raises(WideloadError, match="is no OCI image layout"):
        Layout(tmp_path)
