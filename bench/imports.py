"""The cold start of the recommender in the sandbox: raw wheels, and slimmed.

    python bench/imports.py [--runs N]

Every way holds the same locked versions for python3.13 on x86_64 and runs the same function
with the same event. Measured is init, as Lambda reports it: the runtime starts and imports the
function, which imports pandas and scikit-learn. Each run has a new environment, and the
package's files are dropped from the page cache before it. The ways take turns, so that a busy
moment of the machine hits all of them.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import uv
from rich import box
from rich.console import Console
from rich.table import Table

from wideload.cache import default_root
from wideload.interpreters import find_interpreter
from wideload.sandbox.linux import LinuxSandbox
from wideload.values.environment import EnvironmentSpec
from wideload.values.invocation import Outcome
from wideload.values.target import Target

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
WIDELOAD = str(Path(sys.executable).with_name("wideload"))
RAW = "wheels as they are"
WAYS = {
    'slim = "runtime"': 'slim = "runtime"',
    'slim = "safe"': 'slim = "safe"',
    'slim = "safe", bytecode = "sourceless"': 'slim = "safe"\nbytecode = "sourceless"',
    'slim = "safe", bytecode = "none"': 'slim = "safe"\nbytecode = "none"',
}
TARGET = Target.parse("python3.13", "x86_64")


def run(arguments: list[str], folder: Path) -> None:
    done = subprocess.run(arguments, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(arguments)}\n{done.stderr}")


def build(keys: str, name: str, project: Path) -> Path:
    """What a build with these keys ships, unpacked beside the project."""
    (project / "wideload.toml").write_text(
        '[functions.recommender]\nsource = "recommender"\nhandler = "app.handler"\n'
        f'runtime = "python3.13"\nmemory = 1769\n{keys}\n'
    )
    run([WIDELOAD, "-q", "build", "recommender"], project)
    task = project.with_name(name)
    with zipfile.ZipFile(project / ".wideload/build/recommender/function.zip") as archive:
        archive.extractall(task)
    return task


def install(lock: Path, folder: Path) -> Path:
    """All wheels unpacked beside the function, nothing left out and nothing compiled."""
    task = folder / "raw"
    shutil.copytree(EXAMPLES / "recommender", task)
    run(
        [uv.find_uv_bin(), "pip", "install", "-q", "-r", str(lock), "--target", ".",
         "--python", find_interpreter("3.13", default_root()).executable,
         "--python-platform", "x86_64-manylinux_2_34", "--only-binary", ":all:",
         "--no-compile-bytecode"],
        task,
    )  # fmt: skip
    return task


def readable(task: Path) -> None:
    """What is inside runs as nobody."""
    for path in (task, *task.rglob("*")):
        path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))


def forget(task: Path) -> int:
    """Drop a package from the page cache; returns the bytes of its files."""
    size = 0
    for path in task.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            size += path.stat().st_size
    return size


def init(task: Path, sandbox: LinuxSandbox) -> float:
    """Seconds of init in a new environment."""
    event = (EXAMPLES / "recommender" / "event.json").read_bytes()
    spec = EnvironmentSpec(
        "recommender", "$LATEST", TARGET, "app.handler", str(task), memory=1769, timeout=60
    )
    environment = sandbox.start(spec)
    try:
        answer = environment.invoke(event, "00000000-0000-4000-8000-000000000000")
    finally:
        environment.close()
    if answer.outcome is not Outcome.SUCCESS or answer.init_ms is None:
        sys.exit(f"{task.name}: {answer.outcome}\n{answer.log}")
    return answer.init_ms / 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=7, help="runs of each way (default 7)")
    runs = parser.parse_args().runs
    # On a busy machine the raw package may need longer than the 10 s that Lambda grants.
    sandbox = LinuxSandbox(default_root(), init_timeout=300)
    with tempfile.TemporaryDirectory(prefix="wideload-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        project = folder / "project"
        shutil.copytree(EXAMPLES, project, ignore=shutil.ignore_patterns(".wideload"))
        built = {
            way: build(keys, f"way{number}", project)
            for number, (way, keys) in enumerate(WAYS.items())
        }
        # The lock that the first build wrote.
        raw = install(project / "recommender" / "pylock.recommender.toml", folder)
        tasks = {RAW: raw, **built}
        took: dict[str, list[float]] = {way: [] for way in tasks}
        sizes: dict[str, int] = {}
        for task in tasks.values():
            readable(task)
        for _ in range(runs):
            for way, task in tasks.items():
                sizes[way] = forget(task)
                took[way].append(init(task, sandbox))
        show(took, sizes)


def show(took: dict[str, list[float]], sizes: dict[str, int]) -> None:
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("package")
    for column in ("MB", "median s", "min", "max", "raw takes"):
        table.add_column(column, justify="right")
    raw = statistics.median(took[RAW])
    for way, seconds in took.items():
        median = statistics.median(seconds)
        table.add_row(
            way,
            f"{sizes[way] / 1e6:.1f}",
            f"{median:.2f}",
            f"{min(seconds):.2f}",
            f"{max(seconds):.2f}",
            f"{raw / median:.1f} ×",
        )
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
