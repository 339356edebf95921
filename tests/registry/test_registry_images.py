"""Images pulled from and pushed to a real registry."""

from __future__ import annotations

import gzip
import hashlib
import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from image_maker import BaseMaker
from registry_server import PASSWORD, USER, RegistryServer, running
from slimming_maker import HERE, Kitchen
from wideload import limits
from wideload.build.image.assemble import Start
from wideload.build.image.base import read_base
from wideload.build.image.layering import layered
from wideload.build.image.making import MadeImage, make_image
from wideload.build.image.predicted import base_bytes, own_bytes
from wideload.cache import Cache
from wideload.errors import WideloadError
from wideload.registry.challenge import Credentials
from wideload.registry.http import RegistryHttp
from wideload.registry.push import Pushed, missing, push
from wideload.registry.repository import Repository
from wideload.registry.upload import CHUNK
from wideload.values.image import DOCKER_MANIFEST, OCI_LAYER, BaseImage, Descriptor
from wideload.values.slimmed import SlimOptions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

BASE_NAME = "lambda/python"
AWS = Credentials(USER, PASSWORD)
WHEELS: dict[str, dict[str, bytes | str]] = {
    "heavy": {"heavy.so": bytes(range(256)) * 5000},
    "light": {"light.py": "L = 1\n"},
}
OWN: dict[str, bytes | str] = {"app.py": "import light\n" * 2000}


@pytest.fixture(params=["", "basic", "token"])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RegistryServer]:
    with running(tmp_path / "registry", request.param) as server:
        yield server


@pytest.fixture
def open_registry(tmp_path: Path) -> Iterator[RegistryServer]:
    with running(tmp_path / "registry") as server:
        yield server


def repository(server: RegistryServer, name: str = "shop") -> Repository:
    return Repository(RegistryHttp(server.host, AWS), name)


def copied(source: Path, server: RegistryServer, name: str, *, docker: bool = False) -> None:
    """By another tool, so that not only what we pushed ourselves is pulled.

    :param docker: with Docker's media types.
    """
    subprocess.run(
        [
            *("skopeo", "--insecure-policy", "copy", "--dest-tls-verify=false"),
            *("--dest-creds", f"{USER}:{PASSWORD}"),
            *(() if docker else ("--all",)),
            *(("--format", "v2s2") if docker else ()),
            *(f"oci:{source}:latest", f"docker://{server.host}/{name}:3.13"),
        ],
        check=True,
        capture_output=True,
    )


def base_there(tmp_path: Path, server: RegistryServer, *, docker: bool = False) -> Path:
    maker = BaseMaker(tmp_path / "layout")
    image = maker.image([{"lambda-entrypoint.sh": "#!/bin/sh\n"}, {"big": "x" * 3_000_000}])
    folder = maker.named(latest=image)
    copied(folder, server, BASE_NAME, docker=docker)
    return folder


def pulled(server: RegistryServer, version: str = "3.13") -> tuple[BaseImage, Repository]:
    there = repository(server, BASE_NAME)
    name = f"{server.host}/{BASE_NAME}:{version}"
    return read_base(name, there.find(version), there, HERE), there


def made_of(root: Path, base: BaseImage, own: Mapping[str, bytes | str] = OWN) -> MadeImage:
    kitchen = Kitchen(root, WHEELS, own)
    known = {wheel.sha256: wheel for wheel in kitchen.resolution.wheels}
    tree = kitchen.slim(SlimOptions(rules="none", bytecode="none")).tree
    return make_image(tree, known, kitchen.paths, base, Start("app.handler"), kitchen.cache)


def pushed(made: MadeImage, to: Repository, base: Repository, cache: Cache, tag: str) -> Pushed:
    def blob(descriptor: Descriptor) -> Path:
        return made.own_blob(descriptor) or base.fetch(descriptor, cache)

    lower = {one.digest for one in made.base.manifest.layers}
    return push(to, made.image, tag, blob, lambda one: base.name if one.digest in lower else "")


def test_an_image_is_built_on_a_pulled_base_pushed_and_read_by_others(
    registry: RegistryServer, tmp_path: Path
) -> None:
    base_there(tmp_path, registry)
    base, from_ = pulled(registry)
    made = made_of(tmp_path / "a", base)
    to = repository(registry)
    told = pushed(made, to, from_, Cache(tmp_path / "cache"), "v1")
    assert told.mounted_layers == 2
    assert told.sent_layers == len(made.layers)
    assert told.digest == to.find("v1").digest == made.image.descriptor.digest
    creds = ("--creds", f"{USER}:{PASSWORD}")
    inspected = subprocess.run(
        ["skopeo", "inspect", "--tls-verify=false", *creds, f"docker://{registry.host}/shop:v1"],
        check=True,
        capture_output=True,
    )
    assert json.loads(inspected.stdout)["Digest"] == told.digest


def test_pushing_again_after_a_changed_line_sends_little(
    open_registry: RegistryServer, tmp_path: Path
) -> None:
    base_there(tmp_path, open_registry)
    base, from_ = pulled(open_registry)
    cache = Cache(tmp_path / "cache")
    to = repository(open_registry)
    first = made_of(tmp_path / "a", base)
    pushed(first, to, from_, cache, "v1")
    again = pushed(first, to, from_, cache, "v1")
    assert (again.sent_layers, again.mounted_layers) == (0, 0)
    assert again.sent_bytes == len(first.image.manifest)
    second = made_of(tmp_path / "b", base, {"app.py": "import light  # changed\n" * 2000})
    told = pushed(second, to, from_, cache, "v2")
    assert told.sent_layers == 1
    assert told.sent_bytes <= 50_000
    assert to.find("v1").digest == first.image.descriptor.digest
    assert to.find("v2").digest == second.image.descriptor.digest


def test_the_same_base_by_tag_and_by_digest(open_registry: RegistryServer, tmp_path: Path) -> None:
    base_there(tmp_path, open_registry, docker=True)
    by_tag, _ = pulled(open_registry)
    assert by_tag.manifest.media_type == DOCKER_MANIFEST
    by_digest, from_ = pulled(open_registry, by_tag.digest)
    assert by_digest.digest == by_tag.digest
    assert by_digest.manifest == by_tag.manifest
    made = made_of(tmp_path / "a", by_tag)
    to = repository(open_registry)
    assert pushed(made, to, from_, Cache(tmp_path / "cache"), "v1").mounted_layers == 2
    assert {layer.media_type for layer in made.image.parsed.layers} == {OCI_LAYER}


def test_a_base_of_several_platforms(open_registry: RegistryServer, tmp_path: Path) -> None:
    maker = BaseMaker(tmp_path / "layout")
    intel = maker.image()
    index = maker.index(("linux/amd64", intel), ("linux/arm64", maker.image(architecture="arm64")))
    copied(maker.named(latest=index), open_registry, BASE_NAME)
    base, _ = pulled(open_registry)
    assert base.digest == intel["digest"]


def test_the_base_is_not_fetched_where_it_can_be_mounted(
    open_registry: RegistryServer, tmp_path: Path
) -> None:
    base_there(tmp_path, open_registry)
    base, _ = pulled(open_registry)
    to = repository(open_registry)
    made = made_of(tmp_path / "a", base)
    lower = base.manifest.layers
    for layer in lower:
        assert to.add(layer, tmp_path / "nowhere", BASE_NAME) == 0
    assert {one.digest for one in missing(to, made.image)} == {
        layer.descriptor.digest for layer in made.layers
    }


def test_what_cannot_be_mounted_is_sent(open_registry: RegistryServer, tmp_path: Path) -> None:
    path = tmp_path / "blob"
    path.write_bytes(b"content")
    descriptor = descriptor_of(path.read_bytes())
    to = repository(open_registry)
    assert to.add(descriptor, path, "never/seen") == 7
    assert to.has(descriptor)


def descriptor_of(data: bytes) -> Descriptor:
    return Descriptor(OCI_LAYER, f"sha256:{hashlib.sha256(data).hexdigest()}", len(data))


@pytest.mark.parametrize("size", [0, 1, CHUNK, CHUNK + 1, 2 * CHUNK + 5])
def test_blobs_of_any_size_go_there_and_back(
    open_registry: RegistryServer, tmp_path: Path, size: int
) -> None:
    data = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    path = tmp_path / "blob"
    path.write_bytes(data)
    descriptor = descriptor_of(data)
    to = repository(open_registry)
    assert not to.has(descriptor)
    assert to.add(descriptor, path) == size
    assert to.has(descriptor)
    if size:
        kept = to.fetch(descriptor, Cache(tmp_path / "cache"))
        assert kept.read_bytes() == data
        assert to.tail(descriptor, 4) == data[-4:]


def test_a_blob_that_is_another_is_not_taken(open_registry: RegistryServer, tmp_path: Path) -> None:
    path = tmp_path / "blob"
    path.write_bytes(b"content")
    to = repository(open_registry)
    with pytest.raises(WideloadError, match="refused PUT") as caught:
        to.add(descriptor_of(b"another"), path)
    assert "DIGEST_INVALID" in caught.value.why
    assert not to.has(descriptor_of(b"another"))


def test_a_damaged_blob_is_not_kept(open_registry: RegistryServer, tmp_path: Path) -> None:
    base_there(tmp_path, open_registry)
    base, from_ = pulled(open_registry)
    layer = base.manifest.layers[1]
    place = open_registry.blob(layer.digest)
    for damaged in (bytes(layer.size), place.read_bytes()[:-1], place.read_bytes() + b"1"):
        place.write_bytes(damaged)
        cache = Cache(tmp_path / "cache")
        with pytest.raises(WideloadError, match="is damaged"):
            from_.fetch(layer, cache)
        assert cache.verified("image-blobs", layer.sha256) is None


def test_a_damaged_manifest_is_not_believed(open_registry: RegistryServer, tmp_path: Path) -> None:
    base_there(tmp_path, open_registry)
    base, _ = pulled(open_registry)
    place = open_registry.blob(base.digest)
    place.write_bytes(place.read_bytes().replace(b'"schemaVersion"', b' "schemaVersion"'))
    with pytest.raises(WideloadError):
        pulled(open_registry, base.digest)


def test_an_image_that_is_not_there(registry: RegistryServer) -> None:
    with pytest.raises(WideloadError, match="refused GET /v2/lambda/python/manifests/9") as caught:
        repository(registry, BASE_NAME).find("9")
    assert caught.value.why.startswith("HTTP 404 MANIFEST_UNKNOWN")


@pytest.mark.parametrize("login", ["basic", "token"])
@pytest.mark.parametrize("credentials", [None, Credentials(USER, "wrong")])
def test_without_the_right_password_nothing_is_told(
    tmp_path: Path, login: str, credentials: Credentials | None
) -> None:
    with running(tmp_path / "registry", login) as server:
        there = Repository(RegistryHttp(server.host, credentials), BASE_NAME)
        with pytest.raises(WideloadError, match="refused the login") as caught:
            there.find("3.13")
        assert "wrong" not in str(caught.value)


def test_a_token_is_asked_for_once_a_scope(tmp_path: Path) -> None:
    with running(tmp_path / "registry", "token") as server:
        base_there(tmp_path, server)
        assert server.tokens is not None
        server.tokens.asked.clear()
        base, from_ = pulled(server)
        assert server.tokens.asked == [[f"repository:{BASE_NAME}:pull"]]
        made = made_of(tmp_path / "a", base)
        server.tokens.asked.clear()
        pushed(made, repository(server), from_, Cache(tmp_path / "cache"), "v1")
        assert any(f"repository:{BASE_NAME}:pull" in asked for asked in server.tokens.asked)
        assert len(server.tokens.asked) < 12


def test_nobody_at_all(tmp_path: Path) -> None:
    http = RegistryHttp("127.0.0.1:9")
    with pytest.raises(WideloadError, match="could not be reached"):
        Repository(http, "shop").find("1")


def test_the_size_is_predicted_before_a_byte_is_sent(
    open_registry: RegistryServer, tmp_path: Path
) -> None:
    base_there(tmp_path, open_registry)
    base, from_ = pulled(open_registry)
    made = made_of(tmp_path / "a", base)
    of_base = base_bytes(base, from_.tail)
    assert of_base == sum(
        len(gzip.decompress(from_.fetch(one, Cache(tmp_path / "c")).read_bytes()))
        for one in base.manifest.layers
    )
    kitchen = Kitchen(tmp_path / "a", WHEELS, OWN)
    known = {wheel.sha256: wheel for wheel in kitchen.resolution.wheels}
    tree = kitchen.slim(SlimOptions(rules="none", bytecode="none")).tree
    plans = layered(tree, known)
    assert own_bytes(plans) == sum(layer.tar_bytes for layer in made.layers)
    assert len(base.manifest.layers) + len(plans) == len(made.image.parsed.layers)
    assert limits.check_image(of_base) is None
    assert limits.check_image(limits.IMAGE_SIZE + 1) is not None


def test_a_manifest_whose_layers_are_missing_is_refused(
    open_registry: RegistryServer, tmp_path: Path
) -> None:
    base_there(tmp_path, open_registry)
    base, _ = pulled(open_registry)
    made = made_of(tmp_path / "a", base)
    with pytest.raises(WideloadError, match="MANIFEST_BLOB_UNKNOWN"):
        repository(open_registry).put_manifest(made.image, "v1")
