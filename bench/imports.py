"""The cold start of the recommender in the sandbox: raw wheels, and slimmed.

    python bench/imports.py [--runs N] [--into FOLDER] [--write]

Every way holds the same locked versions for python3.13 on x86_64 and runs the same function
with the same event. Measured is init, as Lambda reports it: the runtime starts and imports the
function, which imports pandas and scikit-learn. Each run has a new environment, and the
package's files are dropped from the page cache before it. The ways take turns, so that a busy
moment of the machine hits all of them. With --into the packages and what was measured are kept
in a folder: `--runs 0` makes them, a later run only measures, and one after that measures more.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import uv
from pages import markdown, put, show

from wideload.cache import default_root
from wideload.interpreters import find_interpreter
from wideload.sandbox.linux import LinuxSandbox
from wideload.values.environment import EnvironmentSpec
from wideload.values.invocation import Outcome
from wideload.values.target import Target

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
PAGE = ROOT / "docs" / "explanation" / "how-small.md"
WIDELOAD = str(Path(sys.executable).with_name("wideload"))
RAW = "wheels as they are"
TRACED = 'slim = "traced"'
PROFILE = "recommender/recommender.profile.json"
"""What `wideload trace` writes; the example has one event."""
KEYS = (
    'slim = "runtime"',
    'slim = "safe"',
    'slim = "safe"\nbytecode = "sourceless"',
    'slim = "safe"\nbytecode = "sourceless"\ndocstrings = "strip"',
    'slim = "safe"\nbytecode = "none"',
    TRACED,
    f'{TRACED}\nbytecode = "sourceless"',
    f'{TRACED}\nbytecode = "none"',
)
WAYS = {", ".join(f"`{line}`" for line in keys.splitlines()): keys for keys in KEYS}
TARGET = Target.parse("python3.13", "x86_64")


def run(arguments: list[str], folder: Path) -> None:
    done = subprocess.run(arguments, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(arguments)}\n{done.stderr}")


def configure(keys: str, project: Path) -> None:
    (project / "wideload.toml").write_text(
        '[functions.recommender]\nsource = "recommender"\nhandler = "app.handler"\n'
        f'runtime = "python3.13"\nmemory = 1769\n{keys}\n'
    )


def build(keys: str, name: str, project: Path) -> None:
    """Unpack what a build with these keys ships beside the project."""
    if keys.startswith(TRACED) and not (project / PROFILE).is_file():
        configure('slim = "safe"', project)
        run([WIDELOAD, "-q", "trace", "recommender"], project)
    configure(keys, project)
    run([WIDELOAD, "-q", "build", "recommender"], project)
    task = project.with_name(name)
    with zipfile.ZipFile(project / ".wideload/build/recommender/function.zip") as archive:
        archive.extractall(task)


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


def forget(task: Path) -> None:
    """Drop a package from the page cache."""
    for path in task.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


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
    parser.add_argument("--into", type=Path, help="keep the packages in this folder")
    parser.add_argument("--write", action="store_true", help=f"into {PAGE.name} as well")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="wideload-bench-") as name:
        folder = Path(name) if options.into is None else options.into.resolve()
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
        tasks = make(folder)
        took = measure(tasks, options.runs, folder / "seconds.json")
    if not took[RAW]:
        return
    rows = table(took)
    show(rows, 120)
    if options.write:
        put(PAGE, "bench/imports.py", markdown(rows))


def make(folder: Path) -> dict[str, Path]:
    """Every way's package, unpacked below a folder, where it is not there yet."""
    project = folder / "project"
    if not project.is_dir():
        shutil.copytree(EXAMPLES, project, ignore=shutil.ignore_patterns(".wideload"))
    tasks = {RAW: folder / "raw"}
    for number, (way, keys) in enumerate(WAYS.items()):
        tasks[way] = folder / f"way{number}"
        if not tasks[way].is_dir():
            build(keys, tasks[way].name, project)
            readable(tasks[way])
    if not tasks[RAW].is_dir():
        # The lock that the first build wrote.
        readable(install(project / "recommender" / "pylock.recommender.toml", folder))
    return tasks


def measure(tasks: dict[str, Path], runs: int, kept: Path) -> dict[str, list[float]]:
    """Start every package so many times; returns these times and those of before, in seconds.

    :param kept: the file with these times.
    """
    # On a busy machine the raw package may need longer than the 10 s that Lambda grants.
    sandbox = LinuxSandbox(default_root(), init_timeout=300)
    before = json.loads(kept.read_text()) if kept.is_file() else {}
    took: dict[str, list[float]] = {way: before.get(way, []) for way in tasks}
    for _ in range(runs):
        for way, task in tasks.items():
            forget(task)
            took[way].append(init(task, sandbox))
        kept.write_text(json.dumps(took))
    return took


def table(took: dict[str, list[float]]) -> list[tuple[str, ...]]:
    """Rows of text, the first one of names."""
    raw = statistics.median(took[RAW])
    rows: list[tuple[str, ...]] = [("package", "runs", "init, median s", "min", "max", "raw takes")]
    for way, seconds in took.items():
        median = statistics.median(seconds)
        rows.append(
            (
                way,
                str(len(seconds)),
                f"{median:.2f}",
                f"{min(seconds):.2f}",
                f"{max(seconds):.2f}",
                f"{raw / median:.1f} ×",
            )
        )
    return rows


if __name__ == "__main__":
    main()
