"""Where images are asked for, and with which login."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest

from wideload.errors import WideloadError
from wideload.registry.challenge import Credentials
from wideload.registry.mirrors import MIRRORS, login_of, mirrored
from wideload.registry.reference import Reference

if TYPE_CHECKING:
    from pathlib import Path

BASE = "public.ecr.aws/lambda/python:3.13"


@pytest.mark.parametrize(
    ("told", "asked", "there"),
    [
        ("", BASE, BASE),
        ("public.ecr.aws=example.com", BASE, "example.com/lambda/python:3.13"),
        (
            "public.ecr.aws=example.com:5000/aws/x",
            BASE,
            "example.com:5000/aws/x/lambda/python:3.13",
        ),
        ("ecr.aws=example.com", BASE, BASE),
        ("a.b=c.d, public.ecr.aws=example.com/", BASE, "example.com/lambda/python:3.13"),
        ("docker.io=example.com", "python:3.13-slim", "example.com/library/python:3.13-slim"),
    ],
)
def test_an_image_is_asked_of_its_mirror(told: str, asked: str, there: str) -> None:
    found = mirrored(Reference.parse(asked), {MIRRORS: told})
    assert found == Reference.parse(there)


def test_a_digest_stays_what_it_is() -> None:
    asked = Reference.parse(f"public.ecr.aws/lambda/python@sha256:{'0' * 64}")
    found = mirrored(asked, {MIRRORS: "public.ecr.aws=example.com"})
    assert found.version == asked.digest


@pytest.mark.parametrize("told", ["example.com", "=example.com", "public.ecr.aws="])
def test_what_is_no_pair_is_told(told: str) -> None:
    with pytest.raises(WideloadError, match=f"{MIRRORS} cannot be read"):
        mirrored(Reference.parse(BASE), {MIRRORS: told})


def write(path: Path, **logins: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    auths = {
        host: {"auth": base64.b64encode(pair.encode()).decode()} for host, pair in logins.items()
    }
    path.write_text(json.dumps({"auths": auths, "credsStore": "desktop"}))


def test_logins_of_container_tools_are_found(tmp_path: Path) -> None:
    write(tmp_path / ".docker" / "config.json", **{"example.com": "me:secret:1"})
    home = {"HOME": str(tmp_path)}
    assert login_of("example.com", home) == Credentials("me", "secret:1")
    assert login_of("other.example.com", home) is None
    assert login_of("example.com", {}) is None
    write(tmp_path / "other" / "config.json", **{"https://example.com": "you:x"})
    elsewhere = {**home, "DOCKER_CONFIG": str(tmp_path / "other")}
    assert login_of("example.com", elsewhere) == Credentials("you", "x")
    write(tmp_path / "auth.json", **{"example.com": "they:y"})
    named = {**elsewhere, "REGISTRY_AUTH_FILE": str(tmp_path / "auth.json")}
    assert login_of("example.com", named) == Credentials("they", "y")


def test_the_login_of_docker_hub_goes_to_where_it_is_asked(tmp_path: Path) -> None:
    write(tmp_path / ".docker" / "config.json", **{"https://index.docker.io/v1/": "me:hub"})
    host = Reference.parse("python:3.13").host
    assert login_of(host, {"HOME": str(tmp_path)}) == Credentials("me", "hub")


@pytest.mark.parametrize("content", ["", "no json", '{"auths": {"example.com": {"auth": "?"}}}'])
def test_what_cannot_be_read_is_no_login(tmp_path: Path, content: str) -> None:
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker" / "config.json").write_text(content)
    assert login_of("example.com", {"HOME": str(tmp_path)}) is None
