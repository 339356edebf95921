"""Cold frames: what nobody was thought to want comes late, and the answer is right."""

from __future__ import annotations

import errno
import functools
import hashlib
import io
import json
import os
import random
import signal
import time
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from faulty_s3 import Answer, Asked, FaultyS3, error
from loader_world import MODEL, Outcome, World

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.network

ON_DEMAND = {"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand", "AWS_LAMBDA_FUNCTION_NAME": "demo"}
APP = """
import hashlib, importlib.metadata, os, sys
import alpha
from nsp.one import ONE

def handler(event, context):
    import big, lazy
    with open(os.path.join(os.path.dirname(big.__file__), "model.bin"), "rb") as file:
        model = file.read()
    return {
        "model": hashlib.sha256(model).hexdigest(),
        "lazy": lazy.X,
        "version": importlib.metadata.version("lazy"),
        "one": ONE,
    }
"""
BEGIN = """
import json, os, sys, threading, time
sys.path.insert(0, sys.argv[1])
from _wideload.run import handler
tree = next(path for path in sys.path if path.endswith("/tree"))
home = os.path.dirname(os.path.dirname(tree))
"""


def lines(outcome: Outcome) -> list[dict[str, Any]]:
    """The lines of metrics that a start wrote."""
    told = [line for line in outcome.error.splitlines() if line.startswith('{"_aws"')]
    return [json.loads(line) for line in told]


@pytest.fixture(scope="session")
def cold_world(make_world: Callable[..., World], tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(
        tmp_path_factory.mktemp("cold"),
        own={"app.py": APP},
        unused=["big/", "lazy/", "alpha/sub/"],
    )


@pytest.fixture
def cold(cold_world: World) -> World:
    """A function of whose packages two are cold; and a sub-package of a third would be, but for its
    data."""
    cold_world.clear()
    return cold_world


@pytest.fixture(scope="session")
def worlds_on(
    make_world: Callable[..., World], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], World]:
    """The same function, made once for each of Lambda's Pythons."""

    @functools.cache
    def made(version: str) -> World:
        root = tmp_path_factory.mktemp(f"cold-{version}")
        return make_world(root, version, own={"app.py": APP}, unused=["big/", "lazy/"])

    return made


@pytest.fixture
def cold_on(worlds_on: Callable[[str], World]) -> Callable[[str], World]:
    """The same function for one of Lambda's Pythons, and a /tmp in which nothing is yet."""

    def cleared(version: str) -> World:
        world = worlds_on(version)
        world.clear()
        return world

    return cleared


def right(outcome: Outcome) -> None:
    assert outcome.code == 0, outcome.error
    assert outcome.answer == {
        "model": hashlib.sha256(MODEL).hexdigest(),
        "lazy": "lazy",
        "version": "1.0",
        "one": 1,
    }


def is_cold(world: World, asked: Asked) -> bool:
    index = world.index
    return bool(asked.end > index["frames"][index["hot"]][0])


def test_what_is_wanted_after_all_comes_late_and_is_counted(cold: World) -> None:
    outcome = cold.start(**ON_DEMAND)
    right(outcome)
    index = cold.index
    assert index["format"] == 3
    init, *late = lines(outcome)
    hot = index["frames"][: index["hot"]]
    assert init["Phase"] == "init"
    assert init["FunctionName"] == "demo"
    assert init["BundleFrames"] == len(hot)
    assert init["BundleBytes"] == sum(frame[1] for frame in hot)
    assert init["ColdHits"] == 0
    assert [line["ColdPaths"] for line in late] == [["big/__init__.py"], ["lazy/__init__.py"]]
    assert {line["Phase"] for line in late} == {"cold"}
    assert sum(line["ColdHits"] for line in late) == 2
    wanted = {frame for line in late for frame in frames_of(cold, line["ColdPaths"][0])}
    assert sum(line["BundleFrames"] for line in late) == len(wanted)
    assert sum(line["BundleBytes"] for line in late) == sum(index["frames"][f][1] for f in wanted)
    # It holds data, of a package that is used.
    assert (cold.tree / "alpha/sub/table.bin").exists()
    metrics = init["_aws"]["CloudWatchMetrics"][0]
    assert {metric["Name"] for metric in metrics["Metrics"]} <= init.keys()
    assert set(metrics["Dimensions"][0]) <= init.keys()


def frames_of(world: World, path: str) -> set[int]:
    """The cold frames of the unit of a path."""
    index = world.index
    unit = next(file[5] for file in index["files"] if file[0] == path)
    return {frame for frame in index["units"][unit] if frame >= index["hot"]}


def test_of_what_is_never_wanted_nothing_is_fetched(cold: World) -> None:
    code = BEGIN + "time.sleep(1.5)\nprint(json.dumps({}))\n"
    with FaultyS3(cold.content) as s3:
        outcome = cold.run(s3.url, code, **ON_DEMAND)
        assert not [asked for asked in s3.asked if is_cold(cold, asked)]
    assert len(lines(outcome)) == 1
    # The process that unpacks has ended, and left nothing.
    assert {path.name for path in cold.folder.iterdir()} == {"tree", "complete"}


@pytest.mark.parametrize("version", ["3.10", "3.11", "3.12"])
def test_on(version: str, cold_on: Callable[[str], World]) -> None:
    right(cold_on(version).start(**ON_DEMAND))


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("len(open(tree + '/lazy/weights.bin', 'rb').read())", 500_000),
        ("os.path.getsize(tree + '/lazy/weights.bin')", 500_000),
        ("os.path.exists(os.fsencode(tree) + b'/lazy/weights.bin')", True),
        ("os.access(tree + '/lazy/weights.bin', os.R_OK)", True),
        ("__import__('pathlib').Path(tree, 'lazy', 'weights.bin').is_file()", True),
        ("os.chdir(tree + '/lazy') or os.path.isfile('weights.bin')", True),
        ("sorted(os.listdir(tree + '/lazy'))", ["__init__.py", "weights.bin"]),
        ("len(__import__('glob').glob(tree + '/la*/*.bin'))", 1),
        ("__import__('pkgutil').get_data('lazy', '__init__.py').decode()", "X = 'lazy'\n"),
        ("[one.name for one in __import__('pkgutil').iter_modules([tree + '/alpha'])]", None),
        (
            """__import__('sqlite3').connect(tree + '/lazy/weights.bin') and (
            __import__('posix').stat(tree + '/lazy/weights.bin').st_size)""",
            500_000,
        ),
        ("os.path.exists(tree + '/lazy/nothing.bin')", False),
        (
            "os.path.getsize(f\"/{tree.replace('/wideload', '/./wideload')}//lazy/weights.bin\")",
            500_000,
        ),
        ("os.stat('weights.bin', dir_fd=os.open(tree + '/lazy', os.O_RDONLY)).st_size", 500_000),
        ("len(os.listdir(os.open(tree + '/lazy', os.O_RDONLY)))", 2),
        ("sum(len(files) for *_, files, _ in os.fwalk(tree + '/lazy'))", 2),
        (
            "os.symlink(tree + '/lazy', home + '/to') or os.path.getsize(home + '/to/weights.bin')",
            500_000,
        ),
        (
            """__import__('sqlite3').connect(f'file:{tree}/lazy/weights%2Ebin?x=1', uri=True) and (
            __import__('posix').stat(tree + '/lazy/weights.bin').st_size)""",
            500_000,
        ),
        (
            "(sys.path.append(tree + '/alpha/../alpha/sub/..'), __import__('late').__name__)[1]",
            "late",
        ),
        (
            "str(__import__('importlib.resources').resources.files('lazy').joinpath('weights.bin').is_file())",
            "True",
        ),
        ("__import__('runpy').run_module('lazy.__init__')['X']", "lazy"),
        (
            """len(__import__('importlib.util').util.find_spec('lazy').loader.get_data(
            tree + '/lazy/weights.bin'))""",
            500_000,
        ),
    ],
)
def test_what_is_read_without_being_imported(cold: World, asked: str, told: object) -> None:
    outcome = cold.start(f"{BEGIN}\nprint(json.dumps({{'is': {asked}}}))", **ON_DEMAND)
    assert outcome.code == 0, outcome.error
    assert outcome.answer["is"] == (told if told is not None else ["late", "sub"])


@pytest.mark.parametrize(
    "code",
    [
        """
command = [sys.executable, '-c', program, weights]
size = int(__import__('subprocess').check_output(command))""",
        """
command = [os.path.relpath(sys.executable), '-c', program, weights]
size = int(__import__('subprocess').check_output(command))""",
        """
os.environ['PATH'] = f"/no/such/folder:{os.path.dirname(sys.executable)}"
command = [os.path.basename(sys.executable), '-c', program, weights]
size = int(__import__('subprocess').check_output(command))""",
        """
pool = __import__('multiprocessing').get_context('fork').Pool(2)
size = pool.map(os.path.getsize, [weights])[0]
pool.terminate()""",
    ],
    ids=["program", "relative", "of the PATH", "fork"],
)
def test_another_process_has_all_of_it(cold: World, code: str) -> None:
    program = "program = 'import os, sys; print(os.path.getsize(sys.argv[1]))'\n"
    weights = "weights = tree + '/lazy/weights.bin'\n"
    outcome = cold.start(
        BEGIN + program + weights + code + "\nprint(json.dumps({'size': size}))", **ON_DEMAND
    )
    assert outcome.answer == {"size": 500_000}, outcome.error
    assert lines(outcome)[-1]["ColdPaths"] == ["(another process)"]
    whole(cold)


@pytest.mark.parametrize(
    "code",
    [
        "__import__('subprocess').Popen(['no-such-program'])",
        "__import__('subprocess').Popen(['/no/such/program'], close_fds=False)",
        "__import__('subprocess').Popen(['no-such-program'], env={'PATH': '/no/such:/folder'})",
        "os.posix_spawn('/no/such/program', ['program'], {})",
        "os.execv(b'/no/such/program', ['program'])",
        "os.execvp('no-such-program', ['program'])",
    ],
)
def test_asking_for_a_program_that_is_not_there_fetches_nothing(cold: World, code: str) -> None:
    asking = f"try:\n    {code}\nexcept FileNotFoundError as error:\n    found = error.errno"
    outcome = cold.start(f"{BEGIN}\n{asking}\nprint(json.dumps({{'found': found}}))", **ON_DEMAND)
    assert outcome.answer == {"found": errno.ENOENT}, outcome.error
    assert [line["ColdHits"] for line in lines(outcome)] == [0]


def whole(world: World) -> None:
    """All the files are there, each as it is in the bundle."""
    for entry in world.kitchen.raw:
        if entry.path != "app.py":
            assert (world.tree / entry.path).read_bytes() == world.kitchen.content(entry)


def late(world: World, answer: Answer, attempts: int = 2) -> Callable[[Asked], Answer | None]:
    """The first attempts at each cold range are answered so."""
    return lambda asked: answer if is_cold(world, asked) and asked.attempt < attempts else None


@pytest.mark.parametrize(
    "answer",
    [
        error(500, "InternalError"),
        error(503, "SlowDown"),
        Answer(stop_after=1000, then="close"),
        Answer(stop_after=0, then="reset"),
        Answer(status=200, data=b"<html>captive portal</html>"),
    ],
    ids=["500", "slow-down", "cut", "reset", "portal"],
)
def test_it_is_asked_again_after(cold: World, answer: Answer) -> None:
    with FaultyS3(cold.content, late(cold, answer)) as s3:
        right(cold.run(s3.url, **ON_DEMAND))


def test_a_stalled_connection_is_overtaken(cold: World) -> None:
    stalled = late(cold, Answer(stop_after=20_000, then="stall"), 1)
    with FaultyS3(cold.content, stalled) as s3:
        right(cold.run(s3.url, **ON_DEMAND))


def flipped(world: World, asked: Asked) -> Answer:
    data = bytearray(world.content[asked.start : asked.end])
    data[len(data) // 2] ^= 1
    return Answer(data=bytes(data))


def test_a_corrupted_frame_is_fetched_again(cold: World) -> None:
    with FaultyS3(cold.content) as s3:
        s3.behave = lambda asked: (
            flipped(cold, asked) if is_cold(cold, asked) and not asked.attempt else None
        )
        right(cold.run(s3.url, **ON_DEMAND))


def test_a_tampered_frame_is_never_imported(cold: World) -> None:
    index, content = cold.index, bytearray(cold.content)
    for offset, length, *_ in index["frames"][index["hot"] :]:
        content[offset + length // 2] ^= 1
    with FaultyS3(bytes(content)) as s3:
        outcome = cold.run(s3.url, **ON_DEMAND)
    assert outcome.code == 1
    assert "the bundle in S3 is not the one that was deployed" in outcome.error
    assert not [path for path in (cold.tree / "big").iterdir() if path.is_file()]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (error(404, "NoSuchKey"), "is not there; why: NoSuchKey"),
        (error(403, "AccessDenied"), "s3:GetObject on arn:aws:s3:::bucket/bundles/a key+ü"),
    ],
    ids=["gone", "denied"],
)
def test_an_object_that_cannot_be_read_any_more(cold: World, answer: Answer, told: str) -> None:
    """What is there works on; what is not says why, and works as soon as it can be had."""
    code = (
        BEGIN
        + """
try:
    handler({}, None)
except RuntimeError as error:
    said = f"{type(error).__name__}: {error}"
import alpha
open(os.environ["MENDED"], "w").close()
print(json.dumps(handler({}, None) | {"said": said}))
"""
    )
    mended = cold.tmp / "mended"
    with FaultyS3(cold.content) as s3:
        s3.behave = lambda asked: answer if is_cold(cold, asked) and not mended.exists() else None
        outcome = cold.run(s3.url, code, MENDED=str(mended), **ON_DEMAND)
    said = outcome.answer.pop("said")
    right(outcome)
    assert said.startswith("BundleError: ")
    assert told in said
    # The attempt that failed counts, too.
    assert sum(line["ColdHits"] for line in lines(outcome)) == 3


@pytest.mark.sandbox
@pytest.mark.parametrize("counted", [True, False], ids=["before", "while"])
def test_a_tmp_that_the_function_filled(cold: World, counted: bool) -> None:
    size = str(cold.bundle.tmp_bytes + 512 * 1024)
    within = ["bwrap", "--dev-bind", "/", "/", "--size", size, "--tmpfs", str(cold.tmp)]
    code = (
        ""
        if counted
        else (
            "import sys\nsys.path.insert(0, sys.argv[1])\nfrom _wideload.folder import Folder\n"
            "Folder.room = lambda *_: None\n"
        )
    )
    code += (
        BEGIN
        + """
junk = os.path.dirname(os.path.dirname(tree)) + "/junk"
system = os.statvfs(os.path.dirname(junk))
with open(junk, "wb") as file:
    file.write(bytes(system.f_bavail * system.f_frsize - 1_000_000))
try:
    handler({}, None)
except RuntimeError as error:
    said = str(error)
left = os.listdir(os.path.dirname(tree))
os.unlink(junk)
print(json.dumps(handler({}, None) | {"said": said, "left": sorted(left)}))
"""
    )
    with FaultyS3(cold.content) as s3:
        outcome = cold.run(s3.url, code, within, **ON_DEMAND)
    assert outcome.code == 0, outcome.error
    said, left = outcome.answer.pop("said"), outcome.answer.pop("left")
    right(outcome)
    assert "/tmp is too small for the function's packages" in said
    assert "let it leave more of /tmp free" in said
    assert left[-1] == "tree"


def test_two_threads_at_once(cold: World) -> None:
    code = (
        BEGIN
        + """
answers = []
def call(name):
    __import__(name)
    answers.append(handler({}, None))
threads = [threading.Thread(target=call, args=(name,)) for name in ("big", "lazy") * 3]
for each in threads:
    each.start()
for each in threads:
    each.join(30)
assert len(answers) == 6 and all(each == answers[0] for each in answers)
print(json.dumps(answers[0]))
"""
    )
    with FaultyS3(cold.content) as s3:
        s3.behave = lambda asked: Answer(delay=0.2) if is_cold(cold, asked) else None
        outcome = cold.run(s3.url, code, **ON_DEMAND)
        fetched = [asked for asked in s3.asked if is_cold(cold, asked)]
    right(outcome)
    # Nothing was asked for twice, but by a hedge.
    assert len({(asked.start, asked.end) for asked in fetched}) >= len(fetched) - 4
    late_lines = [line for line in lines(outcome) if line["Phase"] == "cold"]
    assert sum(line["ColdHits"] for line in late_lines) == 2
    assert sum(line["BundleFrames"] for line in late_lines) == len(
        frames_of(cold, "big/__init__.py") | frames_of(cold, "lazy/__init__.py")
    )


def test_keys_are_those_of_the_invocation(cold: World) -> None:
    """Not those of the init: these may have expired long since."""
    code = (
        BEGIN
        + """
time.sleep(1.5)
os.environ["AWS_ACCESS_KEY_ID"] = "AKIALATER"
print(json.dumps(handler({}, None)))
"""
    )
    with FaultyS3(cold.content) as s3:
        right(cold.run(s3.url, code, **ON_DEMAND))
        keys = {
            (is_cold(cold, asked), "AKIALATER" in asked.headers["authorization"])
            for asked in s3.asked
        }
    assert keys == {(False, False), (True, True)}


def test_the_process_that_unpacks_may_be_killed(cold: World) -> None:
    code = (
        BEGIN
        + """
import signal
def kill():
    time.sleep(0.4)
    for each in os.listdir("/proc"):
        if each.isdigit() and int(each) != os.getpid():
            try:
                if os.getsid(int(each)) == os.getsid(0):
                    os.kill(int(each), signal.SIGKILL)
            except OSError:
                pass
threading.Thread(target=kill).start()
print(json.dumps(handler({}, None)))
"""
    )
    with FaultyS3(cold.content) as s3:
        s3.behave = lambda asked: Answer(rate=2_000_000) if is_cold(cold, asked) else None
        right(cold.run(s3.url, code, **ON_DEMAND))


def test_a_process_that_stood_still_fetches_nothing_more(cold: World) -> None:
    """Lambda freezes all of them between invocations: keys and connections would be old."""
    code = (
        BEGIN
        + """
import signal
others = [
    int(each) for each in os.listdir("/proc")
    if each.isdigit() and int(each) != os.getpid() and os.getsid(int(each)) == os.getsid(0)
]
assert others
for each in others:
    os.kill(each, signal.SIGSTOP)
time.sleep(1.2)
os.environ["AWS_ACCESS_KEY_ID"] = "AKIALATER"
def thaw():
    time.sleep(0.3)
    for each in others:
        os.kill(each, signal.SIGCONT)
threading.Thread(target=thaw).start()
print(json.dumps(handler({}, None)))
"""
    )
    with FaultyS3(cold.content) as s3:
        right(cold.run(s3.url, code, **ON_DEMAND))
        assert all(
            "AKIALATER" in asked.headers["authorization"]
            for asked in s3.asked
            if is_cold(cold, asked)
        )


@pytest.mark.parametrize("kind", ["provisioned-concurrency", "snap-start"])
def test_an_init_that_nobody_waits_for_fetches_all(cold: World, kind: str) -> None:
    code = """
import sys, types
hooks = types.ModuleType("snapshot_restore_py")
hooks.register_after_restore = lambda hook: hook()
sys.modules["snapshot_restore_py"] = hooks
"""
    outcome = cold.start(
        code + BEGIN + "print(json.dumps(handler({}, None)))\n",
        AWS_LAMBDA_INITIALIZATION_TYPE=kind,
    )
    right(outcome)
    (line,) = lines(outcome)
    assert line["BundleBytes"] == cold.bundle.size
    assert line["ColdHits"] == 0
    whole(cold)


def test_no_line_is_written_where_none_is_wanted(cold: World) -> None:
    outcome = cold.start(WIDELOAD_METRICS="off", **ON_DEMAND)
    right(outcome)
    assert not lines(outcome)


def test_what_was_there_before_is_taken(cold: World) -> None:
    with FaultyS3(cold.content) as s3:
        right(cold.run(s3.url, **ON_DEMAND))
        count = len(s3.asked)
        again = cold.run(s3.url, **ON_DEMAND)
        right(again)
        assert len(s3.asked) == count
    assert sum(line["BundleBytes"] for line in lines(again)) == 0
    assert sum(line["ColdHits"] for line in lines(again)) == 2


def test_what_was_tampered_with_in_tmp_is_fetched_anew(cold: World) -> None:
    right(cold.start(**ON_DEMAND))
    (cold.tree / "lazy/__init__.py").write_text("X = 'evil'\n")
    right(cold.start(**ON_DEMAND))


def test_a_bundle_that_starts_whole_writes_no_line(world: World) -> None:
    outcome = world.start(**ON_DEMAND)
    world.right(outcome)
    assert world.index["format"] == 1
    assert not lines(outcome)


def test_a_format_that_is_not_known_is_refused(
    make_world: Callable[..., World], tmp_path: Path
) -> None:
    world = make_world(tmp_path, own={"app.py": APP}, unused=["big/"])
    path = world.task / "_wideload/index.json"
    path.write_text(path.read_text().replace('"format":3', '"format":4'))
    outcome = world.start(**ON_DEMAND)
    assert outcome.code == 1
    assert "the bundle's format is 4, this loader's are 1 and 3" in outcome.error


LOOK = """
found = pathlib.Path(tree, "lazy", "weights.bin")
told = {
    "stat": found.stat().st_size,
    "file": found.is_file(),
    "glob": [path.name for path in pathlib.Path(tree, "lazy").glob("weights.bin")],
    "exists": os.path.exists(found),
    "access": os.access(found, os.R_OK),
    "signature": list(__import__("inspect").signature(os.stat).parameters),
    "fd": os.stat in os.supports_fd,
}
print(json.dumps(told))
"""


@pytest.mark.parametrize("early", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("version", ["3.10", "3.11", "3.12", "3.13"])
def test_pathlib_looks_on(cold_on: Callable[[str], World], version: str, early: bool) -> None:
    """Whether it was imported before the loader was, or after."""
    imported = "import pathlib, glob\n"
    code = imported + BEGIN + LOOK if early else BEGIN + imported + LOOK
    outcome = cold_on(version).start(code, **ON_DEMAND)
    assert outcome.code == 0, outcome.error
    assert outcome.answer == {
        "stat": 500_000,
        "file": True,
        "glob": ["weights.bin"],
        "exists": True,
        "access": True,
        "signature": ["path", "dir_fd", "follow_symlinks"],
        "fd": True,
    }


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
@pytest.mark.parametrize("version", ["3.10", "3.11", "3.12", "3.13"])
def test_a_process_of_multiprocessing_has_all_of_it(
    cold_on: Callable[[str], World], version: str, method: str
) -> None:
    world = cold_on(version)
    # It is imported by the other process, which has Python's own ways of finding it.
    code = (
        BEGIN
        + f"""
import multiprocessing
from multiprocessing.connection import Pipe
context = multiprocessing.get_context({method!r})
ours, theirs = Pipe()
process = context.Process(target=exec, args=("import lazy; pipe.send(lazy.X)", {{"pipe": theirs}}))
process.start()
print(json.dumps({{"lazy": ours.recv() if ours.poll(20) else "nothing came"}}))
process.join()
"""
    )
    outcome = world.start(code, **ON_DEMAND)
    assert outcome.answer == {"lazy": "lazy"}, outcome.error
    assert lines(outcome)[-1]["ColdPaths"] == ["(another process)"]


@pytest.mark.parametrize("seed", range(20))
def test_killed_at_any_moment_it_starts_again(cold: World, seed: int) -> None:
    """While cold frames come, too; what is there of them afterwards is taken only if right."""
    moment = random.Random(seed).uniform(0.1, 1.2)
    with FaultyS3(cold.content, lambda _: Answer(rate=3_000_000)) as s3:
        process = cold.begin(s3.url, **ON_DEMAND)
        time.sleep(moment)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        s3.behave = lambda _: None
        right(cold.run(s3.url, **ON_DEMAND))
    for path in cold.tree.rglob("*"):
        if path.is_file():
            entry = next(e for e in cold.kitchen.raw if e.path == str(path.relative_to(cold.tree)))
            assert path.read_bytes() == cold.kitchen.content(entry)


def test_an_init_that_ran_out_fetches_no_cold_frame_again(cold: World) -> None:
    """Lambda kills it after ten seconds and runs it again; what it had fetched is there."""
    code = BEGIN + "import lazy\nopen(os.environ['SEEN'], 'w').close()\ntime.sleep(60)\n"
    seen = cold.tmp / "seen"
    with FaultyS3(cold.content) as s3:
        process = cold.begin(s3.url, code, SEEN=str(seen), **ON_DEMAND)
        deadline = time.monotonic() + 20
        while not seen.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        before = len(s3.asked)
        outcome = cold.run(s3.url, **ON_DEMAND)
        again = [asked for asked in s3.asked[before:] if is_cold(cold, asked)]
    right(outcome)
    index = cold.index
    lazy = {index["frames"][frame][0] for frame in frames_of(cold, "lazy/__init__.py")}
    assert again
    assert lazy.isdisjoint({asked.start for asked in again})


def test_a_zip_in_the_tree_is_imported_from(
    make_world: Callable[..., World], tmp_path: Path
) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("zipped.py", "X = 'zipped'\n")
    packages = {"lazy": {"lazy/__init__.py": "", "lazy/more.zip": packed.getvalue()}}
    own = {"app.py": "def handler(event, context): pass\n"}
    world = make_world(tmp_path, packages=packages, own=own, unused=["lazy/"])
    code = BEGIN + "sys.path.append(tree + '/lazy/more.zip')\nimport zipped\n"
    outcome = world.start(code + "print(json.dumps({'x': zipped.X}))", **ON_DEMAND)
    assert outcome.answer == {"x": "zipped"}, outcome.error
