"""Nothing stays behind, however an environment or its owner ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from wideload.sandbox import LinuxSandbox, processes
from wideload.sandbox.cgroups import find_hierarchies
from wideload.values.environment import EnvironmentSpec

if TYPE_CHECKING:
    from sandbox_fixtures import Starter

pytest_plugins = ("sandbox_fixtures",)
pytestmark = pytest.mark.sandbox

OWNER = """
import sys, time
from pathlib import Path
from wideload.sandbox import LinuxSandbox
from wideload.values.environment import EnvironmentSpec
from wideload.values.target import Target
environment = LinuxSandbox(Path(sys.argv[1])).start(EnvironmentSpec(
    function="f", version="1", target=Target.parse("python3.13", "x86_64"),
    handler="app.handler", task=sys.argv[2], memory=512, timeout=60,
))
environment.invoke(b"0", "id-1")
print("here", flush=True)
time.sleep(60)
"""


def groups(owner: int) -> list[Path]:
    """The control groups that this process's environments have."""
    hierarchies = find_hierarchies()
    parents = [*hierarchies.v1.values(), *([hierarchies.v2] if hierarchies.v2 else [])]
    return [each for parent in set(parents) for each in parent.glob(f"wideload-{owner}-*")]


def loop_devices() -> list[str]:
    """The files behind loop devices that are in use."""
    return [file.read_text() for file in Path("/sys/block").glob("loop*/loop/backing_file")]


def eventually(happens: Callable[[], bool]) -> bool:
    """Whether it happens within three seconds."""
    deadline = time.monotonic() + 3
    while not happens():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def test_close_leaves_nothing(start: Starter, cache: Path) -> None:
    # What tests before this one left running in this process is none of ours.
    others = set(processes.descendants(os.getpid()))
    environment = start("def handler(event, context):\n    return 1\n")
    environment.invoke(b"{}", "id-1")
    below = [pid for pid in processes.descendants(os.getpid()) if pid not in others]
    assert below
    mine = [each for each in loop_devices() if str(cache) in each]
    assert groups(os.getpid()) or os.geteuid() != 0
    assert mine or os.geteuid() != 0
    environment.close()
    environment.close()
    assert not environment.alive
    assert groups(os.getpid()) == []
    assert eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in below))
    assert eventually(lambda: not any(str(cache) in each for each in loop_devices()))
    assert list((cache / "sandbox" / "scratch").iterdir()) == []


def test_closing_while_it_initialises(start: Starter) -> None:
    environment = start("import time\ntime.sleep(60)")
    began = time.monotonic()
    environment.close()
    # Far from the 10 s that an init may last.
    assert time.monotonic() - began < 8
    assert groups(os.getpid()) == []


def test_closing_while_it_runs_answers_the_invocation(start: Starter) -> None:
    environment = start(
        "import time\ndef handler(event, context):\n    time.sleep(60)\n", timeout=60
    )
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(environment.invoke, b"{}", "id-1")
        time.sleep(0.5)
        environment.close()
        assert answer.result(5).function_error == "Unhandled"


def test_an_environment_outlives_the_thread_that_started_it(start: Starter) -> None:
    with ThreadPoolExecutor(1) as pool:
        environment = pool.submit(start, "def handler(event, context):\n    return 1\n").result()
    assert environment.invoke(b"{}", "id-1").payload == b"1"


@pytest.mark.parametrize("watched", [True, False], ids=["owner-killed", "all-killed"])
def test_a_killed_owner_leaves_nothing(
    sandbox: LinuxSandbox,
    cache: Path,
    watched: bool,
    spec_of: Callable[..., EnvironmentSpec],
) -> None:
    spec = spec_of("def handler(event, context):\n    return 1\n")
    sandbox.prepare(spec.target)
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(cache), spec.task], stdout=subprocess.PIPE
    )
    assert owner.stdout is not None
    with owner:
        assert owner.stdout.readline() == b"here\n"
        below = processes.descendants(owner.pid)
        assert len(below) >= 4  # the owner, its supervisor, bubblewrap, the function
        # Its supervisor killed too leaves frozen groups, for whoever comes next.
        for pid in below[: 1 if watched else 2]:
            os.kill(pid, signal.SIGKILL)
    if not watched:
        LinuxSandbox(cache).prepare(spec.target)
    assert eventually(lambda: not groups(owner.pid))
    assert eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in below[1:]))
    assert eventually(lambda: not any(str(cache) in each for each in loop_devices()))


def test_many_at_once(start: Starter) -> None:
    def run(number: int) -> bytes:
        environment = start("def handler(event, context):\n    return event\n", memory=256)
        answer = environment.invoke(str(number).encode(), f"id-{number}")
        environment.close()
        return answer.payload

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(run, range(12))) == [str(number).encode() for number in range(12)]
    assert groups(os.getpid()) == []
