"""Names of images, and what a registry's challenge asks for."""

from __future__ import annotations

import pytest

from wideload.errors import WideloadError
from wideload.registry.challenge import Basic, Bearer, Credentials, parse_challenge
from wideload.registry.reference import Reference

DIGEST = f"sha256:{'0' * 64}"


@pytest.mark.parametrize(
    ("text", "host", "repository", "version"),
    [
        ("public.ecr.aws/lambda/python:3.13", "public.ecr.aws", "lambda/python", "3.13"),
        (f"public.ecr.aws/a/b:1@{DIGEST}", "public.ecr.aws", "a/b", DIGEST),
        (f"localhost/a@{DIGEST}", "localhost", "a", DIGEST),
        ("127.0.0.1:5000/a", "127.0.0.1:5000", "a", "latest"),
        ("[::1]:5000/a:x", "[::1]:5000", "a", "x"),
        ("python", "registry-1.docker.io", "library/python", "latest"),
        ("docker.io/library/python:3", "registry-1.docker.io", "library/python", "3"),
        ("some/image:3", "registry-1.docker.io", "some/image", "3"),
    ],
)
def test_names_are_read_as_docker_reads_them(
    text: str, host: str, repository: str, version: str
) -> None:
    found = Reference.parse(text)
    assert (found.host, found.repository, found.version) == (host, repository, version)
    assert Reference.parse(str(found)) == found


@pytest.mark.parametrize(
    "text",
    [
        *("", "Upper/case", "host.example/", "host.example/a:", "host.example/a@sha256:12"),
        *("host.example/../a", "host.example/a?b=c", "user@host.example/a", "host.example/a b"),
        *("https://host.example/a", "host.example//a", "a" * 300, f"host.example/a:{'t' * 129}"),
    ],
)
def test_what_names_no_image_is_refused(text: str) -> None:
    with pytest.raises(WideloadError, match="names no image"):
        Reference.parse(text)


def test_a_challenge_for_a_token() -> None:
    header = 'Bearer realm="https://auth.example/t?a=b",service="r",scope="repository:a:pull,push"'
    found = parse_challenge("host.example", header)
    assert found == Bearer("https://auth.example/t?a=b", "r", "repository:a:pull,push")
    assert found.url == ("https://auth.example/t?a=b&service=r&scope=repository%3Aa%3Apull%2Cpush")


def test_scopes_of_two_repositories_are_asked_for_apart() -> None:
    header = 'Bearer realm="https://auth.example/t",scope="repository:a:push repository:b:pull"'
    found = parse_challenge("host.example", header)
    assert isinstance(found, Bearer)
    assert found.url.count("scope=") == 2


def test_the_challenge_of_ecr() -> None:
    header = (
        'Basic realm="https://123.dkr.ecr.eu-west-1.amazonaws.com/",service="ecr.amazonaws.com"'
    )
    assert parse_challenge("host.example", header) == Basic()


@pytest.mark.parametrize(
    "header",
    ["", "Negotiate", 'Bearer realm="http://auth.example/t"', 'Bearer service="r"', "Bearer x"],
)
def test_a_challenge_that_is_not_known_or_not_safe_is_refused(header: str) -> None:
    with pytest.raises(WideloadError, match="asks for a login that is not known"):
        parse_challenge("host.example", header)


def test_a_password_is_never_shown() -> None:
    assert "secret" not in repr(Credentials("AWS", "secret"))
