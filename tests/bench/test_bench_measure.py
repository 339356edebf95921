from __future__ import annotations

import json

import pytest

from wideload.bench.measure import INIT_TIMEOUT_MS, Contender, measure, phases
from wideload.bench.shaper import Shaper
from wideload.values.environment import EnvironmentSpec, ExecutionEnvironment, Initialised
from wideload.values.invocation import Invocation, Outcome
from wideload.values.network import Network
from wideload.values.target import Target


def invocation(
    *,
    init: float | None = None,
    duration: float = 5.0,
    log: str = "",
    outcome: Outcome = Outcome.SUCCESS,
    payload: bytes = b"1",
) -> Invocation:
    return Invocation(
        request_id="r",
        outcome=outcome,
        payload=payload,
        log=log,
        duration_ms=duration,
        billed_ms=1,
        init_ms=init,
        max_memory_mb=100,
        missing=("cpu: one",),
    )


class Environment:
    def __init__(self, answers: list[Invocation]) -> None:
        self.answers = answers
        self.closed = False

    @property
    def alive(self) -> bool:
        return not self.closed

    def invoke(
        self, event: bytes, request_id: str, *, client_context: str = "", qualifier: str = ""
    ) -> Invocation:
        return self.answers.pop(0)

    def initialised(self) -> Initialised:
        return Initialised()

    def close(self) -> None:
        self.closed = True


class Sandbox:
    """Starts environments whose first answers come from a list, by function name."""

    def __init__(self, first: dict[str, list[Invocation]]) -> None:
        self.first = first
        self.started: list[str] = []
        self.environments: list[Environment] = []

    def start(self, spec: EnvironmentSpec) -> ExecutionEnvironment:
        self.started.append(spec.function)
        answers = [self.first[spec.function].pop(0), *(invocation(duration=2.0) for _ in range(5))]
        environment = Environment(answers)
        self.environments.append(environment)
        return environment


def contender(name: str) -> Contender:
    spec = EnvironmentSpec(
        function=name,
        version="1",
        target=Target.parse("python3.13", "x86_64"),
        handler="a.b",
        task="/nowhere",
    )
    return Contender(name, name, spec)


@pytest.fixture
def shaper() -> Shaper:
    return Shaper(("127.0.0.1", 9), Network())


def test_ways_take_turns_and_cold_is_init_and_first_call(shaper: Shaper) -> None:
    sandbox = Sandbox(
        {
            "one": [invocation(init=100.0), invocation(init=300.0)],
            "two": [invocation(duration=40.0), invocation(duration=60.0)],
        }
    )
    timings, missing = measure(
        sandbox, [contender("one"), contender("two")], b"{}", shaper, runs=2, calls=2
    )
    assert sandbox.started == ["one", "two", "one", "two"]
    assert [start.cold for start in timings[0].starts] == [105.0, 305.0]
    assert timings[0].warm == 2.0
    # Without an init that was reported it was given up, and run again within the call.
    assert [start.cold for start in timings[1].starts] == [
        INIT_TIMEOUT_MS + 40,
        INIT_TIMEOUT_MS + 60,
    ]
    assert "cpu: one" in missing
    assert all(environment.closed for environment in sandbox.environments)


@pytest.mark.parametrize(
    ("first", "told"),
    [
        (invocation(outcome=Outcome.CRASHED, payload=b'{"errorMessage": "no"}'), "errorMessage"),
        (invocation(payload=b"2"), "its answer is wrong"),
    ],
)
def test_what_fails_or_answers_wrong_is_told_and_not_timed(
    first: Invocation, told: str, shaper: Shaper
) -> None:
    sandbox = Sandbox({"one": [first], "two": [invocation(init=1.0), invocation(init=1.0)]})
    timings, _ = measure(
        sandbox,
        [contender("one"), contender("two")],
        b"{}",
        shaper,
        runs=2,
        answer=lambda payload: payload == b"1",
    )
    assert timings[0].starts == ()
    assert told in timings[0].failure
    assert len(timings[1].starts) == 2
    assert sandbox.started == ["one", "two", "two"]


def test_phases_are_read_of_the_log_and_the_rest_is_the_runtimes() -> None:
    lines = [
        "INIT_START",
        json.dumps({"wideload": {"phases": {"fetch": 200.0, "import": 300.0, "odd": 1}}}),
        json.dumps({"another": "line"}),
        "not json",
    ]
    first = invocation(init=800.0, duration=50.0, log="\n".join(lines))
    assert phases(first, 850.0) == {
        "fetch": 200.0,
        "import": 300.0,
        "handler": 50.0,
        "runtime": 300.0,
    }


def test_the_loaders_account_tells_what_the_import_waited_for() -> None:
    told = {
        "first_byte_ms": 40.0,
        "first_frame_ms": 60.0,
        "fetched_ms": 200.0,
        "unpacked_ms": 500.0,
        "imported_ms": 1450.0,
        "ready_ms": 1500.0,
        "held_ms": 300.0,
        "bytes": 1,
    }
    first = invocation(init=1600.0, duration=50.0, log=json.dumps({"wideload": told}))
    # Of 1500 ms 300 were waiting: 40 for the connection, 160 for bytes, the rest for files.
    assert phases(first, 1650.0) == {
        "import": 1200.0,
        "connect": 40.0,
        "fetch": 160.0,
        "unpack": 100.0,
        "handler": 50.0,
        "runtime": 100.0,
    }


@pytest.mark.parametrize("held", [0.0, 10.0, 100.0, 1000.0])
def test_what_the_loader_tells_adds_up(held: float) -> None:
    told = {"first_byte_ms": 30.0, "fetched_ms": 90.0, "ready_ms": 1000.0, "held_ms": held}
    first = invocation(init=1100.0, duration=0.0, log=json.dumps({"wideload": told}))
    found = phases(first, 1100.0)
    assert sum(found.values()) == pytest.approx(1100.0)
    assert all(spent >= 0 for spent in found.values())
