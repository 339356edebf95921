"""Packing the recommender: how long the usual ways take, beside ours, in one run.

    python bench/build.py [--runs N]

Every way packs the same locked versions for python3.13 on x86_64. The network's part is the
same for all that start cold: each has an empty cache of its own. The ways take turns, so that
a busy moment of the machine hits all of them. Printed: seconds and bytes, and how much longer
pip and zip take, each time in the same turn.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import uv
from rich import box
from rich.console import Console
from rich.table import Table

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
WIDELOAD = [str(Path(sys.executable).with_name("wideload"))]
BUNDLED = """
[functions.bundled]
source = "recommender"
handler = "app.handler"
runtime = "python3.13"
memory = 1769
ephemeral = 1024
bytecode = "sourceless"
strategy = "s3-bootstrap"
"""
TARGET = ("--python-version", "3.13", "--only-binary", ":all:")


def run(arguments: list[str], folder: Path, **environment: str) -> str:
    """Run a command and return its output; its own words in case it fails."""
    keep = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        arguments, cwd=folder, env={**keep, **environment}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    if done.returncode:
        sys.exit(f"{' '.join(arguments)}\n{done.stderr}")
    return done.stdout


def timed(work: Callable[[], Path | None]) -> tuple[float, Path | None]:
    started = time.perf_counter()
    made = work()
    return time.perf_counter() - started, made


class Bench:
    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self.project = scratch / "project"
        shutil.copytree(EXAMPLES, self.project, ignore=shutil.ignore_patterns(".wideload"))
        self.source = self.project / "recommender"
        self.cache = scratch / "cache"
        with (self.project / "wideload.toml").open("a") as file:
            file.write(BUNDLED)
        # Writes the lock that all ways obey.
        self.wideload("plan", "recommender", cache=scratch / "locking")
        self.locked = scratch / "locked.txt"
        self.locked.write_text(
            run(
                [uv.find_uv_bin(), "pip", "compile", "requirements.txt", "-q", "--no-header",
                 "--no-annotate", *TARGET, "--python-platform", "x86_64-manylinux_2_34"],
                self.source,
            )
        )  # fmt: skip

    def wideload(self, *arguments: str, cache: Path | None = None) -> str:
        return run(
            [*WIDELOAD, "-q", *arguments], self.project, WIDELOAD_CACHE=str(cache or self.cache)
        )

    def package(self) -> Path:
        return self.project / ".wideload" / "build" / "recommender" / "function.zip"

    def fresh(self, name: str) -> Path:
        folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.scratch))
        shutil.copytree(self.source, folder / "function")
        return folder

    def pip_and_zip(self) -> Path:
        folder = self.fresh("pip")
        run(
            [sys.executable, "-m", "pip", "install", "-q", "-r", str(self.locked), "-t", "vendor",
             "--no-deps", "--no-cache-dir", "--ignore-requires-python", *TARGET,
             *(word for tag in ("2014_x86_64", "_2_24_x86_64", "_2_27_x86_64", "_2_28_x86_64")
               for word in ("--platform", f"manylinux{tag}"))],
            folder / "function",
        )  # fmt: skip
        run(["zip", "-qr", "../function.zip", "."], folder / "function")
        return folder / "function.zip"

    def uv_and_zip(self, cache: Path) -> Path:
        folder = self.fresh("uv")
        run(
            [uv.find_uv_bin(), "pip", "install", "-q", "-r", str(self.locked), "--target",
             "vendor", "--no-deps", "--cache-dir", str(cache), *TARGET,
             "--python-platform", "x86_64-manylinux_2_34"],
            folder / "function",
        )  # fmt: skip
        run(["zip", "-qr", "../function.zip", "."], folder / "function")
        return folder / "function.zip"

    def build(self) -> Path:
        self.wideload("build", "recommender")
        return self.package()

    def cold(self) -> Path:
        shutil.rmtree(self.cache, ignore_errors=True)
        shutil.rmtree(self.project / ".wideload", ignore_errors=True)
        return self.build()

    def edited(self) -> Path:
        with (self.source / "app.py").open("a") as file:
            file.write("# edited\n")
        return self.build()

    def bundled(self) -> Path:
        """A line of code changed; of the bundle, which is the packages, nothing."""
        with (self.source / "app.py").open("a") as file:
            file.write("# edited\n")
        self.wideload("build", "bundled", cache=self.scratch / "bundling")
        return self.project / ".wideload" / "build" / "bundled" / "function.zip"

    def plan(self) -> None:
        self.wideload("plan", "recommender", "--json")

    def plan_cold(self) -> None:
        shutil.rmtree(self.cache, ignore_errors=True)
        self.plan()


def unzipped(path: Path) -> int:
    with zipfile.ZipFile(path) as archive:
        return sum(info.file_size for info in archive.infolist())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3, help="runs of each way (default 3)")
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory(prefix="wideload-bench-") as folder:
        bench = Bench(Path(folder))
        uv_cache = Path(folder) / "uv-cache"
        ways: list[tuple[str, Callable[[], Path | None]]] = [
            ("pip install -t, zip -r", bench.pip_and_zip),
            ("uv pip install --target, zip -r, empty cache",
             lambda: bench.uv_and_zip(Path(tempfile.mkdtemp(dir=folder)))),
            ("uv pip install --target, zip -r, warm cache", lambda: bench.uv_and_zip(uv_cache)),
            ("wideload plan, empty cache, locked", bench.plan_cold),
            ("wideload build, empty cache", bench.cold),
            ("wideload plan, warm cache", bench.plan),
            ("wideload build, warm cache, a line of code changed", bench.edited),
            ("wideload build, warm cache, nothing changed", bench.build),
            ("wideload build, as a bundle, warm cache, a line of code changed", bench.bundled),
        ]  # fmt: skip
        bench.uv_and_zip(uv_cache)
        bench.bundled()
        took: dict[str, list[float]] = {name: [] for name, _ in ways}
        made: dict[str, tuple[int, int]] = {}
        for turn in range(runs):
            for name, way in ways:
                seconds, path = timed(way)
                took[name].append(seconds)
                if path:
                    made[name] = (unzipped(path), path.stat().st_size)
            print(f"turn {turn + 1} of {runs} is done", file=sys.stderr)
        show(took, made)


def show(took: dict[str, list[float]], made: dict[str, tuple[int, int]]) -> None:
    usual = took["pip install -t, zip -r"]
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("way")
    for column in ("median s", "min", "max", "pip+zip takes", "unzipped MB", "zip MB"):
        table.add_column(column, justify="right")
    for name, seconds in took.items():
        ratio = statistics.median(one / other for one, other in zip(usual, seconds, strict=True))
        table.add_row(
            name,
            f"{statistics.median(seconds):.2f}",
            f"{min(seconds):.2f}",
            f"{max(seconds):.2f}",
            f"{ratio:.1f} ×",
            *(f"{size / 1e6:.1f}" for size in made.get(name, ())),
        )
    Console(width=130).print(table)


if __name__ == "__main__":
    main()
