"""Parts of the sandbox by themselves."""

from __future__ import annotations

import http.client
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from wideload.errors import WideloadError
from wideload.interpreters import find_interpreter
from wideload.sandbox import capabilities, lines
from wideload.sandbox.log import LogPipe
from wideload.sandbox.routes import Route, routes
from wideload.sandbox.runtime_api import (
    MAX_RESPONSE,
    Answered,
    Asked,
    InitFailed,
    RuntimeApi,
    TooLarge,
    Work,
)
from wideload.sandbox.supervised import visible_cpus
from wideload.values.target import Target

WORK = Work("id-1", b'{"a": 1}', 1234, "arn:x", "Root=1", client_context='{"c": 1}')
NEXT = "/2018-06-01/runtime/invocation/next"


@pytest.fixture
def api() -> Iterator[RuntimeApi]:
    running = RuntimeApi(socket.create_server(("127.0.0.1", 0)))
    yield running
    running.close()


@pytest.fixture
def client(api: RuntimeApi) -> Iterator[http.client.HTTPConnection]:
    host, port = api.socket.getsockname()
    connection = http.client.HTTPConnection(host, port, timeout=5)
    yield connection
    connection.close()


def call(
    client: http.client.HTTPConnection, method: str, path: str, body: bytes = b""
) -> tuple[int, dict[str, str], bytes]:
    client.request(method, path, body)
    answer = client.getresponse()
    return answer.status, dict(answer.headers), answer.read()


def events(api: RuntimeApi) -> list[object]:
    found: list[object] = []
    while got := api.session.wait(time.perf_counter() + 0.05):
        found.append(got[1])
    return found


def test_an_invocation_over_one_connection(
    api: RuntimeApi, client: http.client.HTTPConnection
) -> None:
    api.session.offer(WORK)
    status, headers, body = call(client, "GET", NEXT)
    assert (status, body) == (200, b'{"a": 1}')
    assert headers["Lambda-Runtime-Aws-Request-Id"] == "id-1"
    assert headers["Lambda-Runtime-Deadline-Ms"] == "1234"
    assert headers["Lambda-Runtime-Invoked-Function-Arn"] == "arn:x"
    assert headers["Lambda-Runtime-Trace-Id"] == "Root=1"
    assert headers["Lambda-Runtime-Client-Context"] == '{"c": 1}'
    path = "/2018-06-01/runtime/invocation/id-1/response"
    assert call(client, "POST", path, b"42")[0] == 202
    # An invocation is answered once.
    assert call(client, "POST", path, b"43")[0] == 400
    assert events(api) == [Asked(), Answered(b"42", failed=False)]


def test_an_error(api: RuntimeApi, client: http.client.HTTPConnection) -> None:
    api.session.offer(WORK)
    status, _, body = call(client, "POST", "/2018-06-01/runtime/invocation/other/error", b"{}")
    assert status == 400
    assert json.loads(body)["errorType"] == "InvalidRequestID"
    assert call(client, "POST", "/2018-06-01/runtime/invocation/id-1/error", b"{}")[0] == 202
    assert events(api) == [Answered(b"{}", failed=True)]


def test_an_init_error(api: RuntimeApi, client: http.client.HTTPConnection) -> None:
    assert call(client, "POST", "/2018-06-01/runtime/init/error", b"{}")[0] == 202
    assert events(api) == [InitFailed(b"{}", "Runtime.Unknown")]


def test_a_response_over_the_limit(api: RuntimeApi, client: http.client.HTTPConnection) -> None:
    api.session.offer(WORK)
    path = "/2018-06-01/runtime/invocation/id-1/response"
    status, _, body = call(client, "POST", path, bytes(MAX_RESPONSE + 1))
    assert status == 413
    assert json.loads(body) == {
        "errorMessage": "Exceeded maximum allowed payload size (6291556 bytes).",
        "errorType": "RequestEntityTooLarge",
    }
    assert events(api) == [TooLarge(MAX_RESPONSE + 1)]


def test_unknown_paths(client: http.client.HTTPConnection) -> None:
    assert call(client, "GET", "/2018-06-01/runtime/restore/last")[0] == 404
    assert call(client, "POST", "/nothing", b"x")[0] == 404


def test_a_new_session_takes_no_work_from_the_old(
    api: RuntimeApi, client: http.client.HTTPConnection
) -> None:
    client.request("GET", NEXT)
    got = api.session.wait(time.perf_counter() + 5)
    assert got is not None
    session = api.restart()
    session.offer(WORK)
    with pytest.raises(http.client.RemoteDisconnected):
        client.getresponse()
    assert session.next_work() == WORK


def test_routes() -> None:
    assert routes("http://127.0.0.1:4000", ("a.example", "db.example:5432")) == [
        Route(("127.0.0.1", 4000), ("127.0.0.1", 4000)),
        Route(("127.1.0.1", 80), ("a.example", 80), "a.example"),
        Route(("127.1.0.1", 443), ("a.example", 443), "a.example"),
        Route(("127.1.0.2", 5432), ("db.example", 5432), "db.example"),
    ]
    assert routes("", ()) == []


@pytest.mark.parametrize(
    "entry", ["10.0.0.1", "*.example.com", "", "a.example:http", "https://a.example", "::1"]
)
def test_networks_that_cannot_be_given(entry: str) -> None:
    with pytest.raises(WideloadError, match="the network cannot be opened"):
        routes("", (entry,))


def test_endpoints_that_cannot_be_reached() -> None:
    with pytest.raises(WideloadError, match="cannot be reached"):
        routes("http://example.com:80", ())


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "Runtime exited without providing a reason"),
        (1, "Runtime exited with error: exit status 1"),
        (137, "Runtime exited with error: signal: killed"),
        (139, "Runtime exited with error: signal: segmentation fault"),
        (134, "Runtime exited with error: signal: aborted"),
    ],
)
def test_exits_are_worded_as_lambda_does(code: int, words: str) -> None:
    assert lines.exit_message(code) == words


def test_billing_counts_init_and_rounds_up() -> None:
    assert lines.billed(1.2, None) == 2
    assert lines.billed(2.0, 81.5) == 84


@pytest.mark.parametrize(
    ("memory", "cpus"), [(128, 2), (3008, 2), (3009, 3), (5308, 4), (7077, 5), (10240, 6)]
)
def test_cpus_of_a_memory_size(memory: int, cpus: int) -> None:
    assert visible_cpus(memory) == cpus


def test_log_lines_of_one_error_are_lines() -> None:
    log = LogPipe()
    os.write(log.writer, b"a\rb\n[ERROR] X: y\rTraceback\r  File\nend\n")
    assert log.take() == "a\rb\n[ERROR] X: y\nTraceback\n  File\nend\n"
    os.write(log.writer, b"\xff")
    os.close(log.writer)
    assert log.take() == "\ufffd"
    log.close()


def test_interpreters_are_of_the_very_version(tmp_path: Path) -> None:
    interpreter = find_interpreter("3.13", tmp_path)
    assert interpreter.version == "3.13"
    assert Path(interpreter.stdlib).is_relative_to(interpreter.prefix)


def test_an_interpreter_that_is_not_to_be_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_PYTHON_DOWNLOADS", "never")
    with pytest.raises(WideloadError) as raised:
        find_interpreter("3.99", tmp_path)
    assert "no Python 3.99" in raised.value.what
    assert "uv python install 3.99" in raised.value.hint


def test_capabilities_tell_why() -> None:
    found = capabilities(Target.parse("python3.13", "x86_64"))
    assert all(each.why for each in found)
    assert "memory limit" in [each.guarantee for each in found]
