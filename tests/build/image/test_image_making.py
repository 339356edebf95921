"""An image of a function: layers, configuration, manifest; read again by other tools."""

from __future__ import annotations

import gzip
import hashlib
import json
import subprocess
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from image_maker import ENTRYPOINT, BaseMaker
from slimming_maker import Kitchen
from wideload import limits
from wideload.build.image.assemble import BASE_DIGEST, BASE_NAME, Start
from wideload.build.image.base import read_base
from wideload.build.image.layout import Layout, write_layout
from wideload.build.image.making import MadeImage, make_image
from wideload.cache import Cache
from wideload.errors import WideloadError
from wideload.values.image import (
    DOCKER_LAYER,
    OCI_CONFIG,
    OCI_LAYER,
    OCI_MANIFEST,
    BaseImage,
    Descriptor,
)
from wideload.values.slimmed import SlimOptions

if TYPE_CHECKING:
    from collections.abc import Mapping

WHEELS: dict[str, dict[str, bytes | str]] = {
    "alpha": {"alpha/__init__.py": "A = 1\n", "alpha/größe_日本.txt": "ü"},
    "heavy": {"heavy.so": bytes(range(256)) * 5000, f"heavy/{'long' * 30}.py": "L = 1\n"},
}
OWN: dict[str, bytes | str] = {
    "app.py": "import alpha\n",
    "deep/er/data.json": "[]",
    "empty.txt": "",
}
RAW = SlimOptions(rules="none", bytecode="none")


def base_of(folder: Path) -> tuple[BaseImage, Layout]:
    layout = Layout(folder)
    target = Kitchen(folder.parent / "no-kitchen", {}).resolution.target
    return read_base("base:1", layout.find(), layout, target), layout


@pytest.fixture
def base(tmp_path: Path) -> tuple[BaseImage, Layout]:
    maker = BaseMaker(tmp_path / "base")
    return base_of(maker.named(latest=maker.image()))


def made_of(
    root: Path,
    base: BaseImage,
    own: Mapping[str, bytes | str] = OWN,
    wheels: Mapping[str, Mapping[str, bytes | str]] = WHEELS,
) -> tuple[MadeImage, Kitchen]:
    kitchen = Kitchen(root, wheels, own)
    known = {wheel.sha256: wheel for wheel in kitchen.resolution.wheels}
    tree = kitchen.slim(RAW).tree
    made = make_image(tree, known, kitchen.paths, base, Start("app.handler"), kitchen.cache)
    return made, kitchen


def blob_of(made: MadeImage, layout: Layout, descriptor: Descriptor) -> Path:
    return made.own_blob(descriptor) or layout.path(descriptor)


def files_of(made: MadeImage) -> dict[str, bytes]:
    """What the layers on the base hold."""
    found: dict[str, bytes] = {}
    for layer in made.layers:
        with tarfile.open(made.paths[layer.descriptor.digest]) as tar:
            for info in tar:
                assert (info.uid, info.gid, info.uname, info.gname) == (0, 0, "", "")
                assert info.mtime == 315_532_800
                assert info.isfile() or info.isdir(), info.name
                if info.isfile():
                    assert info.name not in found
                    assert info.mode in (0o644, 0o755)
                    content = tar.extractfile(info)
                    assert content is not None
                    found[info.name] = content.read()
                else:
                    assert info.mode == 0o755
    return found


def config_of(made: MadeImage) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(made.image.config)
    return found


def test_the_layers_hold_the_tree_and_nothing_else(
    base: tuple[BaseImage, Layout], tmp_path: Path
) -> None:
    made, kitchen = made_of(tmp_path / "a", base[0])
    tree = kitchen.slim(RAW).tree
    wanted = {f"var/task/{path}": data for path, data in kitchen.contents(tree).items()}
    assert files_of(made) == wanted


def test_each_digest_and_size_is_that_of_the_bytes(
    base: tuple[BaseImage, Layout], tmp_path: Path
) -> None:
    made, _ = made_of(tmp_path / "a", base[0])
    for layer in made.layers:
        data = made.paths[layer.descriptor.digest].read_bytes()
        tar = gzip.decompress(data)
        assert layer.descriptor.digest == f"sha256:{hashlib.sha256(data).hexdigest()}"
        assert layer.descriptor.size == len(data)
        assert layer.diff_id == f"sha256:{hashlib.sha256(tar).hexdigest()}"
        assert layer.tar_bytes == len(tar)
        assert len(tar) % 512 == 0
    manifest = made.image.parsed
    assert manifest.config.digest == f"sha256:{hashlib.sha256(made.image.config).hexdigest()}"
    assert made.image.descriptor.size == len(made.image.manifest)


def test_a_layer_is_the_same_bytes_as_ever(base: tuple[BaseImage, Layout], tmp_path: Path) -> None:
    """On whatever machine, with whatever Python. It may change with libdeflate alone."""
    made, _ = made_of(tmp_path / "a", base[0], {"app.py": "x = 1\n" * 100, "größe": "ü"}, {})
    (layer,) = made.layers
    assert (
        layer.diff_id == "sha256:6d6e01b025728250ab84167a730cb6ccdd8728428286cb257b98416bbc8066da"
    )
    assert (
        layer.descriptor.digest
        == "sha256:b675c3cbfeb65b5e67b0876b2d742660166c16dbd088832b3e414d5813dbf2fe"
    )


def test_two_builds_in_two_folders_with_two_caches_are_equal(
    base: tuple[BaseImage, Layout], tmp_path: Path
) -> None:
    first, _ = made_of(tmp_path / "one", base[0])
    second, _ = made_of(tmp_path / "two and a longer name", base[0])
    assert first.image == second.image
    assert first.layers == second.layers


def test_a_second_build_takes_the_layers_that_are_there(
    base: tuple[BaseImage, Layout], tmp_path: Path
) -> None:
    first, kitchen = made_of(tmp_path / "a", base[0])
    before = {path: path.stat().st_mtime_ns for path in first.paths.values()}
    known = {wheel.sha256: wheel for wheel in kitchen.resolution.wheels}
    tree = kitchen.slim(RAW).tree
    second = make_image(tree, known, {}, base[0], Start("app.handler"), kitchen.cache)
    assert second.image == first.image
    assert {path: path.stat().st_mtime_ns for path in second.paths.values()} == before


def test_a_damaged_layer_of_the_cache_is_made_again(
    base: tuple[BaseImage, Layout], tmp_path: Path
) -> None:
    first, kitchen = made_of(tmp_path / "a", base[0])
    victim = next(iter(first.paths.values()))
    whole = victim.read_bytes()
    victim.write_bytes(whole[:-1])
    made_of(tmp_path / "a", base[0])
    assert victim.read_bytes() == whole
    assert isinstance(kitchen.cache, Cache)


def test_the_base_is_pinned_and_its_settings_are_kept(tmp_path: Path) -> None:
    maker = BaseMaker(tmp_path / "base", docker=True)
    image = maker.image(Labels={"theirs": "kept"}, User="nobody", Cmd=["old"])
    base, _ = base_of(maker.named(latest=image))
    made, _ = made_of(tmp_path / "a", base)
    manifest = made.image.parsed
    assert manifest.annotations == {BASE_DIGEST: image["digest"], BASE_NAME: "base:1"}
    assert manifest.media_type == OCI_MANIFEST
    assert manifest.config.media_type == OCI_CONFIG
    assert base.manifest.layers[0].media_type == DOCKER_LAYER
    assert {layer.media_type for layer in manifest.layers} == {OCI_LAYER}
    assert manifest.layers[0].digest == base.manifest.layers[0].digest
    config = config_of(made)
    assert config["config"] == {
        "Entrypoint": ENTRYPOINT,
        "Env": ["LAMBDA_TASK_ROOT=/var/task"],
        "Labels": {"theirs": "kept"},
        "User": "nobody",
        "Cmd": ["app.handler"],
        "WorkingDir": "/var/task",
    }
    assert "container" not in config
    assert (config["os"], config["architecture"]) == ("linux", "amd64")
    assert config["rootfs"]["diff_ids"] == [
        *base.config["rootfs"]["diff_ids"],
        *(layer.diff_id for layer in made.layers),
    ]


@pytest.mark.parametrize(
    ("history", "kept"),
    [
        (None, False),
        ([{"created_by": "one"}, {"created_by": "two", "empty_layer": True}], False),
        ([{"created_by": "one"}, {"empty_layer": True}, {"created_by": "two"}], True),
    ],
)
def test_the_history_accounts_for_each_layer(
    tmp_path: Path, history: list[dict[str, Any]] | None, kept: bool
) -> None:
    maker = BaseMaker(tmp_path / "base")
    image = maker.image([{"a": "1"}, {"b": "2"}], history=history)
    base, _ = base_of(maker.named(latest=image))
    made, _ = made_of(tmp_path / "a", base)
    steps = config_of(made)["history"]
    filled = [step for step in steps if not step.get("empty_layer")]
    assert len(filled) == len(made.image.parsed.layers)
    assert steps[-1]["created_by"] == "wideload: the function's own files"
    if kept:
        assert history is not None
        assert steps[: len(history)] == history


def test_more_layers_than_can_be_mounted_are_refused(tmp_path: Path) -> None:
    maker = BaseMaker(tmp_path / "base")
    image = maker.image([{"a": str(number)} for number in range(limits.IMAGE_LAYERS)])
    base, _ = base_of(maker.named(latest=image))
    with pytest.raises(WideloadError, match="130 layers"):
        made_of(tmp_path / "a", base)


def test_a_changed_source_stops_the_build(base: tuple[BaseImage, Layout], tmp_path: Path) -> None:
    kitchen = Kitchen(tmp_path / "a", WHEELS, OWN)
    known = {wheel.sha256: wheel for wheel in kitchen.resolution.wheels}
    tree = kitchen.slim(RAW).tree
    for text in ("changed then", "short", "another size altogether"):
        (tmp_path / "a" / "source" / "app.py").write_text(text)
        with pytest.raises(WideloadError, match="changed while it was being packed"):
            make_image(tree, known, kitchen.paths, base[0], Start("app.handler"), kitchen.cache)


def written(made: MadeImage, layout: Layout, folder: Path) -> Path:
    write_layout(folder, made.image, lambda one: blob_of(made, layout, one), "v1")
    return folder


def run(*command: str | Path) -> str:
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_skopeo_and_umoci_read_the_layout(base: tuple[BaseImage, Layout], tmp_path: Path) -> None:
    made, kitchen = made_of(tmp_path / "a", base[0])
    folder = written(made, base[1], tmp_path / "out")
    inspected = json.loads(run("skopeo", "inspect", f"oci:{folder}:v1"))
    assert inspected["Digest"] == made.image.descriptor.digest
    assert inspected["Layers"] == [one.digest for one in made.image.parsed.layers]
    copy = tmp_path / "copy"
    run("skopeo", "--insecure-policy", "copy", f"oci:{folder}:v1", f"oci:{copy}:v2")
    assert Layout(copy).find("v2").digest == made.image.descriptor.digest
    bundle = tmp_path / "bundle"
    run("umoci", "unpack", "--rootless", "--image", f"{folder}:v1", bundle)
    assert (bundle / "rootfs" / "lambda-entrypoint.sh").read_text() == "#!/bin/sh\n"
    root = bundle / "rootfs" / "var" / "task"
    for path, data in kitchen.contents(kitchen.slim(RAW).tree).items():
        assert (root / path).read_bytes() == data
    process = json.loads((bundle / "config.json").read_text())["process"]
    assert process["args"] == [*ENTRYPOINT, "app.handler"]
    assert process["cwd"] == "/var/task"


def test_skopeo_makes_of_it_what_docker_loads(
    base: tuple[BaseImage, Layout], tmp_path: Path
) -> None:
    made, _ = made_of(tmp_path / "a", base[0])
    folder = written(made, base[1], tmp_path / "out")
    archive = tmp_path / "archive.tar"
    to = f"docker-archive:{archive}:shop:v1"
    run("skopeo", "--insecure-policy", "copy", f"oci:{folder}:v1", to)
    with tarfile.open(archive) as tar:
        found = tar.extractfile("manifest.json")
        assert found is not None
        (image,) = json.load(found)
    assert len(image["Layers"]) == len(made.image.parsed.layers)


def test_a_layout_is_written_over_an_older_one(
    base: tuple[BaseImage, Layout], tmp_path: Path
) -> None:
    first, _ = made_of(tmp_path / "a", base[0])
    folder = written(first, base[1], tmp_path / "out")
    second, _ = made_of(tmp_path / "b", base[0], {"app.py": "import alpha  # changed\n"})
    written(second, base[1], folder)
    layout = Layout(folder)
    assert layout.find().digest == second.image.descriptor.digest
    manifest = second.image.parsed
    names = {path.name for path in (folder / "blobs" / "sha256").iterdir()}
    assert names == {
        one.sha256 for one in (*manifest.layers, manifest.config, second.image.descriptor)
    }
    for one in manifest.layers:
        layout.path(one)


def test_a_changed_line_changes_one_small_layer(
    base: tuple[BaseImage, Layout], tmp_path: Path
) -> None:
    own: dict[str, bytes | str] = {
        f"pkg{number % 7}/mod{number}.py": f"NAME_{number} = {number * number!r}\n" * 200
        for number in range(400)
    }
    own["model.bin"] = bytes(range(256)) * 8192
    first, _ = made_of(tmp_path / "a", base[0], own)
    changed = {**own, "pkg1/mod1.py": "NAME_1 = 2\n"}
    second, _ = made_of(tmp_path / "b", base[0], changed)
    before = {layer.descriptor.digest for layer in first.layers}
    new = [one.descriptor for one in second.layers if one.descriptor.digest not in before]
    assert len(new) == 1
    pushed = new[0].size + len(second.image.config) + len(second.image.manifest)
    assert pushed <= 50_000
    assert len(second.image.manifest) < limits.IMAGE_MANIFEST_ADVISED


def test_no_name_of_the_machine_is_in_it(base: tuple[BaseImage, Layout], tmp_path: Path) -> None:
    made, _ = made_of(tmp_path / "a", base[0])
    text = made.image.manifest + made.image.config
    for path in made.paths.values():
        text += gzip.decompress(path.read_bytes())
    assert str(tmp_path).encode() not in text


def test_the_layers_of_a_kind_follow_each_other_code_last(
    base: tuple[BaseImage, Layout], tmp_path: Path
) -> None:
    made, _ = made_of(tmp_path / "a", base[0], {**OWN, "model.bin": bytes(2 << 20)})
    assert [layer.what for layer in made.layers] == [
        "heavy 1.0",
        "other packages",
        "big files",
        "the function's own files",
    ]


def test_a_wheel_over_the_size_of_a_layer_is_cut(
    base: tuple[BaseImage, Layout], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wideload.build.image.layering.LAYER_BYTES", 1_000_000)
    made, kitchen = made_of(tmp_path / "a", base[0])
    assert [layer.what for layer in made.layers][:2] == ["heavy 1.0", "heavy 1.0"]
    assert len(files_of(made)) == len(kitchen.slim(RAW).tree)


def test_what_is_too_big_to_deflate_is_stored(
    base: tuple[BaseImage, Layout], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deflated, _ = made_of(tmp_path / "a", base[0])
    monkeypatch.setattr("wideload.build.image.gzipped.LARGEST_DEFLATED", 1000)
    stored, _ = made_of(tmp_path / "b", base[0])
    assert files_of(stored) == files_of(deflated)
    assert [one.diff_id for one in stored.layers] == [one.diff_id for one in deflated.layers]
    for layer in stored.layers:
        data = stored.paths[layer.descriptor.digest].read_bytes()
        assert len(gzip.decompress(data)) == layer.tar_bytes
        assert len(data) >= layer.tar_bytes
    bundle = tmp_path / "bundle"
    folder = written(stored, base[1], tmp_path / "out")
    run("umoci", "unpack", "--rootless", "--image", f"{folder}:v1", bundle)
    assert (bundle / "rootfs/var/task/heavy.so").read_bytes() == WHEELS["heavy"]["heavy.so"]


def test_the_documents_parse_as_what_they_are(
    base: tuple[BaseImage, Layout], tmp_path: Path
) -> None:
    made, _ = made_of(tmp_path / "a", base[0])
    manifest = json.loads(made.image.manifest)
    assert manifest["schemaVersion"] == 2
    assert list(manifest) == ["schemaVersion", "mediaType", "config", "layers", "annotations"]
    assert msgspec.json.decode(made.image.manifest)["config"]["size"] == len(made.image.config)
