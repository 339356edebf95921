"""Bases by their names: asked for once, recorded, known again without anybody."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from image_maker import BaseMaker
from registry_server import RegistryServer, running
from wideload.build.image.lock import IMAGES_LOCK, PinnedBase, pin_base, pinned_base
from wideload.build.image.pinning import default_base, find_base
from wideload.cache import Cache
from wideload.errors import WideloadError
from wideload.registry.http import UnreachableError
from wideload.registry.mirrors import MIRRORS
from wideload.values.target import Target

if TYPE_CHECKING:
    from pathlib import Path

TARGET = Target.parse("python3.13", "x86_64")
BASE = "public.ecr.aws/lambda/python:3.13"


@pytest.mark.parametrize(
    ("runtime", "base"),
    [
        ("python3.13", BASE),
        ("python3.10", "public.ecr.aws/lambda/python:3.10"),
        ("nodejs22.x", "public.ecr.aws/lambda/nodejs:22"),
        ("provided.al2023", "public.ecr.aws/lambda/provided:al2023"),
    ],
)
def test_the_image_that_aws_publishes_for_a_runtime(runtime: str, base: str) -> None:
    assert default_base(Target.parse(runtime, "x86_64")) == base


def pushed(maker: BaseMaker, server: RegistryServer, **config: Any) -> str:
    image = maker.image([{"a": "x" * 5000}, {"b": "y" * 7000}], **config)
    folder = maker.named(latest=image)
    name = f"docker://{server.host}/lambda/python:3.13"
    subprocess.run(
        [
            *("skopeo", "--insecure-policy", "copy", "--dest-tls-verify=false"),
            *(f"oci:{folder}:latest", name),
        ],
        check=True,
        capture_output=True,
    )
    digest: str = image["digest"]
    return digest


def test_a_tag_is_what_it_was_until_asked_for_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, cache = tmp_path / IMAGES_LOCK, Cache(tmp_path / "cache")
    lines: list[str] = []
    maker = BaseMaker(tmp_path / "layout")
    with running(tmp_path / "registry") as server:
        monkeypatch.setenv(MIRRORS, f"public.ecr.aws={server.host}")
        first = pushed(maker, server)
        found = find_base(BASE, TARGET, lock, cache, tell=lines.append)
        assert found.base.digest == first
        assert (found.pinned.layers, found.pinned.digest) == (2, first)
        # Two tars, of a file, its header and the end, as they are padded.
        assert found.pinned.unzipped_bytes == 2 * 10240
        assert lines == [f"{BASE} is {first}, as {IMAGES_LOCK} says from now on; commit it"]
        second = pushed(maker, server, Labels={"moved": "yes"})
        assert second != first
        # By another machine too, that has read nothing of it before.
        elsewhere = Cache(tmp_path / "elsewhere")
        for known in (cache, elsewhere):
            assert find_base(BASE, TARGET, lock, known).base.digest == first
    # Nobody is there any more, and nobody is asked.
    assert find_base(BASE, TARGET, lock, cache).base == found.base
    with pytest.raises(UnreachableError):
        find_base(BASE, TARGET, lock, cache, upgrade=True, hasty=True)
    with running(tmp_path / "registry") as server:
        monkeypatch.setenv(MIRRORS, f"public.ecr.aws={server.host}")
        assert find_base(BASE, TARGET, lock, cache, upgrade=True).base.digest == second
        assert find_base(BASE, TARGET, lock, cache).base.digest == second


def pinned(reference: str, architecture: str = "x86_64", digest: str = "0") -> PinnedBase:
    return PinnedBase(reference, architecture, f"sha256:{digest * 64}", 3, 1000)


def test_the_record_holds_each_base_for_each_architecture_once(tmp_path: Path) -> None:
    lock = tmp_path / IMAGES_LOCK
    assert pinned_base(lock, "b", "x86_64") is None
    assert pin_base(lock, pinned("b"))
    assert pin_base(lock, pinned("a"))
    assert pin_base(lock, pinned("b", "arm64", "1"))
    assert not pin_base(lock, pinned("b"))
    assert pin_base(lock, pinned("b", digest="2"))
    assert pinned_base(lock, "b", "x86_64") == pinned("b", digest="2")
    assert pinned_base(lock, "b", "arm64") == pinned("b", "arm64", "1")
    assert lock.read_text().count("[[bases]]") == 3
    assert lock.read_text().index('"a"') < lock.read_text().index('"b"')


@pytest.mark.parametrize(
    "text", ["no toml [", "version = 2\n", "version = 1\n[[bases]]\nreference = 3\n"]
)
def test_a_record_that_cannot_be_read_is_told(tmp_path: Path, text: str) -> None:
    lock = tmp_path / IMAGES_LOCK
    lock.write_text(text)
    with pytest.raises(WideloadError, match=r"images\.lock\.toml cannot be read"):
        pinned_base(lock, "a", "x86_64")
