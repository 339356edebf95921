"""Answers of a slimmed package are held to those of the unslimmed."""

from __future__ import annotations

import json

import msgspec

from wideload.values.environment import EnvironmentSpec, ExecutionEnvironment, Initialised
from wideload.values.invocation import Invocation, Outcome
from wideload.values.target import Target
from wideload.values.verdict import Case
from wideload.verify.verifier import compare

SLIMMED = EnvironmentSpec(
    "shop", "$LATEST", Target.parse("python3.13", "x86_64"), "app.handler", "/slimmed", timeout=30
)
RAW = msgspec.structs.replace(SLIMMED, task="/raw")
CASE = Case("event.json", b"{}")


class Slow:
    """A sandbox where the packages take so many seconds each, and answer so.

    :param takes: seconds and answer by the folder of the package; an answer that names an
        ``errorType`` is an error, and the word ID in it stands for the request's.
    """

    def __init__(self, takes: dict[str, tuple[int, bytes]]) -> None:
        self.takes = takes

    def start(self, spec: EnvironmentSpec) -> ExecutionEnvironment:
        return Environment(spec.timeout, *self.takes[spec.task])


class Environment:
    alive = True

    def __init__(self, timeout: int, seconds: int, payload: bytes) -> None:
        self._ends = seconds <= timeout
        self._payload = payload

    def invoke(
        self, event: bytes, request_id: str, *, client_context: str = "", qualifier: str = ""
    ) -> Invocation:
        raised = b"errorType" in self._payload
        answered = Outcome.HANDLED if raised else Outcome.SUCCESS
        outcome = answered if self._ends else Outcome.TIMED_OUT
        payload = self._payload if self._ends else b'{"errorType": "Sandbox.Timedout"}'
        payload = payload.replace(b"ID", request_id.encode())
        return Invocation(request_id, outcome, payload, "", 1.0, 1, None, 100)

    def initialised(self) -> Initialised:
        raise NotImplementedError

    def close(self) -> None:
        pass


def compared(raw: tuple[int, bytes], slimmed: tuple[int, bytes]) -> tuple[bool, str]:
    sandbox = Slow({"/raw": raw, "/slimmed": slimmed})
    verdict = compare(sandbox, SLIMMED, RAW, (), [CASE])
    (check,) = verdict.checks
    return check.passed, check.detail


def test_the_same_answer_passes_and_another_one_fails() -> None:
    assert compared((1, b"[1]"), (1, b"[1]")) == (True, "the same answer")
    passed, detail = compared((1, b"[1]"), (1, b"[2]"))
    assert not passed
    assert "[1]" in detail
    assert "[2]" in detail


def test_what_only_answers_in_time_slimmed_is_held_to_what_the_unslimmed_answers_late() -> None:
    assert compared((31, b"[1]"), (5, b"[1]")) == (True, "the same answer")
    assert not compared((31, b"[1]"), (5, b"[2]"))[0]


def test_what_times_out_slimmed_fails_unless_it_always_did() -> None:
    assert not compared((5, b"[1]"), (31, b"[1]"))[0]
    assert compared((31, b"[1]"), (31, b"[1]"))[0]


def raised(message: str, *trace: str) -> bytes:
    error = {"errorType": "ValueError", "errorMessage": message, "requestId": "ID"}
    return json.dumps({**error, "stackTrace": trace}).encode()


def test_the_same_error_passes_with_or_without_lines_of_the_source() -> None:
    line = '  File "/var/task/shelf.py", line 7, in find\n'
    with_source = raised("no such book", line + "    return books[title]\n")
    passed, detail = compared((1, with_source), (1, raised("no such book", line)))
    assert passed
    assert detail == "the same error, ValueError: no such book"


def test_an_error_that_names_the_request_is_the_same_error() -> None:
    assert compared((1, raised("ID failed")), (1, raised("ID failed")))[0]


def test_another_error_or_one_in_the_place_of_an_answer_fails() -> None:
    assert not compared((1, raised("no such book")), (1, raised("no such shelf")))[0]
    passed, detail = compared((1, b"[1]"), (1, raised("no such book")))
    assert not passed
    assert detail.startswith("unslimmed success: [1]; now handled: ")
