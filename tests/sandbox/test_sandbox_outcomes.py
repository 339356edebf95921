"""What an invocation is answered, for every way in which a function can end."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from wideload.values.invocation import Outcome

if TYPE_CHECKING:
    from sandbox_fixtures import Starter

pytest_plugins = ("sandbox_fixtures",)
pytestmark = pytest.mark.sandbox


def test_success_is_the_handlers_answer_and_lambdas_lines(start: Starter) -> None:
    environment = start(
        """
        import sys
        print("importing")
        def handler(event, context):
            print("said", event["a"])
            print("and more", file=sys.stderr)
            return {"id": context.aws_request_id, "arn": context.invoked_function_arn}
        """
    )
    answer = environment.invoke(b'{"a": 1}', "id-1")
    assert answer.outcome is Outcome.SUCCESS
    assert answer.function_error is None
    assert json.loads(answer.payload) == {
        "id": "id-1",
        "arn": "arn:aws:lambda:us-east-1:123456789012:function:probe",
    }
    assert answer.init_ms is not None
    assert answer.billed_ms >= answer.init_ms + answer.duration_ms
    assert re.fullmatch(
        r"importing\n"
        r"START RequestId: id-1 Version: \$LATEST\n"
        r"said 1\n"
        r"and more\n"
        r"END RequestId: id-1\n"
        r"REPORT RequestId: id-1\tDuration: \d+\.\d\d ms\tBilled Duration: \d+ ms\t"
        r"Memory Size: 1769 MB\tMax Memory Used: \d+ MB\tInit Duration: \d+\.\d\d ms\t\n",
        answer.log,
    )
    # Nothing but, on most machines, the runtime's own glibc.
    assert [one for one in answer.missing if not one.startswith("C library of")] == []
    again = environment.invoke(b'{"a": 2}', "id-2")
    assert again.init_ms is None
    assert "Init Duration" not in again.log
    assert "importing" not in again.log


def test_raising_is_handled_and_the_environment_lives_on(start: Starter) -> None:
    environment = start(
        """
        def handler(event, context):
            if event:
                raise ValueError("not today")
            return "fine"
        """
    )
    answer = environment.invoke(b"true", "id-1")
    assert answer.outcome is Outcome.HANDLED
    assert answer.function_error == "Unhandled"
    document = json.loads(answer.payload)
    assert set(document) == {"errorMessage", "errorType", "requestId", "stackTrace"}
    assert document["errorMessage"] == "not today"
    assert document["errorType"] == "ValueError"
    assert document["requestId"] == "id-1"
    assert '  File "/var/task/app.py", line 4, in handler\n' in document["stackTrace"][0]
    assert "[ERROR] ValueError: not today\nTraceback (most recent call last):\n" in answer.log
    assert environment.alive
    assert environment.invoke(b"null", "id-2").payload == b'"fine"'


@pytest.mark.parametrize(
    ("source", "handler", "error_type", "message"),
    [
        ("import absent", "app.handler", "Runtime.ImportModuleError", "No module named 'absent'"),
        ("x = 1", "app.handler", "Runtime.HandlerNotFound", "Handler 'handler' missing"),
        ("x = 1", "nowhere.handler", "Runtime.ImportModuleError", "No module named 'nowhere'"),
        ("def (", "app.handler", "Runtime.UserCodeSyntaxError", "Syntax error in module 'app'"),
        ("x = 1", "handler", "Runtime.MalformedHandlerName", "Bad handler 'handler'"),
        ("1 / 0", "app.handler", "ZeroDivisionError", "division by zero"),
    ],
)
def test_init_errors_are_the_runtimes_document(
    start: Starter, source: str, handler: str, error_type: str, message: str
) -> None:
    environment = start(source, handler=handler)
    answer = environment.invoke(b"{}", "id-1")
    assert answer.outcome is Outcome.CRASHED
    document = json.loads(answer.payload)
    assert document["errorType"] == error_type
    assert message in document["errorMessage"]
    # Once when the environment started, and once more for the invocation.
    for phase in ("init", "invoke"):
        assert re.search(
            rf"^INIT_REPORT Init Duration: \S+ ms\tPhase: {phase}\tStatus: error\t"
            rf"Error Type: {re.escape(error_type)}\n",
            answer.log,
            re.MULTILINE,
        )
    assert answer.init_ms is None
    assert f"\tStatus: error\tError Type: {error_type}\t\n" in answer.log


def test_init_is_tried_again_by_the_next_invocation(start: Starter) -> None:
    environment = start(
        """
        import os
        tries = sum(name.startswith("try") for name in os.listdir("/tmp"))
        open(f"/tmp/try{tries}", "w").close()
        if tries < 2:
            raise OSError(f"try {tries}")
        def handler(event, context):
            return tries
        """
    )
    answer = environment.invoke(b"{}", "id-1")
    assert json.loads(answer.payload)["errorMessage"] == "try 1"
    assert environment.alive
    assert environment.invoke(b"{}", "id-2").payload == b"2"


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("sys.exit(1)", "Runtime exited with error: exit status 1"),
        ("os._exit(0)", "Runtime exited without providing a reason"),
        ("os.kill(os.getpid(), 11)", "Runtime exited with error: signal: segmentation fault"),
    ],
)
def test_a_process_that_ends_is_a_crash(start: Starter, statement: str, words: str) -> None:
    environment = start(f"import os, sys\ndef handler(event, context):\n    {statement}\n")
    answer = environment.invoke(b"{}", "id-1")
    assert answer.outcome is Outcome.CRASHED
    assert json.loads(answer.payload) == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: id-1 Error: {words}",
    }
    assert f"RequestId: id-1 Error: {words}\nRuntime.ExitError\nEND" in answer.log
    assert not environment.alive
    with pytest.raises(RuntimeError):
        environment.invoke(b"{}", "id-2")


def test_an_exit_at_import_is_a_crash(start: Starter) -> None:
    answer = start("import os\nos._exit(3)").invoke(b"{}", "id-1")
    assert answer.outcome is Outcome.CRASHED
    assert json.loads(answer.payload) == {
        "errorType": "Runtime.ExitError",
        "errorMessage": "RequestId: id-1 Error: Runtime exited with error: exit status 3",
    }


def test_running_out_of_memory_is_a_kill(start: Starter) -> None:
    environment = start(
        """
        def handler(event, context):
            print("filling")
            return len(bytearray(300 << 20))
        """,
        memory=128,
    )
    answer = environment.invoke(b"{}", "id-1")
    assert answer.outcome is Outcome.CRASHED
    assert json.loads(answer.payload) == {
        "errorType": "Runtime.ExitError",
        "errorMessage": "RequestId: id-1 Error: Runtime exited with error: signal: killed",
    }
    assert answer.max_memory_mb == 128
    assert "filling\nRequestId: id-1 Error: Runtime exited with error: signal: killed" in answer.log
    assert "Max Memory Used: 128 MB\tInit Duration" in answer.log
    assert "Error Type: Runtime.OutOfMemory" in answer.log
    assert not environment.alive


def test_the_same_fits_into_more_memory(start: Starter) -> None:
    environment = start(
        "def handler(event, context):\n    return len(bytearray(300 << 20))", memory=400
    )
    answer = environment.invoke(b"{}", "id-1")
    assert answer.payload == str(300 << 20).encode()
    assert 300 <= answer.max_memory_mb <= 400


def test_running_out_of_tmp_is_errno_28(start: Starter) -> None:
    environment = start(
        """
        import os
        def handler(event, context):
            if not event:
                os.remove("/tmp/big")
                return os.listdir("/tmp")
            with open("/tmp/big", "wb", buffering=0) as file:
                for chunk in (1 << 20, 4096):
                    try:
                        while True:
                            file.write(bytes(chunk))
                    except OSError as error:
                        full = error
                print("written", file.tell())
                raise full
        """,
        memory=256,  # less than /tmp: what is written there is not held against it
        ephemeral=512,
        timeout=30,
    )
    answer = environment.invoke(b"true", "id-1")
    assert answer.outcome is Outcome.HANDLED
    assert json.loads(answer.payload)["errorMessage"] == "[Errno 28] No space left on device"
    written = int(answer.log.partition("written ")[2].split()[0])
    assert 511.5 < written / (1 << 20) <= 512
    assert environment.invoke(b"false", "id-2").payload == b"[]"


def test_timing_out_ends_the_environment(start: Starter) -> None:
    environment = start(
        """
        import time
        def handler(event, context):
            print("remaining", context.get_remaining_time_in_millis())
            time.sleep(60)
        """,
        timeout=1,
    )
    answer = environment.invoke(b"{}", "id-1")
    assert answer.outcome is Outcome.TIMED_OUT
    assert json.loads(answer.payload) == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": "RequestId: id-1 Error: Task timed out after 1.00 seconds",
    }
    assert re.search(
        r"^\d{4}-\d\d-\d\dT\S+Z id-1 Task timed out after 1\.00 seconds$", answer.log, 8
    )
    assert answer.duration_ms == 1000
    assert "\tStatus: timeout\t" in answer.log
    remaining = int(answer.log.partition("remaining ")[2].split()[0])
    assert 800 < remaining <= 1000
    assert not environment.alive


def test_init_that_runs_out_of_time_is_run_again_in_the_invocation(
    start_impatiently: Starter,
) -> None:
    environment = start_impatiently(
        """
        import os, time
        if not os.path.exists("/tmp/tried"):
            open("/tmp/tried", "w").close()
            time.sleep(60)
        time.sleep(0.2)
        def handler(event, context):
            return "in the end"
        """,
        timeout=5,
    )
    answer = environment.invoke(b"{}", "id-1")
    assert answer.payload == b'"in the end"'
    assert re.match(
        r"INIT_REPORT Init Duration: (1999|2\d\d\d)\.\d\d ms\tPhase: init\tStatus: timeout\n",
        answer.log,
    )
    assert answer.init_ms is None
    assert answer.duration_ms > 200  # the second init is part of it
    assert environment.alive


def test_init_that_runs_out_of_the_functions_time_too(start_impatiently: Starter) -> None:
    environment = start_impatiently("import time\ntime.sleep(60)", timeout=1)
    answer = environment.invoke(b"{}", "id-1")
    assert answer.outcome is Outcome.TIMED_OUT
    assert json.loads(answer.payload)["errorType"] == "Sandbox.Timedout"
    assert "Phase: invoke\tStatus: timeout\n" in answer.log
    assert not environment.alive


def test_a_response_over_the_limit_is_refused(start: Starter) -> None:
    environment = start("def handler(event, context):\n    return 'x' * event\n")
    limit = 6 * 1024 * 1024 + 100
    assert len(environment.invoke(str(limit - 2).encode(), "id-1").payload) == limit
    answer = environment.invoke(str(limit - 1).encode(), "id-2")
    assert answer.outcome is Outcome.HANDLED
    assert json.loads(answer.payload) == {
        "errorType": "Function.ResponseSizeTooLarge",
        "errorMessage": "Response payload size exceeded maximum allowed payload size "
        "(6291556 bytes).",
    }


def test_what_json_cannot_hold_is_a_marshal_error(start: Starter) -> None:
    answer = start("def handler(event, context):\n    return {1, 2}\n").invoke(b"{}", "id-1")
    assert answer.outcome is Outcome.HANDLED
    assert json.loads(answer.payload)["errorType"] == "Runtime.MarshalError"


def test_what_of_tmp_is_in_use_is_told(start: Starter) -> None:
    environment = start(
        """
        def handler(event, context):
            with open("/tmp/made", "wb") as file:
                file.write(bytes(event["bytes"]))
        """
    )
    before = environment.invoke(b'{"bytes": 0}', "id-1").tmp_bytes
    after = environment.invoke(b'{"bytes": 40000000}', "id-2").tmp_bytes
    assert before is not None
    assert before < 20_000_000
    assert after is not None
    assert 40_000_000 <= after - before < 44_000_000
