"""Starting from a bundle: the right answer, from the right files, on every Python."""

from __future__ import annotations

import hashlib
import stat
from typing import TYPE_CHECKING

import pytest
from faulty_s3 import Answer, FaultyS3
from loader_world import APP, MODEL, PACKAGES, World

from wideload.values.bundle import BUNDLE_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.network


@pytest.mark.parametrize("version", ["3.10", "3.11", "3.12", "3.13"])
def test_it_starts_on(version: str, make_world: Callable[..., World], tmp_path: Path) -> None:
    world = make_world(tmp_path, version)
    outcome = world.start()
    world.right(outcome)
    assert outcome.answer["model"] == hashlib.sha256(MODEL).hexdigest()
    assert outcome.answer["event"] == {"n": 1}
    assert outcome.timings["whole"]
    assert outcome.timings["bytes"] == world.bundle.size
    world.whole()


def test_the_folder_is_the_functions_own(world: World) -> None:
    world.right(world.start())
    assert stat.S_IMODE(world.folder.stat().st_mode) == 0o700
    assert {path.name for path in world.folder.iterdir()} == {"tree", "complete"}
    assert [path.name for path in world.tmp.iterdir()] == [world.folder.name]


def test_a_second_start_fetches_nothing(world: World) -> None:
    with FaultyS3(world.content) as s3:
        world.right(world.run(s3.url))
        asked = len(s3.asked)
        again = world.run(s3.url)
        world.right(again)
        assert len(s3.asked) == asked
    assert world.bundle.frames > 10
    world.whole()


def test_the_import_begins_before_all_is_there(world: World) -> None:
    """The handler's module gets what it needs while the rest of the bundle is still out."""
    lazy = next(file for file in world.index["files"] if file[0] == "lazy/weights.bin")
    last = max(world.index["units"][lazy[5]])
    code = """
import json, os, sys, time
sys.path.insert(0, sys.argv[1])
import _wideload.start as start
start._INIT_S = 0.0
from _wideload.run import handler
print("imported", flush=True)
print(json.dumps(handler({}, None)))
"""
    frame = world.index["frames"][last]
    with FaultyS3(world.content) as s3:
        late = Answer(delay=3)
        s3.behave = lambda asked: late if asked.end > frame[0] + 1 else None
        process = world.begin(s3.url, code, AWS_LAMBDA_INITIALIZATION_TYPE="on-demand")
        assert process.stdout is not None
        assert process.stdout.readline() == "imported\n"
        done = {path.name for path in world.tree.rglob("*.bin")}
        assert "table.bin" in done
        assert "weights.bin" not in done
        # At its first need it is waited for.
        world.right(world.end(process))
    world.whole()


def test_the_handlers_module_begins_before_anything_is_there(
    make_world: Callable[..., World], tmp_path: Path
) -> None:
    app = "import sys\nprint('begun', flush=True)\n" + APP
    world = make_world(tmp_path, own={"app.py": app})
    with FaultyS3(world.content) as s3:
        s3.behave = lambda _: Answer(delay=1)
        code = "import sys\nsys.path.insert(0, sys.argv[1])\nfrom _wideload.run import handler\n"
        code += "import json\nprint(json.dumps(handler({'n': 1}, None)))\n"
        process = world.begin(s3.url, code)
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        assert not any(path.is_file() for path in world.tmp.rglob("*") if "/tree/" in str(path))
        world.right(world.end(process))
    world.whole()


def test_what_is_read_without_being_imported_is_waited_for(world: World) -> None:
    code = """
import json, os, sys, subprocess
sys.path.insert(0, sys.argv[1])
import _wideload.start as start
start._INIT_S = 0.0
tree = None
def spy():
    global tree
    tree = next(path for path in sys.path if path.endswith("/tree"))
start._handler = lambda _: spy()
import _wideload.run
before = os.path.exists(tree + "/lazy/weights.bin")
if os.environ["READ"] == "open":
    size = len(open(tree + "/lazy/../lazy/weights.bin", "rb").read())
elif os.environ["READ"] == "list":
    size = os.path.getsize(tree + "/lazy/" + sorted(os.listdir(tree + "/lazy"))[-1])
else:
    program = "import os, sys; print(os.path.getsize(sys.argv[1]))"
    command = [sys.executable, "-I", "-c", program, tree + "/lazy/weights.bin"]
    size = int(subprocess.run(command, capture_output=True).stdout)
print(json.dumps({"before": before, "size": size}))
"""
    for way in ("open", "list", "process"):
        world.clear()
        with FaultyS3(world.content) as s3:
            s3.behave = lambda asked: Answer(delay=0.5) if asked.start else None
            outcome = world.run(s3.url, code, READ=way, AWS_LAMBDA_INITIALIZATION_TYPE="on-demand")
        assert outcome.answer == {"before": False, "size": 500_000}, outcome.error


def test_a_model_of_the_users_lies_beside_his_modules(
    make_world: Callable[..., World], tmp_path: Path
) -> None:
    app = APP + (
        "\nMODEL = hashlib.sha256(pathlib.Path(__file__).with_name('own.bin').read_bytes())\n"
        "assert os.path.getsize('own.bin') == 3000000\n"
        "assert MODEL.digest() == hashlib.sha256(open('own.bin', 'rb').read()).digest()\n"
        "import mine\n"
    )
    world = make_world(
        tmp_path, own={"app.py": app, "own.bin": MODEL, "mine/__init__.py": "A = 1\n"}
    )
    assert not (world.task / "own.bin").exists()
    world.right(world.start())
    assert (world.tree / "mine/__init__.py").read_text() == "A = 1\n"
    # A second time, and after a change of the user's code.
    (world.task / "mine/__init__.py").write_text("A = 2\n")
    world.right(world.start())
    assert (world.tree / "mine/__init__.py").read_text() == "A = 2\n"


def test_files_of_the_users_in_a_packages_folder_are_found(
    make_world: Callable[..., World], tmp_path: Path
) -> None:
    own = {"app.py": APP + "\nimport alpha.mine\n", "alpha/mine.py": "B = 1\n"}
    world = make_world(tmp_path, own=own)
    world.right(world.start())


def test_the_users_modules_win_over_packages(
    make_world: Callable[..., World], tmp_path: Path
) -> None:
    packages = PACKAGES | {"shadow": {"shadow.py": "WHO = 'package'\n", "other.py": ""}}
    own = {"app.py": APP + "\nimport shadow\nassert shadow.WHO == 'user'\n"}
    world = make_world(tmp_path, packages=packages, own=own | {"shadow.py": "WHO = 'user'\n"})
    world.right(world.start())


def test_paths_in_pth_files_count(make_world: Callable[..., World], tmp_path: Path) -> None:
    packages = PACKAGES | {"hooked": {"hooked.pth": "inner\n", "inner/within.py": "W = 1\n"}}
    world = make_world(tmp_path, packages=packages, own={"app.py": APP + "\nimport within\n"})
    world.right(world.start())


def test_python_and_its_tools_see_the_packages(
    make_world: Callable[..., World], tmp_path: Path
) -> None:
    app = (
        APP
        + """
import importlib.resources, importlib.util, inspect, pkgutil
assert {m.name for m in pkgutil.iter_modules(alpha.__path__)} == {"late", "sub"}
assert {"alpha", "big", "gamma", "lazy"} <= {m.name for m in pkgutil.iter_modules()}
assert importlib.util.find_spec("lazy") is not None and "lazy" not in sys.modules
assert importlib.util.find_spec("alpha.none") is None
assert (importlib.resources.files("alpha") / "data/words.txt").read_text() == "words"
assert pkgutil.get_data("alpha", "data/words.txt") == b"words"
assert "VALUE" in inspect.getsource(sys.modules["alpha.sub"])
assert {d.metadata["Name"] for d in importlib.metadata.distributions()} >= {"alpha", "beta"}
try:
    import alpha.missing
except ModuleNotFoundError as error:
    assert error.name == "alpha.missing"
else:
    raise AssertionError
"""
    )
    for version in ("3.10", "3.13"):
        world = make_world(tmp_path / version, version, own={"app.py": app})
        world.right(world.start())
        assert not list(world.tree.rglob("__pycache__"))


def test_without_a_place_it_says_so(world: World) -> None:
    outcome = world.start(**{BUNDLE_VARIABLE: ""})
    assert outcome.code == 1
    assert f"the environment variable {BUNDLE_VARIABLE} does not say where" in outcome.error


def test_an_error_of_the_handlers_module_is_its_own(
    make_world: Callable[..., World], tmp_path: Path
) -> None:
    world = make_world(tmp_path, own={"app.py": "import alpha\nimport not_installed\n"})
    outcome = world.start()
    assert outcome.code == 1
    assert "ModuleNotFoundError: No module named 'not_installed'" in outcome.error


def test_over_tls(world: World, tmp_path: Path, certificate: Callable[[str], Path]) -> None:
    trusted = certificate("localhost")
    with FaultyS3(world.content, tls=trusted) as s3:
        world.right(world.run(s3.url, AWS_CA_BUNDLE=str(trusted)))


def test_a_host_that_is_not_who_it_should_be_is_not_believed(
    world: World, certificate: Callable[[str], Path]
) -> None:
    other = certificate("elsewhere.example")
    with FaultyS3(world.content, tls=other) as s3:
        unknown = world.run(s3.url)
        misnamed = world.run(s3.url, AWS_CA_BUNDLE=str(other))
        assert not s3.asked
    for outcome in (unknown, misnamed):
        assert outcome.code == 1
        assert "localhost cannot be trusted with the request" in outcome.error
        assert "CERTIFICATE_VERIFY_FAILED" in outcome.error


def test_where_threads_run_already_it_is_started_without_a_fork(world: World) -> None:
    code = """
import json, os, sys, threading
threading.Thread(target=threading.Event().wait, daemon=True).start()
forks = []
os.register_at_fork(before=lambda: forks.append(1))
sys.path.insert(0, sys.argv[1])
from _wideload.run import handler
assert not forks
print(json.dumps(handler({"n": 1}, None)))
"""
    world.right(world.start(code))
    world.whole()


def test_no_child_of_the_functions_is_left(world: World) -> None:
    """It may wait for any of its children without meeting one that it does not know."""
    code = """
import json, os, sys
sys.path.insert(0, sys.argv[1])
from _wideload.run import handler
try:
    os.waitpid(-1, os.WNOHANG)
except ChildProcessError:
    print(json.dumps(handler({"n": 1}, None)))
"""
    world.right(world.start(code))


def test_after_a_snapshot_is_restored_tmp_is_looked_at(world: World) -> None:
    code = """
import json, os, sys, types
sys.path.insert(0, sys.argv[1])
hooks = types.ModuleType("snapshot_restore_py")
registered = []
hooks.register_after_restore = registered.append
sys.modules["snapshot_restore_py"] = hooks
from _wideload.run import handler
tree = next(path for path in sys.path if path.endswith("/tree"))
assert os.path.exists(os.path.dirname(tree) + "/complete")
os.unlink(tree + "/lazy/__init__.py")
open(tree + "/big/model.bin", "wb").close()
for hook in registered:
    hook()
print(json.dumps(handler({"n": 1}, None)))
"""
    outcome = world.start(code, AWS_LAMBDA_INITIALIZATION_TYPE="snap-start")
    world.right(outcome)
    assert outcome.answer["model"] == hashlib.sha256(MODEL).hexdigest()
    world.whole()
