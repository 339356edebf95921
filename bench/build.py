"""Packing the recommender: how long the usual ways take, beside ours, in one run.

    python bench/build.py [--runs N] [--into FOLDER] [--write]

Every way packs the same locked versions for python3.13 on x86_64. The network's part is the
same for all that start cold: each has an empty cache of its own. The ways take turns, so that
a busy moment of the machine hits all of them. Printed: seconds and bytes, and how much longer
pip and zip take, each time in the same turn. With --into what was prepared and measured is
kept in a folder: `--runs 0` prepares it, a later run only measures, and one after that measures
more.
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

import msgspec
import uv
from pages import markdown, put, show

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
PAGE = ROOT / "README.md"
USUAL = "`pip install -t`, `zip -r`"
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


class Measured(msgspec.Struct, frozen=True):
    """What a way took, and the bytes of the package that it made, if any."""

    seconds: float
    unzipped: int = 0
    zipped: int = 0


def timed(work: Callable[[], Path | None]) -> Measured:
    started = time.perf_counter()
    made = work()
    seconds = time.perf_counter() - started
    if made is None:
        return Measured(seconds)
    return Measured(seconds, unzipped(made), made.stat().st_size)


class Bench:
    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self.project = scratch / "project"
        self.source = self.project / "recommender"
        self.cache = scratch / "cache"
        self.locked = scratch / "locked.txt"

    def prepare(self) -> None:
        """Copy the example and write the lock that all ways obey; fill the caches that are warm."""
        done = self.scratch / "prepared"
        if done.is_file():
            return
        shutil.rmtree(self.project, ignore_errors=True)
        shutil.copytree(EXAMPLES, self.project, ignore=shutil.ignore_patterns(".wideload"))
        with (self.project / "wideload.toml").open("a") as file:
            file.write(BUNDLED)
        self.wideload("plan", "recommender", cache=self.scratch / "locking")
        self.locked.write_text(
            run(
                [uv.find_uv_bin(), "pip", "compile", "requirements.txt", "-q", "--no-header",
                 "--no-annotate", *TARGET, "--python-platform", "x86_64-manylinux_2_34"],
                self.source,
            )
        )  # fmt: skip
        self.uv_and_zip()
        self.tidy()
        self.bundled()
        done.touch()

    def wideload(self, *arguments: str, cache: Path | None = None) -> str:
        return run(
            [*WIDELOAD, "-q", *arguments], self.project, WIDELOAD_CACHE=str(cache or self.cache)
        )

    def package(self) -> Path:
        return self.project / ".wideload" / "build" / "recommender" / "function.zip"

    def fresh(self, name: str) -> Path:
        folder = self.scratch / "fresh" / name
        shutil.copytree(self.source, folder / "function")
        return folder

    def tidy(self) -> None:
        """Remove what the usual ways made."""
        shutil.rmtree(self.scratch / "fresh", ignore_errors=True)

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

    def uv_and_zip(self) -> Path:
        return self._uv_and_zip(self.scratch / "uv-cache")

    def uv_and_zip_cold(self) -> Path:
        return self._uv_and_zip(self.scratch / "fresh" / "uv-cache")

    def _uv_and_zip(self, cache: Path) -> Path:
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

    def ways(self) -> dict[str, Callable[[], Path | None]]:
        """What is measured, in this order."""
        return {
            USUAL: self.pip_and_zip,
            "`uv pip install --target`, `zip -r`, empty cache": self.uv_and_zip_cold,
            "`uv pip install --target`, `zip -r`, warm cache": self.uv_and_zip,
            "`wideload plan`, empty cache, locked": self.plan_cold,
            "`wideload build`, empty cache": self.cold,
            "`wideload plan`, warm cache": self.plan,
            "`wideload build`, warm cache, a line of code changed": self.edited,
            "`wideload build`, warm cache, nothing changed": self.build,
            "`wideload build`, as a bundle, warm cache, a line of code changed": self.bundled,
        }


def unzipped(path: Path) -> int:
    with zipfile.ZipFile(path) as archive:
        return sum(info.file_size for info in archive.infolist())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3, help="runs of each way (default 3)")
    parser.add_argument("--into", type=Path, help="keep what is prepared in this folder")
    parser.add_argument("--write", action="store_true", help=f"into {PAGE.name} as well")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="wideload-bench-") as name:
        folder = Path(name) if options.into is None else options.into.resolve()
        folder.mkdir(parents=True, exist_ok=True)
        bench = Bench(folder)
        bench.prepare()
        turns = measure(bench, options.runs, folder / "turns.json")
    if not turns:
        return
    rows = table(turns)
    show(rows, 130)
    if options.write:
        put(PAGE, "bench/build.py", markdown([(row[0], row[1], row[4], row[6]) for row in rows]))


def measure(bench: Bench, runs: int, kept: Path) -> list[dict[str, Measured]]:
    """Take so many turns; returns these and those of before.

    :param kept: the file with these turns, to which only whole ones are added.
    """
    turns: list[dict[str, Measured]] = []
    if kept.is_file():
        turns = msgspec.json.decode(kept.read_bytes(), type=list[dict[str, Measured]])
    for turn in range(runs):
        measured = {}
        for name, way in bench.ways().items():
            measured[name] = timed(way)
            bench.tidy()
        turns.append(measured)
        kept.write_bytes(msgspec.json.encode(turns))
        print(f"turn {turn + 1} of {runs} is done", file=sys.stderr)
    return turns


def table(turns: list[dict[str, Measured]]) -> list[tuple[str, ...]]:
    """Rows of text, the first one of names."""
    head = ("way", "median", "min", "max", "pip + zip takes", "unzipped", "zip")
    rows: list[tuple[str, ...]] = [head]
    for name, last in turns[-1].items():
        seconds = [turn[name].seconds for turn in turns]
        ratio = statistics.median(turn[USUAL].seconds / turn[name].seconds for turn in turns)
        times = (statistics.median(seconds), min(seconds), max(seconds))
        sizes = (f"{size / 1e6:.1f} MB" if size else "" for size in (last.unzipped, last.zipped))
        rows.append((name, *(f"{one:.2f} s" for one in times), f"{ratio:.1f} ×", *sizes))
    return rows


if __name__ == "__main__":
    main()
