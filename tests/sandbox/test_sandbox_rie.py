"""Side by side with AWS's own Runtime Interface Emulator, on the same function."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import uv

from wideload.interpreters import find_interpreter
from wideload.values.invocation import Outcome

if TYPE_CHECKING:
    from sandbox_fixtures import Starter

    from wideload.sandbox import LinuxSandbox

pytest_plugins = ("sandbox_fixtures",)
pytestmark = [pytest.mark.sandbox, pytest.mark.heavy, pytest.mark.network]

SOURCE = """
import os, sys, time
def handler(event, context):
    if event == "raise":
        raise KeyError("no such thing")
    if event == "sleep":
        time.sleep(30)
    if event == "exit":
        sys.exit(1)
    if event == "large":
        return "x" * (7 << 20)
    if event == "set":
        return {1}
    return {"event": event, "client": context.client_context is None,
            "function": context.function_name, "version": context.function_version}
"""


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The emulator's binary, as aws-sam-cli carries it."""
    folder = tmp_path_factory.mktemp("sam")
    subprocess.run(
        [uv.find_uv_bin(), "pip", "install", "-q", "--no-deps", "--target", folder, "aws-sam-cli"],
        check=True,
    )
    machine = os.uname().machine.replace("aarch64", "arm64")
    binary = folder / "samcli" / "local" / "rapid" / f"aws-lambda-rie-{machine}"
    binary.chmod(0o755)
    return binary


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


class Emulated:
    """A function under the emulator."""

    def __init__(self, binary: Path, task: Path, handler: str, packages: Path, python: str) -> None:
        self._port = free_port()
        self._process = subprocess.Popen(
            [
                *(str(binary), "--runtime-interface-emulator-address", f"127.0.0.1:{self._port}"),
                *("--runtime-api-address", f"127.0.0.1:{free_port()}"),
                *(python, "-m", "awslambdaric", handler),
            ],
            cwd=task,
            env={
                "PATH": "/usr/bin:/bin",
                "PYTHONPATH": str(packages),
                "AWS_LAMBDA_FUNCTION_NAME": "probe",
                "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
                "AWS_LAMBDA_FUNCTION_TIMEOUT": "1",
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def invoke(self, event: bytes) -> tuple[int, bytes]:
        """Status and body."""
        url = f"http://127.0.0.1:{self._port}/2015-03-31/functions/function/invocations"
        deadline = time.monotonic() + 5
        while True:
            try:
                with urllib.request.urlopen(url, data=event, timeout=20) as answer:
                    return answer.status, answer.read()
            except urllib.error.HTTPError as error:
                return error.code, error.read()
            except urllib.error.URLError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


@pytest.fixture
def emulated(emulator: Path, sandbox: LinuxSandbox, tmp_path: Path, cache: Path) -> Iterator[Any]:
    started: list[Emulated] = []

    def begin(handler: str) -> Emulated:
        interpreter = find_interpreter("3.13", cache)
        packages = next((cache / "sandbox").glob("runtime-3.13-*/awslambdaric")).parent
        started.append(
            Emulated(emulator, tmp_path / "task", handler, packages, interpreter.executable)
        )
        return started[-1]

    yield begin
    for each in started:
        each.close()


def shape(payload: bytes, request_id: str, task: Path) -> Any:
    """The answer without what differs from one invocation or folder to the next."""
    document = json.loads(payload.replace(f"{task}/".encode(), b"/var/task/"))
    if isinstance(document, dict):
        for key in ("requestId", "errorMessage"):
            if document.get(key):
                words = [w if w.count("-") != 4 else "ID" for w in document[key].split(" ")]
                document[key] = " ".join(words)
    return document


@pytest.mark.parametrize(
    ("event", "status"),
    [("hello", 200), ("raise", 200), ("set", 200), ("exit", 502), ("large", 502)],
)
def test_answers_are_the_emulators(
    start: Starter, emulated: Any, tmp_path: Path, event: str, status: int
) -> None:
    identifier = "8d9d6f5e-0000-4000-8000-000000000001"
    ours = start(SOURCE, timeout=10).invoke(json.dumps(event).encode(), identifier)
    got, theirs = emulated("app.handler").invoke(json.dumps(event).encode())
    assert got == status
    task = tmp_path / "task"
    assert shape(ours.payload, identifier, task) == shape(theirs, identifier, task)


@pytest.mark.parametrize("source", ["import absent", "def (", "x = 1", "1 / 0"])
def test_init_errors_are_the_emulators(
    start: Starter, emulated: Any, tmp_path: Path, source: str
) -> None:
    ours = start(source).invoke(b"{}", "id-1")
    status, theirs = emulated("app.handler").invoke(b"{}")
    assert status == 502
    assert ours.outcome is Outcome.CRASHED
    task = tmp_path / "task"
    mine, other = shape(ours.payload, "", task), shape(theirs, "", task)
    assert set(mine) == set(other)
    assert mine["errorType"] == other["errorType"]
    assert mine["errorMessage"] == other["errorMessage"]


def test_a_timeout_says_what_the_emulator_says(start: Starter, emulated: Any) -> None:
    ours = start(SOURCE, timeout=1).invoke(b'"sleep"', "id-1")
    _, theirs = emulated("app.handler").invoke(b'"sleep"')
    # The emulator answers the bare sentence; Lambda itself has it in an error document.
    assert theirs == b"Task timed out after 1.00 seconds"
    assert theirs.decode() in json.loads(ours.payload)["errorMessage"]
