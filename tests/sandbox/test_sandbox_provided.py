"""Runtimes without a language: what is run is the function's own bootstrap."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from wideload.values.environment import EnvironmentSpec
from wideload.values.invocation import Outcome
from wideload.values.target import Target

if TYPE_CHECKING:
    from wideload.sandbox import LinuxSandbox
    from wideload.sandbox.environment import LinuxEnvironment

pytest_plugins = ("sandbox_fixtures",)
pytestmark = pytest.mark.sandbox

# A client of the Runtime API in shell, as the documentation's own example of a runtime.
SHELL = """#!/bin/bash
set -eu
api="${AWS_LAMBDA_RUNTIME_API}"
ask() {
    exec 3<>"/dev/tcp/${api%:*}/${api#*:}"
    printf '%s /2018-06-01/runtime/%s HTTP/1.0\\r\\nContent-Length: %s\\r\\n\\r\\n%s' \
        "$1" "$2" "${#3}" "$3" >&3
    cat <&3
    exec 3>&-
}
while :; do
    reply="$(ask GET invocation/next '')"
    id="$(sed -n 's/^Lambda-Runtime-Aws-Request-Id: //p' <<< "$reply" | tr -d '\\r')"
    ANSWER
done
"""
ECHO = SHELL.replace(
    "ANSWER",
    'ask POST "invocation/$id/response" "[\\"$0\\", \\"$_HANDLER\\", \\"$PWD\\", '
    '\\"${AWS_EXECUTION_ENV-none}\\", \\"$PATH\\", $(tail -n 1 <<< "$reply")]" > /dev/null',
)
OWN = "/var/task/bootstrap"

Starter = Callable[..., "LinuxEnvironment"]


@pytest.fixture
def start(sandbox: LinuxSandbox, tmp_path: Path) -> Iterator[Starter]:
    started: list[LinuxEnvironment] = []

    def begin(source: str | bytes, *, mode: int = 0o755, **changes: Any) -> LinuxEnvironment:
        folder = tmp_path / "task"
        folder.mkdir()
        if source:
            lay(folder, source, mode)
        spec = EnvironmentSpec(
            function="probe",
            version="$LATEST",
            target=Target.parse("provided.al2023", "x86_64"),
            handler="anything.at-all",
            task=str(folder),
            memory=1769,
            timeout=10,
            **changes,
        )
        started.append(sandbox.start(spec))
        return started[-1]

    yield begin
    for environment in started:
        environment.close()


def lay(folder: Path, source: str | bytes, mode: int = 0o755) -> None:
    folder.mkdir(exist_ok=True)
    path = folder / "bootstrap"
    path.write_bytes(source if isinstance(source, bytes) else source.encode())
    path.chmod(mode)


def test_the_bootstrap_is_run_and_speaks_for_itself(start: Starter) -> None:
    environment = start(ECHO)
    for number in range(2):
        answer = environment.invoke(json.dumps({"n": number}).encode(), f"id-{number}")
        assert answer.outcome is Outcome.SUCCESS, answer.log
        path = "/usr/local/bin:/usr/bin/:/bin:/opt/bin"
        wanted = [OWN, "anything.at-all", "/var/task", "none", path, {"n": number}]
        assert json.loads(answer.payload) == wanted
        assert (answer.init_ms is None) is (number > 0)


def test_a_layers_bootstrap_runs_where_the_function_has_none(
    start: Starter, tmp_path: Path
) -> None:
    for name, source in (("lower", "#!/bin/false"), ("upper", ECHO)):
        lay(tmp_path / name, source)
    layers = (str(tmp_path / "lower"), str(tmp_path / "upper"))
    answer = start("", layers=layers).invoke(b"1", "id-1")
    assert json.loads(answer.payload)[0] == "/opt/bootstrap"


@pytest.mark.parametrize(
    ("source", "mode", "why"),
    [
        (
            "",
            0o755,
            "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]",
        ),
        (ECHO, 0o644, "fork/exec /var/task/bootstrap: permission denied"),
        ("echo no interpreter", 0o755, "fork/exec /var/task/bootstrap: exec format error"),
        # An ELF file of another machine: ARM, 64 bits.
        (
            b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\xb7\x00" + bytes(44),
            0o755,
            "fork/exec /var/task/bootstrap: exec format error",
        ),
        (
            "#!/no/such/shell\n",
            0o755,
            "fork/exec /var/task/bootstrap: no such file or directory",
        ),
    ],
)
def test_what_cannot_be_run_is_told_as_lambda_does(
    start: Starter, source: str | bytes, mode: int, why: str
) -> None:
    environment = start(source, mode=mode)
    answer = environment.invoke(b"{}", "id-1")
    assert answer.outcome is Outcome.CRASHED
    assert json.loads(answer.payload) == {
        "errorType": "Runtime.InvalidEntrypoint",
        "errorMessage": f"RequestId: id-1 Error: {why}",
    }
    for phase in ("init", "invoke"):
        assert f"Phase: {phase}\tStatus: error\tError Type: Runtime.InvalidEntrypoint\n" in (
            answer.log
        )
    assert f"RequestId: id-1 Error: {why}\nRuntime.InvalidEntrypoint\nEND" in answer.log
    assert "bwrap" not in answer.log


def test_a_bootstrap_that_ends_is_a_crash(start: Starter) -> None:
    answer = start("#!/bin/sh\nexit 3\n").invoke(b"{}", "id-1")
    assert json.loads(answer.payload)["errorType"] == "Runtime.ExitError"
    assert "exit status 3" in json.loads(answer.payload)["errorMessage"]


def test_an_init_error_of_its_own_is_passed_on(start: Starter) -> None:
    failing = SHELL.replace(
        "while :",
        'ask POST init/error \'{"errorType": "Mine", "errorMessage": "no"}\' > /dev/null; exit 1\n'
        "while :",
    )
    answer = start(failing).invoke(b"{}", "id-1")
    assert answer.outcome is Outcome.CRASHED
    assert json.loads(answer.payload) == {"errorType": "Mine", "errorMessage": "no"}
