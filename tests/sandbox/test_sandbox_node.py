"""Node.js functions, on each runtime that Lambda has for them."""

from __future__ import annotations

import json
import re
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
# Node.js of other versions than this machine's is fetched.
pytestmark = [pytest.mark.sandbox, pytest.mark.network]

WITH_CALLBACKS = ("nodejs20.x", "nodejs22.x")
RUNTIMES = (*WITH_CALLBACKS, "nodejs24.x")

Starter = Callable[..., "LinuxEnvironment"]


@pytest.fixture
def start(sandbox: LinuxSandbox, tmp_path: Path) -> Iterator[Starter]:
    """Starts a function of some files; ``app.mjs`` where it is given as text."""
    started: list[LinuxEnvironment] = []

    def begin(
        runtime: str, files: str | dict[str, str], handler: str = "app.handler", **changes: Any
    ) -> LinuxEnvironment:
        folder = tmp_path / str(len(started))
        folder.mkdir()
        for name, text in ({"app.mjs": files} if isinstance(files, str) else files).items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        options: dict[str, Any] = {"memory": 1769, "timeout": 10} | changes
        spec = EnvironmentSpec(
            function="probe",
            version="$LATEST",
            target=Target.parse(runtime, "x86_64"),
            handler=handler,
            task=str(folder),
            **options,
        )
        started.append(sandbox.start(spec))
        return started[-1]

    yield begin
    for environment in started:
        environment.close()


def answer_of(environment: LinuxEnvironment, event: object = None) -> Any:
    answer = environment.invoke(json.dumps(event).encode(), "id-1")
    assert answer.outcome is Outcome.SUCCESS, answer.log
    return json.loads(answer.payload)


MODULES: dict[str, tuple[dict[str, str], str]] = {
    "mjs": (
        {"app.mjs": "const n = await Promise.resolve(7);\nexport const handler = async () => n;"},
        "app.handler",
    ),
    "cjs": ({"app.cjs": "exports.handler = async () => 7;"}, "app.handler"),
    "js is CommonJS": ({"app.js": "module.exports.handler = async () => 7;"}, "app.handler"),
    "js of a module package": (
        {"package.json": '{"type": "module"}', "app.js": "export const handler = async () => 7;"},
        "app.handler",
    ),
    "the nearest package.json counts": (
        {
            "package.json": '{"type": "module"}',
            "src/package.json": '{"type": "commonjs"}',
            "src/app.js": "exports.handler = async () => 7;",
        },
        "src/app.handler",
    ),
    "in a folder": ({"src/fns/app.mjs": "export const handler = () => 7;"}, "src/fns/app.handler"),
    "nested": (
        {"app.mjs": "export const api = { v1: { get: async () => 7 } };"},
        "app.api.v1.get",
    ),
    "a package": (
        {
            "node_modules/seven/package.json": '{"name": "seven", "main": "main.js"}',
            "node_modules/seven/main.js": "module.exports = 7;",
            "app.mjs": "import seven from 'seven';\nexport const handler = () => seven;",
        },
        "app.handler",
    ),
}


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("kind", MODULES)
def test_handlers_are_found_as_in_lambda(start: Starter, runtime: str, kind: str) -> None:
    files, handler = MODULES[kind]
    # Those that return no promise answer nothing where callbacks are taken.
    wanted = None if kind in ("in a folder", "a package") and runtime in WITH_CALLBACKS else 7
    assert answer_of(start(runtime, files, handler)) == wanted


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_success_is_the_handlers_answer_and_lambdas_lines(start: Starter, runtime: str) -> None:
    environment = start(
        runtime,
        """
        console.log("importing");
        export const handler = async (event, context) => {
            console.warn("said %d", event.a, "two\\nlines");
            process.stderr.write("raw\\n");
            return { id: context.awsRequestId, arn: context.invokedFunctionArn,
                memory: context.memoryLimitInMB, left: context.getRemainingTimeInMillis() };
        };
        """,
    )
    answer = environment.invoke(b'{"a": 1}', "id-1")
    found = json.loads(answer.payload)
    assert 5000 < found.pop("left") <= 10_000
    arn = "arn:aws:lambda:us-east-1:123456789012:function:probe"
    assert found == {"id": "id-1", "arn": arn, "memory": "1769"}
    before = "-" if runtime == "nodejs24.x" else "undefined"
    assert re.fullmatch(
        rf"\S+Z\t{before}\tINFO\timporting\n"
        r"START RequestId: id-1 Version: \$LATEST\n"
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\tid-1\tWARN\tsaid 1 two\nlines\n"
        r"raw\n"
        r"END RequestId: id-1\n"
        r"REPORT RequestId: id-1\tDuration: .*\tInit Duration: \d+\.\d\d ms\t\n",
        answer.log,
    )
    again = environment.invoke(b'{"a": 2}', "id-2")
    assert again.init_ms is None
    assert "importing" not in again.log


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_the_runtime_is_the_right_one_as_lambda_starts_it(start: Starter, runtime: str) -> None:
    environment = start(
        runtime,
        """
        export const handler = async () => ({
            major: process.versions.node.split(".")[0],
            options: process.execArgv,
            path: process.env.NODE_PATH.split(":"),
            name: process.env.AWS_EXECUTION_ENV,
            cwd: process.cwd(),
        });
        """,
        memory=1000,
        environment={"NODE_OPTIONS": "--experimental-require-module"},
    )
    major = runtime.removeprefix("nodejs").removesuffix(".x")
    heap = ["--max-http-header-size=81920", "--max-semi-space-size=50", "--max-old-space-size=900"]
    off = ["--no-experimental-detect-module"] if major == "22" else []
    assert answer_of(environment) == {
        "major": major,
        "options": [*off, *heap],
        "path": [
            f"/opt/nodejs/node{major}/node_modules",
            "/opt/nodejs/node_modules",
            "/var/runtime/node_modules",
            "/var/runtime",
            "/var/task",
        ],
        "name": f"AWS_Lambda_{runtime}",
        "cwd": "/var/task",
    }


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_packages_of_layers_are_found(start: Starter, tmp_path: Path, runtime: str) -> None:
    """By ES modules too, which Node.js itself does not look for there."""
    major = runtime.removeprefix("nodejs").removesuffix(".x")
    for name, which in (("node_modules", "plain"), (f"node{major}/node_modules", "versioned")):
        for package in ("both", which):
            folder = tmp_path / "layer/nodejs" / name / package
            folder.mkdir(parents=True)
            (folder / "index.js").write_text(f"module.exports = '{which}';")
    layers = (str(tmp_path / "layer"),)
    names = ("both", "plain", "versioned")
    source = f"const all = {json.dumps(names)}.map(require);"
    files = {"app.js": f"{source}\nexports.handler = async () => all;"}
    wanted = ["versioned", "plain", "versioned"]
    assert answer_of(start(runtime, files, layers=layers)) == wanted
    imports = "".join(f"import {name} from '{name}';\n" for name in names)
    source = f"{imports}export const handler = async () => [{', '.join(names)}];"
    assert answer_of(start(runtime, source, layers=layers)) == wanted
    missing = start(runtime, "import 'nowhere';", layers=layers).invoke(b"{}", "id-1")
    message = json.loads(missing.payload)["errorMessage"]
    assert "Cannot find package 'nowhere' imported from /var/task/app.mjs" in message


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_an_error_is_the_runtimes_document_and_the_environment_lives_on(
    start: Starter, runtime: str
) -> None:
    environment = start(
        runtime,
        """
        class OutOfStock extends Error { name = "OutOfStock"; sku = "x1"; }
        export const handler = async (event) => {
            if (event === "string") throw "not an error";
            if (event) throw new OutOfStock("none left");
            return "fine";
        };
        """,
    )
    answer = environment.invoke(b"true", "id-1")
    assert answer.outcome is Outcome.HANDLED
    document = json.loads(answer.payload)
    assert list(document) == ["errorType", "errorMessage", "trace"]
    assert document["errorType"] == "OutOfStock"
    assert document["errorMessage"] == "none left"
    assert document["trace"][1].startswith("    at ")
    assert "file:///var/task/app.mjs:5:" in document["trace"][1]
    line = next(each for each in answer.log.splitlines() if "\tERROR\t" in each)
    _, identity, level, words, told = line.split("\t")
    assert (identity, level, words) == ("id-1", "ERROR", "Invoke Error ")
    logged = json.loads(told)
    assert (logged["errorType"], logged["sku"]) == ("OutOfStock", "x1")
    assert logged["stack"] == document["trace"]
    assert json.loads(environment.invoke(b'"string"', "id-2").payload) == {
        "errorType": "string",
        "errorMessage": "not an error",
        "trace": [],
    }
    assert environment.invoke(b"null", "id-3").payload == b'"fine"'


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize(
    ("files", "handler", "error_type", "message"),
    [
        (
            {"app.js": "require('absent')"},
            "app.handler",
            "Runtime.ImportModuleError",
            "Error: Cannot find module 'absent'\nRequire stack:\n- /var/task/app.js",
        ),
        ({}, "nowhere.handler", "Runtime.ImportModuleError", "Cannot find module 'nowhere'"),
        (
            {"app.mjs": "import 'absent'"},
            "app.handler",
            "Error",
            "Cannot find package 'absent' imported from /var/task/app.mjs",
        ),
        (
            {"app.mjs": "export const other = 1;"},
            "app.handler",
            "Runtime.HandlerNotFound",
            "app.handler is undefined or not exported",
        ),
        (
            {"app.mjs": "export const handler = 1;"},
            "app.handler",
            "Runtime.HandlerNotFound",
            "app.handler is not a function",
        ),
        (
            {"app.mjs": "export const ="},
            "app.handler",
            "Runtime.UserCodeSyntaxError",
            "SyntaxError: Unexpected token",
        ),
        ({"app.js": "function ("}, "app.handler", "Runtime.UserCodeSyntaxError", "SyntaxError: "),
        ({}, "handler", "Runtime.MalformedHandlerName", "Bad handler"),
        (
            {},
            "../app.handler",
            "Runtime.MalformedHandlerName",
            "'../app.handler' is not a valid handler name",
        ),
        ({"app.mjs": "null.x"}, "app.handler", "TypeError", "Cannot read properties of null"),
        ({"app.mjs": "await Promise.reject(new RangeError('far'))"}, "app.x", "RangeError", "far"),
    ],
)
def test_init_errors_are_the_runtimes_document(
    start: Starter, runtime: str, files: dict[str, str], handler: str, error_type: str, message: str
) -> None:
    answer = start(runtime, files, handler).invoke(b"{}", "id-1")
    assert answer.outcome is Outcome.CRASHED
    document = json.loads(answer.payload)
    assert document["errorType"] == error_type
    assert message in document["errorMessage"]
    assert isinstance(document["trace"], list)
    words = "Init Error" if runtime == "nodejs24.x" else "Uncaught Exception"
    assert f"\tERROR\t{words} \t{{" in answer.log
    for phase in ("init", "invoke"):
        assert re.search(
            rf"^INIT_REPORT Init Duration: \S+ ms\tPhase: {phase}\tStatus: error\t"
            rf"Error Type: {re.escape(error_type)}\n",
            answer.log,
            re.MULTILINE,
        )


CALLBACKS = {
    "callback": ("(e, c, cb) => { setTimeout(() => cb(null, 7), 20); }", 7),
    "callback at once": ("(e, c, cb) => cb(null, 7)", 7),
    "only the first": ("(e, c, cb) => { cb(null, 7); cb(null, 8); c.succeed(9); }", 7),
    "succeed": ("(e, c) => { setTimeout(() => c.succeed(7), 20); }", 7),
    "done": ("(e, c) => c.done(null, 7)", 7),
    "nobody answers": ("() => { setTimeout(() => {}, 20); return 7; }", None),
    "waits for the loop": (
        "(e, c, cb) => { const seen = [1]; setTimeout(() => seen.push(2), 100); cb(null, seen); }",
        [1, 2],
    ),
    "does not wait": (
        """(e, c, cb) => {
            c.callbackWaitsForEmptyEventLoop = false;
            const seen = [1];
            setTimeout(() => seen.push(2), 60000);
            cb(null, seen);
        }""",
        [1],
    ),
    "a promise does not wait": (
        "async () => { setTimeout(() => {}, 60000); return 7; }",
        7,
    ),
}


@pytest.mark.parametrize("runtime", WITH_CALLBACKS)
@pytest.mark.parametrize("kind", CALLBACKS)
def test_callback_style(start: Starter, runtime: str, kind: str) -> None:
    source, wanted = CALLBACKS[kind]
    environment = start(runtime, f"export const handler = {source};")
    # More than once: nothing of an invocation is left for the next.
    for _ in range(3):
        assert answer_of(environment) == wanted


@pytest.mark.parametrize("runtime", WITH_CALLBACKS)
@pytest.mark.parametrize(
    ("source", "document"),
    [
        (
            "(e, c, cb) => cb('no')",
            {"errorType": "string", "errorMessage": "no", "trace": []},
        ),
        ("(e, c) => c.fail()", {"errorType": "string", "errorMessage": "handled", "trace": []}),
        ("(e, c, cb) => cb(new TypeError('no'))", {"errorType": "TypeError", "errorMessage": "no"}),
        ("() => { throw new TypeError('no'); }", {"errorType": "TypeError", "errorMessage": "no"}),
        (
            "async () => { const a = {}; a.a = a; return a; }",
            {"errorType": "Error", "errorMessage": "Unable to stringify response body"},
        ),
    ],
)
def test_callback_styles_errors(
    start: Starter, runtime: str, source: str, document: dict[str, Any]
) -> None:
    environment = start(runtime, f"export const handler = {source};")
    for number in range(2):
        answer = environment.invoke(b"{}", f"id-{number}")
        assert answer.outcome is Outcome.HANDLED
        assert json.loads(answer.payload).items() >= document.items()


@pytest.mark.parametrize("runtime", WITH_CALLBACKS)
@pytest.mark.parametrize(
    ("statement", "error_type", "message", "status", "words"),
    [
        (
            "Promise.reject(new Error('lost'))",
            "Runtime.UnhandledPromiseRejection",
            "Error: lost",
            128,
            "Unhandled Promise Rejection",
        ),
        (
            "setTimeout(() => { throw new Error('lost'); })",
            "Error",
            "lost",
            129,
            "Uncaught Exception",
        ),
    ],
)
def test_what_nobody_catches_ends_the_process(
    start: Starter,
    runtime: str,
    statement: str,
    error_type: str,
    message: str,
    status: int,
    words: str,
) -> None:
    source = f"export const handler = () => new Promise(() => {{ {statement}; }});"
    environment = start(runtime, source)
    answer = environment.invoke(b"{}", "id-1")
    assert answer.outcome is Outcome.HANDLED
    document = json.loads(answer.payload)
    assert (document["errorType"], document["errorMessage"]) == (error_type, message)
    assert f"\tid-1\tERROR\t{words} \t{{" in answer.log
    ended = f"RequestId: id-1 Error: Runtime exited with error: exit status {status}\n"
    assert f"{ended}Runtime.ExitError\nEND RequestId: id-1\n" in answer.log
    assert not environment.alive


def test_node_24_takes_no_callbacks(start: Starter) -> None:
    answer = start("nodejs24.x", "export const handler = (e, c, cb) => cb(null, 7);").invoke(
        b"{}", "id-1"
    )
    document = json.loads(answer.payload)
    assert document["errorType"] == "Runtime.CallbackHandlerDeprecated"
    assert "removed support for callback-based function handlers" in document["errorMessage"]
    keys = "export const handler = (event, context) => Object.keys(context);"
    found = answer_of(start("nodejs24.x", keys))
    assert not {"done", "succeed", "fail", "callbackWaitsForEmptyEventLoop"} & set(found)


def test_node_24_looks_into_the_default_export(start: Starter) -> None:
    source = "export default { handler: async () => 7 };"
    assert answer_of(start("nodejs24.x", source)) == 7
    answer = start("nodejs22.x", source).invoke(b"{}", "id-1")
    assert json.loads(answer.payload)["errorType"] == "Runtime.HandlerNotFound"


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_streams_are_answered_in_one_piece(start: Starter, runtime: str) -> None:
    environment = start(
        runtime,
        """
        export const handler = awslambda.streamifyResponse(async (event, stream, context) => {
            stream.write("one ");
            await new Promise((go) => setTimeout(go, 10));
            stream.write(context.awsRequestId);
            stream.end();
            if (event === "late") throw new Error("late");
            await new Promise((go) => stream.on("finish", go));
        });
        """,
    )
    assert environment.invoke(b"{}", "id-1").payload == b"one id-1"
    failed = environment.invoke(b'"late"', "id-2")
    assert failed.outcome is Outcome.HANDLED
    assert json.loads(failed.payload)["errorMessage"] == "late"


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_answers_over_the_limit_and_time_outs(start: Starter, runtime: str) -> None:
    environment = start(
        runtime,
        """
        export const handler = async (event) => {
            if (event) return "x".repeat(event);
            await new Promise((go) => setTimeout(go, 60000));
        };
        """,
        timeout=2,
    )
    answer = environment.invoke(b"7000000", "id-1")
    assert json.loads(answer.payload)["errorType"] == "Function.ResponseSizeTooLarge"
    assert "LAMBDA_RUNTIME Failed to post handler success response. Http response" in answer.log
    assert len(environment.invoke(b"6000000", "id-2").payload) == 6_000_002
    late = environment.invoke(b"0", "id-3")
    assert late.outcome is Outcome.TIMED_OUT


def test_the_wrapper_script_gets_the_runtimes_command(start: Starter) -> None:
    files = {
        "wrap": '#!/bin/sh\nexport WRAPPED="$*"\nexec "$@"\n',
        "app.mjs": "export const handler = async () => process.env.WRAPPED;",
    }
    wrapped = {"AWS_LAMBDA_EXEC_WRAPPER": "/var/task/wrap"}
    environment = start("nodejs22.x", files, environment=wrapped)
    answer = environment.invoke(b"{}", "id-1")
    refused = "fork/exec /var/task/wrap: permission denied"
    assert json.loads(answer.payload) == {
        "errorType": "Runtime.InvalidEntrypoint",
        "errorMessage": f"RequestId: id-1 Error: {refused}",
    }
