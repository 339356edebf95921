"""Functions that are not in Python, from the API to their answer."""

from __future__ import annotations

import base64
import functools
import io
import json
import zipfile
from typing import TYPE_CHECKING

import pytest
from lambda_world import World, refusal

from wideload.cache import default_root
from wideload.sandbox import LinuxSandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytest_plugins = ["lambda_fixture"]
pytestmark = [pytest.mark.sandbox, pytest.mark.network]

BOOTSTRAP = """#!/bin/bash
ask() {
    exec 3<>"/dev/tcp/${AWS_LAMBDA_RUNTIME_API/://}"
    printf '%s /2018-06-01/runtime/%s HTTP/1.0\\r\\nContent-Length: %s\\r\\n\\r\\n%s' \\
        "$1" "$2" "${#3}" "$3" >&3
    cat <&3
}
while :; do
    reply="$(ask GET invocation/next '')"
    id="$(sed -n 's/^Lambda-Runtime-Aws-Request-Id: //p' <<< "$reply" | tr -d '\\r')"
    ask POST "invocation/$id/response" "[\\"$_HANDLER\\", $(tail -n 1 <<< "$reply")]" > /dev/null
done
"""


@pytest.fixture
def real(tmp_path: Path) -> Iterator[World]:
    """With the sandbox of this machine."""
    world = World(tmp_path)
    world.sandbox = LinuxSandbox(default_root())  # type: ignore[assignment]
    world.start()
    yield world
    world.stop()


def zipped(files: dict[str, tuple[str, int]]) -> bytes:
    """A zip of these files with their modes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, (text, mode) in files.items():
            member = zipfile.ZipInfo(name)
            member.external_attr = mode << 16
            archive.writestr(member, text)
    return buffer.getvalue()


@pytest.mark.parametrize("runtime", ["nodejs20.x", "nodejs22.x", "nodejs24.x"])
def test_a_function_in_node(real: World, runtime: str) -> None:
    layer = real.layer("seven", {"nodejs/node_modules/seven/index.js": "module.exports = 7;"})
    source = """
        import seven from "seven";
        export const go = async (event, context) => {
            if (event.fail) throw new RangeError("too far");
            return [event, seven, context.functionName, process.env.STAGE];
        };
    """
    real.create(
        Runtime=runtime,
        Handler="src/main.go",
        Code={"ZipFile": zipped({"src/main.mjs": (source, 0o644)})},
        Layers=[layer],
        Environment={"Variables": {"STAGE": "b"}},
        MemorySize=256,
        Timeout=10,
    )
    client = real.client()
    answer = client.invoke(FunctionName="hello", Payload=b'{"n": 1}', LogType="Tail")
    assert json.load(answer["Payload"]) == [{"n": 1}, 7, "hello", "b"]
    assert b"Init Duration" in base64.b64decode(answer["LogResult"])
    failed = client.invoke(FunctionName="hello", Payload=b'{"fail": true}')
    assert failed["FunctionError"] == "Unhandled"
    assert json.load(failed["Payload"])["errorType"] == "RangeError"


@pytest.mark.parametrize("runtime", ["provided.al2", "provided.al2023"])
def test_a_function_that_brings_its_runtime(real: World, runtime: str) -> None:
    code = zipped({"bootstrap": (BOOTSTRAP, 0o755)})
    real.create(Runtime=runtime, Handler="what-ever", Code={"ZipFile": code}, Timeout=10)
    client = real.client()
    for number in range(2):
        answer = client.invoke(FunctionName="hello", Payload=str(number).encode())
        assert json.load(answer["Payload"]) == ["what-ever", number]
    code = zipped({"bootstrap": (BOOTSTRAP, 0o644)})
    client.update_function_code(FunctionName="hello", ZipFile=code)
    failed = client.invoke(FunctionName="hello")
    assert failed["FunctionError"] == "Unhandled"
    document = json.load(failed["Payload"])
    assert document["errorType"] == "Runtime.InvalidEntrypoint"
    assert document["errorMessage"].endswith("/var/task/bootstrap: permission denied")


@pytest.mark.parametrize("runtime", ["nodejs22.x", "provided.al2023"])
def test_handlers_are_held_to_the_same_rules(world: World, runtime: str) -> None:
    _, message, status = refusal(lambda: world.create(Runtime=runtime, Handler="with space"))
    assert status == 400
    assert "at 'handler' failed to satisfy constraint" in message
    long = refusal(lambda: world.create(Runtime=runtime, Handler="x" * 129))
    assert "length less than or equal to 128" in long[1]
    for name in ("nodejs18", "nodejs14.x"):
        assert refusal(functools.partial(world.create, Runtime=name))[2] == 400
