"""Each tiny function, deployed and invoked from the command line."""

from __future__ import annotations

import json
import re
import shutil
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
from e2e_command import ZOO, Aws, Command, exports, refusal, shared_cache

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e_command import Refusal

pytestmark = [pytest.mark.sandbox, pytest.mark.network]

TABLES = tomllib.loads((ZOO / "wideload.toml").read_text("utf-8"))["functions"]
ANSWERED = sorted(path.parent.name for path in ZOO.glob("*/expected.json"))
HEAVY = {"slow_init"}  # 21 s of sleep
UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Command]:
    """A copy of the tiny functions, with an embedded AWS."""
    folder = tmp_path_factory.mktemp("zoo") / "functions"
    shutil.copytree(ZOO, folder, ignore=shutil.ignore_patterns("__pycache__", "pylock.*"))
    command = Command(folder, shared_cache(tmp_path_factory))
    yield command
    command("local", "down")


@pytest.fixture(scope="module")
def zoo_aws(zoo: Command) -> Aws:
    """Clients of the zoo's embedded AWS."""
    return Aws(exports(zoo("local", "env").out))


def deploy(zoo: Command, name: str) -> None:
    """Without a smoke test: what is wrong with it is to show when it is invoked."""
    result = zoo.json("deploy", name, "--no-smoke")
    assert result["function"] == name
    assert result["version"] == "1"
    assert result["alias"] == "live"


def answer(zoo: Command, name: str, event: Any = None) -> Any:
    arguments = ["--event", "-"] if event is not None else []
    done = zoo.run("invoke", name, *arguments, stdin=json.dumps(event))
    assert done.code == 0, done.err
    return done.json()


def fails(zoo: Command, name: str) -> tuple[dict[str, Any], Refusal]:
    """How the function's answer with its own event is refused."""
    refused = zoo.refused("invoke", name)
    assert refused.what == f"{name} answered with an error"
    assert "wideload logs" in refused.hint
    payload: dict[str, Any] = json.loads(refused.why)
    return payload, refused


def report(log: str) -> str:
    """The log's REPORT line, after START and END lines of the same request."""
    lines = log.splitlines()
    starts = [line for line in lines if line.startswith("START ")]
    ends = [line for line in lines if line.startswith("END ")]
    reports = [line for line in lines if line.startswith("REPORT ")]
    assert (len(starts), len(ends), len(reports)) == (1, 1, 1), log
    start = re.fullmatch(rf"START RequestId: ({UUID}) Version: 1", starts[0])
    assert start, starts[0]
    assert ends[0] == f"END RequestId: {start[1]}"
    assert re.match(
        rf"REPORT RequestId: {start[1]}\tDuration: \d+\.\d\d ms\tBilled Duration: \d+ ms\t"
        r"Memory Size: \d+ MB\tMax Memory Used: \d+ MB",
        reports[0],
    ), reports[0]
    assert lines.index(starts[0]) < lines.index(ends[0]) < lines.index(reports[0])
    return reports[0]


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.heavy] * (n in HEAVY)) for n in ANSWERED]
)
def test_the_expected_answer_is_given(zoo: Command, name: str) -> None:
    deploy(zoo, name)
    done = zoo("invoke", name, "--logs")
    assert done.json() == json.loads((ZOO / name / "expected.json").read_bytes())
    written = report(done.err)
    assert f"Memory Size: {TABLES[name].get('memory', 256)} MB" in written
    if name not in HEAVY:  # those tell it in a line of their own
        assert re.search(r"\tInit Duration: \d+\.\d\d ms", written)


def test_a_warm_environment_keeps_its_state_and_another_version_does_not(zoo: Command) -> None:
    deploy(zoo, "counts")
    first, second = answer(zoo, "counts"), answer(zoo, "counts")
    assert (first["count"], first["in_tmp"]) == (1, 1)
    assert (second["count"], second["in_tmp"]) == (2, 2)
    done = zoo("invoke", "counts", "--qualifier", "$LATEST")
    assert (done.json()["count"], done.json()["in_tmp"]) == (1, 1)
    log = zoo("logs", "counts").out
    assert log.count("REPORT RequestId") == 3
    assert log.count("Init Duration") == 2
    assert log.count(" Version: $LATEST") == 1


def test_it_finds_itself_in_lambda_and_not_on_this_machine(
    zoo: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_OWN_SECRET", "do not leak")
    deploy(zoo, "env_dump")
    found = answer(zoo, "env_dump")
    environ = found["environ"]
    assert environ["GREETING"] == "hello"
    assert environ["AWS_LAMBDA_FUNCTION_NAME"] == "env_dump"
    assert environ["AWS_LAMBDA_FUNCTION_VERSION"] == "1"
    assert environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "256"
    assert environ["AWS_EXECUTION_ENV"] == "AWS_Lambda_python3.13"
    assert environ["LAMBDA_TASK_ROOT"] == "/var/task"
    assert environ["_HANDLER"] == "app.handler"
    assert "MY_OWN_SECRET" not in environ
    assert not [name for name in environ if name.startswith(("WIDELOAD", "PYTEST", "UV_"))]
    assert found["python"].startswith("3.13.")
    assert found["path"][0] == "/var/task"
    assert found["cwd"] == "/var/task"
    assert found["writable"] == ["/tmp"]
    assert max(found["processes"]) < 100, "processes of this machine show"
    assert found["context"]["function_version"] == "1"
    arn = "arn:aws:lambda:us-east-1:123456789012:function:env_dump"
    assert found["context"]["invoked_function_arn"] == f"{arn}:live"
    assert found["context"]["log_group_name"] == "/aws/lambda/env_dump"


def test_what_it_prints_is_in_the_log_and_not_in_the_answer(zoo: Command) -> None:
    deploy(zoo, "prints")
    done = zoo("invoke", "prints", "--logs")
    assert re.fullmatch(rf'{{"request_id": "({UUID})"}}\n', done.out)
    request = done.json()["request_id"]
    for log in (done.err, zoo("logs", "prints").out):
        assert "printed at import" in log
        assert "printed aloud\n" in log
        assert "two\nlines\n" in log
        assert "grüße ✓\n" in log
        assert "to standard error\n" in log
        assert re.search(rf"\[INFO\]\t[\dT:.-]+Z\t{request}\tlogged as info\n", log)
        assert re.search(rf"\[WARNING\]\t[\dT:.-]+Z\t{request}\tlogged as warning\n", log)
        assert "not shown" not in log
        assert "no line end" in log
        # As in Lambda, what has no line end runs into the line behind it.
        report(log.replace("no line endEND ", "no line end\nEND "))


def test_the_sdk_reaches_what_the_role_allows_and_nothing_else(zoo: Command, zoo_aws: Aws) -> None:
    s3, iam = zoo_aws.client("s3"), zoo_aws.client("iam")
    for bucket in ("zoo", "other"):
        s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket=bucket, Key="lion.txt", Body=b"roar")
    deploy(zoo, "sdk")
    payload, refused = fails(zoo, "sdk")
    role = "arn:aws:sts::123456789012:assumed-role/wideload-sdk/sdk"
    denied = (
        f"User: {role} is not authorized to perform: s3:ListBucket on resource: "
        '"arn:aws:s3:::zoo" because no identity-based policy allows the s3:ListBucket action'
    )
    assert (
        f"(AccessDenied) when calling the ListObjectsV2 operation: {denied}"
        in (payload["errorMessage"])
    )
    assert re.search(r"\[ERROR\] \w+: An error occurred \(AccessDenied\)", refused.before)
    iam.put_role_policy(
        RoleName="wideload-sdk",
        PolicyName="read",
        PolicyDocument=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Action": ["s3:ListBucket", "s3:GetObject"],
                        "Resource": ["arn:aws:s3:::zoo", "arn:aws:s3:::zoo/*"],
                    }
                ],
            }
        ),
    )
    found = answer(zoo, "sdk")
    assert found["objects"] == [{"key": "lion.txt", "size": 4}]
    assert found["identity"] == role
    assert found["boto3"].startswith("/var/lang/lib/python3.13/site-packages/boto3/")
    refused_other = zoo.run("invoke", "sdk", "--event", "-", stdin='{"bucket": "other"}')
    assert refused_other.code == 1
    assert '\\"arn:aws:s3:::other\\"' in refused_other.err


def test_an_exception_is_answered_with_its_name_and_place(zoo: Command) -> None:
    deploy(zoo, "raises")
    payload, refused = fails(zoo, "raises")
    assert payload["errorType"] == "OutOfStock"
    assert payload["errorMessage"] == "no umbrella left"
    assert re.fullmatch(UUID, payload["requestId"])
    assert "".join(payload["stackTrace"]) == (
        '  File "/var/task/app.py", line 12, in handler\n'
        "    raise OutOfStock(f\"no {event['item']} left\") from missing\n"
    )
    assert "[ERROR] OutOfStock: no umbrella left\nTraceback (most recent call last):" in (
        refused.before
    )
    assert "Status: error" not in report(refused.before), "the runtime survives an exception"
    assert zoo("logs", "raises").out.count("[ERROR] OutOfStock") == 1


def test_a_module_that_is_missing_at_import(zoo: Command) -> None:
    deploy(zoo, "bad_import")
    payload, refused = fails(zoo, "bad_import")
    assert payload["errorType"] == "Runtime.ImportModuleError"
    assert payload["errorMessage"] == (
        "Unable to import module 'app': No module named 'no_such_module'"
    )
    assert "Status: error\tError Type: Runtime.ImportModuleError" in report(refused.before)


def test_code_that_does_not_compile(zoo: Command) -> None:
    # In a module of its own: in the handler's it is refused before anything is built.
    app = zoo.folder / "bad_syntax" / "app.py"
    app.rename(app.with_name("broken.py"))
    app.write_text("from broken import handler\n")
    deploy(zoo, "bad_syntax")
    payload, refused = fails(zoo, "bad_syntax")
    assert payload["errorType"] == "Runtime.UserCodeSyntaxError"
    assert payload["errorMessage"] == (
        "Syntax error in module 'app': expected ':' (broken.py, line 4)"
    )
    assert "Error Type: Runtime.UserCodeSyntaxError" in report(refused.before)


def test_a_handler_that_is_missing(zoo: Command, zoo_aws: Aws) -> None:
    # wideload refuses to ship it (test_e2e_bad_input): so it is taken away afterwards.
    app = zoo.folder / "no_handler" / "app.py"
    app.write_text(app.read_text("utf-8").replace("def handle(", "def handler("), "utf-8")
    deploy(zoo, "no_handler")
    client = zoo_aws.client("lambda")
    client.update_function_configuration(FunctionName="no_handler", Handler="app.nothing")
    client.get_waiter("function_updated_v2").wait(FunctionName="no_handler")
    done = zoo.run("invoke", "no_handler", "--qualifier", "$LATEST")
    assert done.code == 1
    assert '"errorType": "Runtime.HandlerNotFound"' in done.err
    assert "Handler 'nothing' missing on module 'app'" in done.err


@pytest.mark.parametrize(
    ("code", "status"),
    [("import os\n", 3), ("import sys\n", 4)],
    ids=["os._exit", "sys.exit"],
)
def test_a_process_that_ends(zoo: Command, code: str, status: int) -> None:
    app = zoo.folder / "exits" / "app.py"
    if status == 4:
        app.write_text(f"{code}\n\ndef handler(event, context):\n    sys.exit(4)\n", "utf-8")
    zoo("deploy", "exits", "--no-smoke")
    payload, refused = fails(zoo, "exits")
    assert payload["errorType"] == "Runtime.ExitError"
    assert re.fullmatch(
        rf"RequestId: {UUID} Error: Runtime exited with error: exit status {status}",
        payload["errorMessage"],
    )
    assert "Error Type: Runtime.ExitError" in refused.before


def test_out_of_memory(zoo: Command) -> None:
    deploy(zoo, "eats_memory")
    payload, refused = fails(zoo, "eats_memory")
    assert payload["errorType"] == "Runtime.ExitError"
    assert payload["errorMessage"].endswith("Error: Runtime exited with error: signal: killed")
    written = report(refused.before)
    assert "Memory Size: 128 MB\tMax Memory Used: 128 MB" in written
    assert "Status: error\tError Type: Runtime.OutOfMemory" in written
    assert answer(zoo, "eats_memory", {"megabytes": 20}) == {"megabytes": 20}


def test_out_of_tmp(zoo: Command) -> None:
    deploy(zoo, "fills_tmp")
    payload, _ = fails(zoo, "fills_tmp")
    assert payload["errorType"] == "OSError"
    assert payload["errorMessage"] == "[Errno 28] No space left on device"
    assert answer(zoo, "fills_tmp", {"megabytes": 10}) == {"bytes": 10 << 20}


def test_out_of_time(zoo: Command) -> None:
    deploy(zoo, "sleeps")
    payload, refused = fails(zoo, "sleeps")
    assert payload["errorType"] == "Sandbox.Timedout"
    assert re.fullmatch(
        rf"RequestId: {UUID} Error: Task timed out after 1.00 seconds", payload["errorMessage"]
    )
    assert "Duration: 1000.00 ms" in report(refused.before)
    assert "Status: timeout" in report(refused.before)
    soon = answer(zoo, "sleeps", {"seconds": 0.1})
    assert soon["slept"] == 0.1
    assert 0 < soon["remaining_ms_after"] < soon["remaining_ms_before"] <= 1000


def test_an_answer_that_is_too_big(zoo: Command) -> None:
    deploy(zoo, "big_answer")
    payload, _ = fails(zoo, "big_answer")
    assert payload["errorType"] == "Function.ResponseSizeTooLarge"
    assert payload["errorMessage"] == (
        "Response payload size exceeded maximum allowed payload size (6291556 bytes)."
    )
    largest = answer(zoo, "big_answer", {"bytes": 6_291_556})
    assert largest == "x" * 6_291_554


def test_an_event_that_is_too_big_never_gets_to_the_function(zoo: Command) -> None:
    zoo("deploy", "hello")
    event = json.dumps({"name": "x" * (6 << 20)})
    refused = refusal(zoo.run("invoke", "hello", "--event", "-", stdin=event))
    assert refused.what == "AWS refused to invoke hello:live"
    assert "Request must be smaller than 6291456 bytes for the InvokeFunction operation" in (
        refused.why
    )


def test_an_event_that_is_not_json_is_refused(zoo: Command) -> None:
    refused = refusal(zoo.run("invoke", "hello", "--event", "-", stdin="{'name': 1}"))
    assert refused.what == "the event for hello is not JSON"
    assert "line 1 column 2" in refused.why
    assert refused.hint == "Lambda takes JSON only"
