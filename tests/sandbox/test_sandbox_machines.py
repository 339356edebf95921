"""The same on other kinds of machine: without root, with a distribution's Python."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

import wideload
from wideload.interpreters import find_interpreter
from wideload.sandbox import LinuxSandbox
from wideload.values.environment import EnvironmentSpec
from wideload.values.invocation import Outcome
from wideload.values.target import Target

pytest_plugins = ("sandbox_fixtures",)
pytestmark = pytest.mark.sandbox

UNPRIVILEGED = """
import json, os, sys, time
from pathlib import Path
import msgspec
from wideload.sandbox import LinuxSandbox, capabilities, processes
from wideload.values.environment import EnvironmentSpec
from wideload.values.target import Target

folder = Path(sys.argv[1])
target = Target.parse("python3.13", sys.argv[2])
sandbox = LinuxSandbox(folder / "cache")
spec = EnvironmentSpec(
    function="f", version="1", target=target, handler="app.handler", task=str(folder / "task"),
    layers=(str(folder / "layer1"), str(folder / "layer2")), ephemeral=512, timeout=3,
)
environment = sandbox.start(spec)
found = {}
for name in ("look", "fill", "tick", "tick"):
    answer = environment.invoke(json.dumps(name).encode(), "id")
    found.setdefault(name, []).append(json.loads(answer.payload))
    time.sleep(0.3)
found["uid"] = os.getuid()
found["missing"] = answer.missing
found["memory"] = answer.max_memory_mb
found["timeout"] = environment.invoke(b'"sleep"', "id").outcome
environment.close()
environment = sandbox.start(msgspec.structs.replace(spec, timeout=30))
answer = environment.invoke(b'"eat"', "id")
found["eaten"] = json.loads(answer.payload)["errorMessage"]
environment.close()
found["left"] = len(processes.descendants(os.getpid())) - 1
found["capabilities"] = {each.guarantee: each.given for each in capabilities(target)}
print(json.dumps(found))
"""
SOURCE = """
import os, threading, time
ticks = 0
def tick():
    global ticks
    while True:
        ticks += 1
        time.sleep(0.01)
threading.Thread(target=tick, daemon=True).start()
def handler(event, context):
    if event == "look":
        return [os.getuid(), sorted(os.listdir("/opt")), open("/opt/both").read()]
    if event == "fill":
        try:
            with open("/tmp/big", "wb", buffering=0) as file:
                while True:
                    file.write(bytes(1 << 20))
        except OSError as error:
            size = os.path.getsize("/tmp/big")
            os.remove("/tmp/big")
            return [error.errno, size >> 20]
    if event == "sleep":
        time.sleep(60)
    if event == "eat":
        held = []
        while True:
            held.append(bytearray(b"x") * (10 << 20))
            time.sleep(0.01)
    before = ticks
    time.sleep(0.1)
    return [before, ticks]
"""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may look into, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(dir="/var/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def run_unprivileged(folder: Path, seen: dict[str, str], script: str, *arguments: str) -> str:
    """What a script prints that runs as a user who may nothing.

    He may not even look into root's home, where this interpreter may lie: all that he needs
    is bound to where he may, in a mount namespace that ends with him.

    :param seen: folders to bind besides, by their names below `folder`.
    """
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    seen = seen | {
        "python": sys.base_prefix,
        "venv": sys.prefix,
        "src": str(Path(wideload.__file__).parents[1]),
    }
    (folder / "home").mkdir()
    os.chown(folder / "home", 65534, 65534)
    binds = []
    for name, source in seen.items():
        (folder / name).mkdir()
        binds.append(f"mount --bind '{source}' {folder / name}")
    bins = [f"{folder}/{name}/bin" for name in ("python", "target")]
    drop = f"setpriv --reuid 65534 --regid 65534 --clear-groups {bins[0]}/{version} -c"
    done = subprocess.run(
        [
            *("unshare", "--mount", "sh", "-ec", f'{"; ".join(binds)}; exec {drop} "$@"'),
            *("sh", script, *arguments),
        ],
        env={
            "HOME": str(folder / "home"),
            "PATH": ":".join([*bins, "/usr/bin", "/bin"]),
            "LD_LIBRARY_PATH": f"{folder}/python/lib:{folder}/target/lib",
            "PYTHONPATH": f"{folder}/src:{folder}/venv/lib/{version}/site-packages",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="then every other test here is such a run")
def test_without_root_what_is_missing_is_said(
    open_folder: Path, sandbox: LinuxSandbox, cache: Path
) -> None:
    machine = os.uname().machine.replace("aarch64", "arm64")
    sandbox.prepare(Target.parse("python3.13", machine))
    functions = {
        "task": {"app.py": SOURCE},
        "layer1": {"both": "1", "one": ""},
        "layer2": {"both": "2"},
    }
    for name, files in functions.items():
        (open_folder / name).mkdir()
        for file, text in files.items():
            (open_folder / name / file).write_text(text)
    seen = {"target": find_interpreter("3.13", cache).prefix, "cache": str(cache)}
    said = run_unprivileged(open_folder, seen, UNPRIVILEGED, str(open_folder), machine)
    found = json.loads(said)
    assert found["uid"] == 65534
    assert found["look"] == [[993, ["both", "one"], "2"]]
    assert found["fill"] == [[28, 512]]
    (_, before), (after, _) = found["tick"]
    assert after - before <= 5  # stopped in the 0.3 seconds between
    assert found["timeout"] == Outcome.TIMED_OUT
    killed = "Runtime exited with error: signal: killed"
    assert found["eaten"] == f"RequestId: id Error: {killed}"
    assert found["left"] == 0
    named = [line.partition(":")[0] for line in found["missing"]]
    assert [name for name in named if not name.startswith("C ")] == ["memory", "/tmp", "cpu"]
    assert found["memory"] > 5
    assert found["capabilities"]["own file system, network and processes"] is True
    assert found["capabilities"]["memory limit"] is False


def test_a_distributions_python_shows_nothing_of_the_distribution(
    tmp_path: Path,
    spec_of: Callable[..., EnvironmentSpec],
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("PYENV_ROOT", "/nowhere")
    monkeypatch.setenv("UV_PYTHON_PREFERENCE", "only-system")
    said = subprocess.run(
        ["/usr/bin/python3", "--version"], capture_output=True, text=True, check=True
    )
    version = ".".join(said.stdout.split()[1].split(".")[:2])
    spec = spec_of(
        "import sys, json, ssl\nimport boto3\n"
        "def handler(event, context):\n"
        "    return [sys.path, sys.prefix, json.__file__, json.__cached__]\n"
    )
    target = Target.parse(f"python{version}", spec.target.architecture)
    environment = LinuxSandbox(cache).start(msgspec.structs.replace(spec, target=target))
    try:
        answer = environment.invoke(b"{}", "id-1")
    finally:
        environment.close()
    path, prefix, module, cached = json.loads(answer.payload)
    assert prefix == "/var/lang"
    assert module == f"/var/lang/lib/python{version}/json/__init__.py"
    assert not [entry for entry in path if "dist-packages" in entry or entry.startswith("/usr")]
    assert path[3] == f"/var/lang/lib/python{version}/site-packages"
    assert cached is not None
