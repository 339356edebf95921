"""The Node.js loader, started as Lambda starts it, where all is well."""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path

import pytest
from faulty_s3 import FaultyS3, error
from loader_world import LOCATION
from node_world import COMMONJS, ESM, PACKAGES, NodeWorld

from wideload.cache import Cache, default_root
from wideload.sandbox import LinuxSandbox
from wideload.values.bundle import BUNDLE_VARIABLE, NODE_LOADER_HANDLER
from wideload.values.environment import EnvironmentSpec
from wideload.values.invocation import Invocation, Outcome

pytestmark = pytest.mark.network
RUNTIMES = ("nodejs20.x", "nodejs22.x", "nodejs24.x")


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Cache:
    return Cache(tmp_path_factory.mktemp("node-cache"))


@pytest.fixture(scope="session")
def cache_root() -> Path:
    return default_root()


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("own", [ESM, COMMONJS], ids=["esm", "commonjs"])
def test_it_starts(runtime: str, own: dict[str, bytes | str], cache: Cache, tmp_path: Path) -> None:
    world = NodeWorld(tmp_path, runtime, cache, own=own)
    outcome = world.start()
    world.right(outcome)
    world.whole()
    assert outcome.answer["event"] == {"n": 1}
    model = PACKAGES["big/model.bin"]
    assert isinstance(model, bytes)
    assert outcome.answer["model"] == hashlib.sha256(model).hexdigest()
    compression = "gzip" if runtime == "nodejs20.x" else "zstd"
    assert (world.index["format"], world.index["compression"]) == (2, compression)
    assert outcome.timings["whole"] is True
    assert {path.name for path in world.folder.iterdir()} == {"tree", "complete"}
    assert world.folder.stat().st_mode & 0o7777 == 0o700


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_bare_names_in_the_functions_folder_are_found(
    runtime: str, cache: Cache, tmp_path: Path
) -> None:
    """NODE_PATH names /var/task, so `require("lib/util")` works; it has to find packages, too."""
    own = {
        "app.js": "exports.handler = async () => ({ n: require('lib/util'), at: module.path });",
        "lib/util.js": "module.exports = require('gamma') + 1;",
    }
    world = NodeWorld(tmp_path, runtime, cache, own=own, handler="app.handler")
    outcome = world.start()
    assert outcome.answer == {"n": 4, "at": str(world.tree)}, outcome.error


def test_a_large_file_of_the_users_lies_beside_his_modules(cache: Cache, tmp_path: Path) -> None:
    model = random.Random(5).randbytes(2_500_000)
    app = """
        import { readFileSync } from "node:fs";
        const size = readFileSync(new URL("../model.bin", import.meta.url)).length;
        export const handler = async () => ({ size });
    """
    own: dict[str, bytes | str] = {"src/app.mjs": app, "model.bin": model}
    world = NodeWorld(tmp_path, "nodejs22.x", cache, own=own)
    assert not (world.task / "model.bin").exists()
    assert world.start().answer == {"size": len(model)}
    world.whole()


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_the_handler_is_the_functions_own(runtime: str, cache: Cache, tmp_path: Path) -> None:
    """Its number of parameters and its marks are what runtimes go by."""
    app = """
        export const handler = async (one, two) => one;
        handler[Symbol.for("aws.lambda.runtime.handler.streaming")] = "response";
        export const nested = { deep: handler };
    """
    world = NodeWorld(
        tmp_path, runtime, cache, own={"src/app.mjs": app}, handler="src/app.nested.deep"
    )
    code = """
        const task = process.env.LAMBDA_TASK_ROOT;
        const { handler } = await import(`${task}/_wideload/run.mjs`);
        const mark = Symbol.for("aws.lambda.runtime.handler.streaming");
        const told = { length: handler.length, mark: handler[mark], name: process.env._HANDLER };
        console.log(JSON.stringify(told));
    """
    wanted = {"length": 2, "mark": "response", "name": "src/app.nested.deep"}
    assert world.start(code).answer == wanted


@pytest.mark.parametrize(
    ("app", "told"),
    [
        ("throw new TypeError('mine');", "TypeError: mine"),
        ("import 'absent';", "Cannot find package 'absent' imported from"),
        ("export const ;", "SyntaxError: Unexpected token"),
        ("export const other = 1;", "src/app.handler is undefined or not exported"),
    ],
)
def test_an_error_of_the_handlers_module_is_its_own(
    app: str, told: str, cache: Cache, tmp_path: Path
) -> None:
    world = NodeWorld(tmp_path, "nodejs22.x", cache, own={"src/app.mjs": app})
    outcome = world.start()
    assert outcome.code == 1
    assert told in outcome.error
    assert "BundleError" not in outcome.error


def test_without_a_place_it_says_so(cache: Cache, tmp_path: Path) -> None:
    outcome = NodeWorld(tmp_path, "nodejs22.x", cache).start(WIDELOAD_BUNDLE="")
    assert outcome.code == 1
    assert "the environment variable WIDELOAD_BUNDLE does not say where" in outcome.error


def test_options_for_the_main_thread_are_not_the_unpacking_threads(
    cache: Cache, tmp_path: Path
) -> None:
    """A module that is to be loaded first, a tracer's for instance, is loaded once."""
    first = tmp_path / "first.cjs"
    first.write_text("process.stderr.write('FIRST\\n');")
    outcome = NodeWorld(tmp_path / "world", "nodejs22.x", cache).start(
        NODE_OPTIONS=f"--require {first}"
    )
    assert outcome.code == 0, outcome.error
    assert outcome.error.count("FIRST") == 1


def invoked(world: NodeWorld, s3: FaultyS3, sandbox_cache: Path) -> Invocation:
    """What comes of one invocation, as Lambda would start the function."""
    spec = EnvironmentSpec(
        function="probe",
        version="1",
        target=world.target,
        handler=NODE_LOADER_HANDLER,
        task=str(world.task),
        memory=1024,
        timeout=10,
        environment={BUNDLE_VARIABLE: LOCATION.variable(), "WIDELOAD_TIMINGS": "1"},
        credentials={"AWS_ACCESS_KEY_ID": "AK", "AWS_SECRET_ACCESS_KEY": "secret"},
        endpoint=s3.url,
    )
    environment = LinuxSandbox(sandbox_cache).start(spec)
    try:
        return environment.invoke(b'{"n": 2}', "id-1")
    finally:
        environment.close()


@pytest.mark.sandbox
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_in_a_sandbox_lambdas_runtime_starts_it(
    runtime: str, cache: Cache, tmp_path: Path, cache_root: Path
) -> None:
    world = NodeWorld(tmp_path, runtime, cache, folder="/tmp")
    with FaultyS3(world.content) as s3:
        answer = invoked(world, s3, cache_root)
    assert answer.outcome is Outcome.SUCCESS, answer.log
    found = json.loads(answer.payload)
    assert (found["sum"], found["event"]) == (6, {"n": 2})
    assert found["root"] == f"/tmp/wideload-{world.bundle.sha256[:32]}/tree"
    assert '{"wideload":{' in answer.log


@pytest.mark.sandbox
@pytest.mark.parametrize("runtime", ["nodejs20.x", "nodejs22.x"])
def test_nothing_of_the_loader_keeps_the_event_loop(
    runtime: str, cache: Cache, tmp_path: Path, cache_root: Path
) -> None:
    """A handler with a callback is answered for when the loop is empty."""
    app = "exports.handler = (event, context, callback) => { callback(null, event.n); };"
    world = NodeWorld(tmp_path, runtime, cache, own={"src/app.js": app}, folder="/tmp")
    with FaultyS3(world.content) as s3:
        answer = invoked(world, s3, cache_root)
    assert answer.payload == b"2", answer.log
    assert answer.duration_ms < 1000


@pytest.mark.sandbox
def test_what_is_in_the_way_is_lambdas_init_error(
    cache: Cache, tmp_path: Path, cache_root: Path
) -> None:
    world = NodeWorld(tmp_path, "nodejs22.x", cache, folder="/tmp")
    with FaultyS3(world.content, lambda _: error(404, "NoSuchKey")) as s3:
        answer = invoked(world, s3, cache_root)
    assert answer.outcome is Outcome.CRASHED
    document = json.loads(answer.payload)
    assert document["errorType"] == "BundleError"
    assert "is not there; why: NoSuchKey" in document["errorMessage"]
