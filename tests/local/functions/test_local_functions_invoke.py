from __future__ import annotations

import base64
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from lambda_world import ACCOUNT, ROLE, World, eventually, refusal

from wideload import limits
from wideload.values.environment import EnvironmentSpec

pytest_plugins = ["lambda_fixture"]


class Gate:
    """A handler that holds its calls until it is opened."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.inside = 0

    def __call__(self, event: Any, _spec: EnvironmentSpec) -> Any:
        self.inside += 1
        assert self.open.wait(10)
        return event


def test_an_invocation_answers_payload_version_and_log(world: World) -> None:
    client = world.client()
    world.create(Environment={"Variables": {"STAGE": "b"}}, MemorySize=256, Timeout=7)
    answer = client.invoke(FunctionName="hello", Payload=b'{"n": 1}', LogType="Tail")
    assert json.load(answer["Payload"]) == {"event": {"n": 1}, "version": "$LATEST"}
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    assert answer.get("FunctionError") is None
    tail = base64.b64decode(answer["LogResult"])
    request_id = answer["ResponseMetadata"]["RequestId"]
    assert len(tail) == 4096
    assert tail.endswith(f"END RequestId: {request_id}\n".encode())
    [(group, stream, text)] = world.logs.written
    assert group == "/aws/lambda/hello"
    assert "/[$LATEST]" in stream
    assert text.startswith(f"START RequestId: {request_id}\n")
    spec = world.sandbox.started[0].spec
    assert (spec.memory, spec.timeout, spec.environment) == (256, 7, {"STAGE": "b"})
    assert spec.credentials["AWS_SECRET_ACCESS_KEY"] == ROLE
    assert (spec.account, spec.endpoint, spec.handler) == (ACCOUNT, world.url, "app.handler")
    with open(f"{spec.task}/app.py") as file:  # noqa: PTH123
        assert file.read() == "def handler(event, context): ..."


def test_no_payload_is_an_empty_object_and_no_log_unless_asked(world: World) -> None:
    world.create()
    answer = world.client().invoke(FunctionName="hello")
    assert json.load(answer["Payload"])["event"] == {}
    assert answer.get("LogResult") is None


def test_the_client_context_reaches_the_function_decoded(world: World) -> None:
    world.create()
    context = base64.b64encode(b'{"client": {"name": "phone"}}').decode()
    world.client().invoke(FunctionName="hello", ClientContext=context)
    assert world.sandbox.started[0].contexts == ['{"client": {"name": "phone"}}']


def test_the_function_is_told_the_qualifier_that_was_named(world: World) -> None:
    world.create()
    client = world.client()
    client.publish_version(FunctionName="hello")
    client.create_alias(FunctionName="hello", Name="live", FunctionVersion="1")
    for qualifier in ("live", "1"):
        client.invoke(FunctionName="hello", Qualifier=qualifier)
    client.invoke(FunctionName="hello")
    told = [each for started in world.sandbox.started for each in started.qualifiers]
    assert told == ["live", "1", ""]


def test_a_function_that_raises_is_an_error_with_status_200(world: World) -> None:
    def handler(event: Any, spec: EnvironmentSpec) -> Any:
        raise ValueError("no")

    world.sandbox.handler = handler
    world.create()
    answer = world.client().invoke(FunctionName="hello")
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    assert json.load(answer["Payload"]) == {"errorType": "ValueError", "errorMessage": "no"}


def test_environments_are_reused_replaced_when_dead_and_after_an_update(world: World) -> None:
    client = world.client()
    world.create()
    for _ in range(3):
        client.invoke(FunctionName="hello")
    assert len(world.sandbox.started) == 1
    plain = world.sandbox.handler
    world.sandbox.handler = lambda _event, _spec: (_ for _ in ()).throw(SystemExit(1))
    assert client.invoke(FunctionName="hello")["FunctionError"] == "Unhandled"
    assert world.sandbox.started[0].closed
    world.sandbox.handler = plain
    client.invoke(FunctionName="hello")
    assert len(world.sandbox.started) == 2
    client.update_function_configuration(FunctionName="hello", Timeout=9)
    client.invoke(FunctionName="hello")
    assert len(world.sandbox.started) == 3
    eventually(lambda: world.sandbox.started[1].closed)
    client.delete_function(FunctionName="hello")
    assert world.sandbox.started[2].closed


def test_busy_environments_are_joined_by_new_ones(world: World) -> None:
    gate = Gate()
    world.sandbox.handler = gate
    world.create()
    with ThreadPoolExecutor(4) as calls:
        running = [calls.submit(world.client().invoke, FunctionName="hello") for _ in range(4)]
        eventually(lambda: gate.inside == 4)
        gate.open.set()
        assert [call.result()["StatusCode"] for call in running] == [200] * 4
    assert len(world.sandbox.started) == 4
    streams = {stream for _, stream, _ in world.logs.written}
    assert len(streams) == 4


def test_environments_wait_for_memory_and_idle_ones_make_room(world: World) -> None:
    world.memory = 300
    world.start()
    gate = Gate()
    world.create("one", MemorySize=200)
    world.create("two", MemorySize=200)
    world.client().invoke(FunctionName="one")
    world.sandbox.handler = gate
    with ThreadPoolExecutor(2) as calls:
        first = calls.submit(world.client().invoke, FunctionName="two")
        eventually(lambda: gate.inside == 1)
        assert world.sandbox.started[0].closed
        second = calls.submit(world.client().invoke, FunctionName="two")
        time.sleep(0.2)
        assert gate.inside == 1
        gate.open.set()
        assert first.result()["StatusCode"] == second.result()["StatusCode"] == 200


def test_reserved_concurrency_throttles(world: World) -> None:
    gate = Gate()
    world.sandbox.handler = gate
    world.create()
    client = world.client()
    client.put_function_concurrency(FunctionName="hello", ReservedConcurrentExecutions=1)
    with ThreadPoolExecutor(1) as calls:
        running = calls.submit(world.client().invoke, FunctionName="hello")
        eventually(lambda: gate.inside == 1)
        assert refusal(lambda: client.invoke(FunctionName="hello")) == (
            "TooManyRequestsException",
            "Rate Exceeded.",
            429,
        )
        with pytest.raises(client.exceptions.TooManyRequestsException) as caught:
            client.invoke(FunctionName="hello")
        response: Any = caught.value.response
        assert response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
        gate.open.set()
        assert running.result()["StatusCode"] == 200
    client.invoke(FunctionName="hello")
    client.put_function_concurrency(FunctionName="hello", ReservedConcurrentExecutions=0)
    assert refusal(lambda: client.invoke(FunctionName="hello"))[2] == 429


def test_dry_run_runs_nothing(world: World) -> None:
    world.create()
    client = world.client()
    assert client.invoke(FunctionName="hello", InvocationType="DryRun")["StatusCode"] == 204
    assert refusal(lambda: client.invoke(FunctionName="none", InvocationType="DryRun"))[2] == 404
    assert not world.sandbox.started


def test_payloads_must_be_json_and_small_enough(world: World) -> None:
    world.create()
    client = world.client()
    code, message, status = refusal(lambda: client.invoke(FunctionName="hello", Payload=b"{nope"))
    assert (code, status) == ("InvalidRequestContentException", 400)
    assert message.startswith(
        "Could not parse request body into json: Could not parse payload into json: "
    )
    size = limits.PAYLOAD_SIZE + 1
    assert refusal(
        lambda: client.invoke(FunctionName="hello", Payload=b'"' + b"x" * (size - 2) + b'"')
    ) == (
        "RequestEntityTooLargeException",
        "Request must be smaller than 6291456 bytes for the InvokeFunction operation",
        413,
    )
    size = limits.ASYNC_PAYLOAD_SIZE + 1
    assert refusal(
        lambda: client.invoke(
            FunctionName="hello",
            InvocationType="Event",
            Payload=b'"' + b"x" * (size - 2) + b'"',
        )
    ) == (
        "RequestEntityTooLargeException",
        f"{size} byte payload is too large for the Event invocation type (limit 1048576 bytes)",
        413,
    )
    assert refusal(lambda: client.invoke(FunctionName="hello", ClientContext="?"))[1] == (
        "Client context must be a valid Base64-encoded JSON object."
    )


def test_an_answer_that_is_too_big_is_an_error(world: World) -> None:
    world.sandbox.handler = lambda _event, _spec: "x" * (limits.PAYLOAD_SIZE + 100)
    world.create()
    answer = world.client().invoke(FunctionName="hello")
    assert answer["FunctionError"] == "Unhandled"
    assert json.load(answer["Payload"]) == {
        "errorMessage": "Response payload size exceeded maximum allowed payload size "
        "(6291556 bytes).",
        "errorType": "Function.ResponseSizeTooLarge",
    }


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"Architectures": ["arm64"]}, "cannot run arm64 here\nwhy: it is x86_64\nhint: use"),
        ({"Runtime": "ruby3.4"}, "unknown runtime 'ruby3.4'"),
    ],
)
def test_what_cannot_run_here_says_why(world: World, changes: dict[str, Any], told: str) -> None:
    world.create(**changes)
    code, message, status = refusal(lambda: world.client().invoke(FunctionName="hello"))
    assert (code, status) == ("ServiceException", 502)
    assert message.startswith(told)


def test_events_are_accepted_run_and_retried_twice(world: World) -> None:
    seen: list[Any] = []

    def handler(event: Any, spec: EnvironmentSpec) -> Any:
        seen.append(event)
        raise ValueError("again")

    world.sandbox.handler = handler
    world.create()
    client = world.client()
    answer = client.invoke(FunctionName="hello", InvocationType="Event", Payload=b'{"n": 1}')
    assert answer["StatusCode"] == 202
    assert answer["Payload"].read() == b""
    queue = world.folder / "state" / "lambda" / "events"
    eventually(lambda: len(seen) == 3 and not list(queue.iterdir()))
    assert seen == [{"n": 1}] * 3
    client.put_function_event_invoke_config(FunctionName="hello", MaximumRetryAttempts=0)
    client.invoke(FunctionName="hello", InvocationType="Event")
    eventually(lambda: len(seen) == 4 and not list(queue.iterdir()))


def test_throttled_events_wait_and_survive_a_restart(world: World) -> None:
    seen: list[Any] = []

    def handler(event: Any, spec: EnvironmentSpec) -> Any:
        seen.append(event)

    world.sandbox.handler = handler
    world.create()
    client = world.client()
    client.put_function_concurrency(FunctionName="hello", ReservedConcurrentExecutions=0)
    client.invoke(FunctionName="hello", InvocationType="Event", Payload=b'"kept"')
    queue = world.folder / "state" / "lambda" / "events"
    eventually(lambda: b'"throttles":1' in b"".join(path.read_bytes() for path in queue.iterdir()))
    assert not seen
    world.start()
    world.client().delete_function_concurrency(FunctionName="hello")
    eventually(lambda: seen == ["kept"] and not list(queue.iterdir()))


def test_many_events_run_beside_each_other(world: World) -> None:
    gate = Gate()
    world.sandbox.handler = gate
    world.create()
    client = world.client()
    for _ in range(5):
        client.invoke(FunctionName="hello", InvocationType="Event")
    eventually(lambda: gate.inside == 5)
    gate.open.set()
