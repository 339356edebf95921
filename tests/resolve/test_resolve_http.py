"""The client of package indexes: credentials, retries, redirects, and what refusals say."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from local_index import LocalIndex
from wheel_maker import wheel
from wideload.errors import WideloadError
from wideload.resolve.credentials import Credentials, without_credentials
from wideload.resolve.http import Http

MADE = wheel()
ALICE = ("alice", "s3cret")
ODD = ("a@b", "p@ss/w%rd:1")


def fetch(http: Http, index: LocalIndex) -> bytes:
    return b"".join(http.read(http.get(index.file_url(MADE))))


def gathered(*files: Path) -> Http:
    return Http(Credentials.gather(files, os.environ))


def private(index: LocalIndex, credentials: tuple[str, str] = ALICE) -> None:
    index.add(MADE)
    index.manners.credentials = credentials


def test_bytes_are_counted_as_they_were_sent(index: LocalIndex, http: Http) -> None:
    index.add(MADE)
    assert fetch(http, index) == MADE.data
    assert http.received == len(MADE.data) == index.sent_of(MADE)


def test_a_server_that_fails_twice_is_asked_again(index: LocalIndex, http: Http) -> None:
    index.add(MADE)
    index.manners.failures = 2
    assert fetch(http, index) == MADE.data
    assert [one.status for one in index.asked_of(MADE)] == [500, 500, 200]


def test_redirects_are_followed(index: LocalIndex, http: Http) -> None:
    index.add(MADE)
    index.manners.moved = True
    assert fetch(http, index) == MADE.data
    assert [one.status for one in index.asked_of(MADE)] == [302, 200]


def test_a_file_that_is_gone(index: LocalIndex, http: Http) -> None:
    with pytest.raises(WideloadError) as caught:
        fetch(http, index)
    assert caught.value.what == f"the package index refused {index.file_url(MADE)}"
    assert caught.value.why == "HTTP 404 Not Found"
    assert "--upgrade" in caught.value.hint


def test_a_closed_port(clean_environment: pytest.MonkeyPatch, http: Http) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held.getsockname()[1]}/x.whl"
        with pytest.raises(WideloadError) as caught:
            http.get(url)
    assert caught.value.what == f"the package index could not be reached: {url}"
    assert "refused" in caught.value.why
    assert "network" in caught.value.hint


def test_a_refused_request_leaves_the_connection_usable(index: LocalIndex, http: Http) -> None:
    index.add(MADE)
    with pytest.raises(WideloadError):
        http.get(index.file_url(MADE) + "x")
    assert fetch(http, index) == MADE.data
    assert [one.status for one in index.asked] == [404, 200]


@pytest.mark.parametrize("credentials", [ALICE, ODD])
def test_credentials_of_a_named_index_come_from_the_environment(
    index: LocalIndex, clean_environment: pytest.MonkeyPatch, credentials: tuple[str, str]
) -> None:
    private(index, credentials)
    clean_environment.setenv("UV_INDEX", f"my-own.index={index.url}")
    clean_environment.setenv("UV_INDEX_MY_OWN_INDEX_USERNAME", credentials[0])
    clean_environment.setenv("UV_INDEX_MY_OWN_INDEX_PASSWORD", credentials[1])
    assert fetch(gathered(), index) == MADE.data


@pytest.mark.parametrize("variable", ["UV_INDEX", "UV_DEFAULT_INDEX", "UV_EXTRA_INDEX_URL"])
def test_credentials_in_the_url_of_a_variable(
    index: LocalIndex, clean_environment: pytest.MonkeyPatch, variable: str
) -> None:
    private(index)
    clean_environment.setenv(variable, index.url_with(*ALICE))
    assert fetch(gathered(), index) == MADE.data


@pytest.mark.parametrize("option", ["-i ", "--index-url ", "--index-url=", "--extra-index-url "])
def test_credentials_in_the_url_of_a_requirements_file(
    index: LocalIndex, tmp_path: Path, option: str
) -> None:
    private(index)
    file = tmp_path / "requirements.txt"
    file.write_text(f"demo\n{option}{index.url_with(*ALICE)}\n")
    assert fetch(gathered(file), index) == MADE.data


def test_variables_in_the_url_of_a_requirements_file(
    index: LocalIndex, tmp_path: Path, clean_environment: pytest.MonkeyPatch
) -> None:
    private(index)
    clean_environment.setenv("INDEX_TOKEN", ALICE[1])
    file = tmp_path / "requirements.txt"
    file.write_text(f"--index-url {index.url_with(ALICE[0], '${INDEX_TOKEN}')}\n")
    assert fetch(gathered(file), index) == MADE.data


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pyproject.toml", '[[tool.uv.index]]\nname = "own"\nurl = "{}"\n'),
        ("uv.toml", '[[index]]\nname = "own"\nurl = "{}"\n'),
    ],
)
def test_credentials_of_an_index_in_uvs_configuration(
    index: LocalIndex,
    tmp_path: Path,
    clean_environment: pytest.MonkeyPatch,
    name: str,
    text: str,
) -> None:
    private(index)
    clean_environment.setenv("UV_INDEX_OWN_USERNAME", ALICE[0])
    clean_environment.setenv("UV_INDEX_OWN_PASSWORD", ALICE[1])
    (tmp_path / name).write_text(text.format(index.url))
    assert fetch(gathered(tmp_path / name), index) == MADE.data


def test_credentials_of_netrc(index: LocalIndex, clean_environment: pytest.MonkeyPatch) -> None:
    private(index)
    Path(os.environ["NETRC"]).write_text(f"machine 127.0.0.1 login {ALICE[0]} password {ALICE[1]}")
    assert fetch(gathered(), index) == MADE.data


@pytest.mark.parametrize("login", ["", "alice:wrong@"])
def test_missing_or_wrong_credentials(
    index: LocalIndex, clean_environment: pytest.MonkeyPatch, login: str
) -> None:
    private(index)
    clean_environment.setenv("UV_DEFAULT_INDEX", index.url.replace("://", f"://{login}"))
    with pytest.raises(WideloadError) as caught:
        fetch(gathered(), index)
    assert caught.value.why == "HTTP 401 Unauthorized"
    assert "UV_INDEX_*_USERNAME" in caught.value.hint
    assert "wrong" not in str(caught.value)


def test_credentials_go_to_their_own_host_and_port_only(index: LocalIndex) -> None:
    credentials = Credentials([index.url_with(*ALICE)])
    assert credentials.headers(index.url)
    assert not credentials.headers("http://127.0.0.1:1/simple/")
    assert not credentials.headers("https://files.example/simple/")


def test_an_address_that_is_none_is_left_to_uv() -> None:
    assert not Credentials(["http://user:pass@host:port/x", "http://[/"]).headers("http://host/x")


def test_credentials_are_taken_out_of_a_url() -> None:
    assert without_credentials("https://a:b@host:8/x?y@z") == "https://host:8/x?y@z"
    assert without_credentials("https://host/x@y") == "https://host/x@y"
