"""Slimming the recommender, side by side: serverless-python-requirements, uv with strip, ours.

    python bench/rivals.py [--write] [--only WORDS] [--again]

Every way packs the very same wheels, by hash, for python3.13 on x86_64. Each starts with
empty caches of its own, then packs again with them after a line of the function's code has
changed. What comes of it is unpacked and invoked in the same sandbox with the example's
event. What was measured is kept below the cache, so that each way can be measured by itself
(`--only`; ours comes first, since it says what the others are to pack); `--again` measures
anew. With --write the table goes into docs/explanation/side-by-side.md.

Needs, besides what the sandbox needs: node and npm (apt-get install nodejs npm), strip and
zip (apt-get install binutils zip), and a CPython 3.13 with pip.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
import zipfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import uv
from pages import markdown, put, show

from wideload import limits
from wideload.cache import default_root
from wideload.interpreters import find_interpreter
from wideload.sandbox import LinuxSandbox, unpack
from wideload.values.artifact import MANIFEST_NAME, Manifest
from wideload.values.environment import EnvironmentSpec
from wideload.values.invocation import Outcome

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
PAGE = ROOT / "docs" / "explanation" / "side-by-side.md"
WIDELOAD = str(Path(sys.executable).with_name("wideload"))

FRAMEWORK, PLUGIN = "3.40.0", "6.1.2"
"""The last serverless framework that asks for no account, and the plugin's newest version."""
SDK = ("boto3", "botocore", "s3transfer", "jmespath")
"""What of the AWS SDK the runtime carries and nothing else here needs."""
OURS = "`wideload build`"
INIT_TIMEOUT = 60.0
_DROPPED = ("AWS_", "WIDELOAD_", "UV_", "PIP_", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV")


class Result(msgspec.Struct, frozen=True):
    """What came of one way."""

    name: str
    cold: float
    """Seconds with empty caches."""
    again: float
    """Seconds with its caches filled, after a line of code changed."""
    unzipped: int
    zipped: int
    sdk: int
    """Bytes of `unzipped` that are the AWS SDK."""
    described: int
    """How many distributions' metadata is in it."""
    refusal: str
    """AWS's words, or nothing."""
    answer: str
    """``as expected``, or what went wrong."""
    init_ms: float | None
    """Of the cold start; nothing where it failed."""


def run(arguments: list[str], folder: Path, **environment: str) -> None:
    """Run a command; its own words in case it fails."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_DROPPED)}
    done = subprocess.run(
        arguments, cwd=folder, env={**kept, **environment}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    if done.returncode:
        sys.exit(f"{' '.join(arguments)}\n{done.stdout}\n{done.stderr}")


class Way:
    """One way to a package: a folder with the function, and caches of its own."""

    def __init__(self, name: str, scratch: Path, work: Callable[[Path, Path], Path]) -> None:
        self.name = name
        self._folder = Path(tempfile.mkdtemp(dir=scratch))
        self._work = work
        shutil.copytree(EXAMPLES, self._folder / "examples", ignore=_ignored)
        self.source = self._folder / "examples" / "recommender"
        self.cache = self._folder / "cache"

    def pack(self) -> tuple[float, Path]:
        started = time.perf_counter()
        made = self._work(self.source, self.cache)
        return time.perf_counter() - started, made

    def edit(self) -> None:
        with (self.source / "app.py").open("a") as file:
            file.write("# edited\n")


_ignored = shutil.ignore_patterns(".wideload", "pylock.*")


class Rivals:
    """All ways, over one lock.

    :param kept: where wideload keeps the interpreters and the framework.
    :param results: where what was measured is kept.
    """

    def __init__(self, scratch: Path, kept: Path, results: Path) -> None:
        self.scratch = scratch
        self.python = find_interpreter("3.13", kept).executable
        self.modules = _framework(kept / "bench" / f"serverless-{FRAMEWORK}-{PLUGIN}")
        self._kept = kept
        self._results = results
        self._manifest = results / MANIFEST_NAME
        self.ways: dict[str, Callable[[Path, Path], Path]] = {
            "serverless, `slim: true`": self.serverless(),
            "serverless, `slim: true`, `strip: false`, SDK out": self.serverless(
                noDeploy=list(SDK), strip=False
            ),
            "`uv pip install`, `strip`, `zip`": self.uv_and_strip,
            OURS: self.wideload,
        }

    @property
    def manifest(self) -> Manifest:
        """Of the package that we made: which wheels every way packs.

        :raises SystemExit: it was not made yet.
        """
        if not self._manifest.is_file():
            sys.exit(f"measure {OURS} first: it says which wheels the others are to pack")
        return msgspec.json.decode(self._manifest.read_bytes(), type=Manifest)

    @property
    def locked(self) -> Path:
        """The very same wheels, as pip and uv are told of them."""
        path = self.scratch / "locked.txt"
        path.write_text(
            "".join(
                f"{wheel.name}=={wheel.version} --hash=sha256:{wheel.sha256}\n"
                for wheel in self.manifest.wheels
            )
        )
        return path

    def known(self) -> list[Result]:
        """What was measured, in the order of the ways."""
        files = [self._place(name) for name in self.ways]
        return [msgspec.json.decode(f.read_bytes(), type=Result) for f in files if f.is_file()]

    def _place(self, name: str) -> Path:
        return self._results / f"{hashlib.sha256(name.encode()).hexdigest()[:12]}.json"

    def measure(self, name: str) -> Result:
        """Measure a way, and keep what comes of it."""
        way = Way(name, self.scratch, self.ways[name])
        if name == OURS:
            # The lock is written before, so that no way's time has resolving in it.
            self._configure(way.source.parent)
            command = [WIDELOAD, "-q", "plan", "recommender"]
            run(command, way.source.parent, WIDELOAD_CACHE=str(self.scratch / "locking"))
        result = self._measure(way)
        self._results.mkdir(parents=True, exist_ok=True)
        self._place(name).write_bytes(msgspec.json.encode(result))
        return result

    @staticmethod
    def _configure(project: Path) -> None:
        config = project / "wideload.toml"
        table = "[functions.recommender]\n"
        text = config.read_text()
        assert table in text
        config.write_text(text.replace(table, f'{table}slim = "safe"\n'))

    @staticmethod
    def wideload(source: Path, cache: Path) -> Path:
        command = [WIDELOAD, "-q", "build", "recommender"]
        run(command, source.parent, WIDELOAD_CACHE=str(cache), UV_CACHE_DIR=str(cache / "uv"))
        return _built(source) / "function.zip"

    def serverless(self, **options: object) -> Callable[[Path, Path], Path]:
        def package(source: Path, cache: Path) -> Path:
            shutil.copyfile(self.locked, source / "requirements.txt")
            link = source / "node_modules"
            if not link.exists():
                link.symlink_to(self.modules)
            requirements = {
                "pythonBin": self.python,
                "cacheLocation": str(cache),
                "dockerizePip": False,
                "slim": True,
                **options,
            }
            service = {
                "service": "recommender",
                "frameworkVersion": "3",
                "provider": {"name": "aws", "runtime": "python3.13"},
                "plugins": ["serverless-python-requirements"],
                "package": {"patterns": ["!**", "app.py", "ratings.csv"]},
                "functions": {"recommender": {"handler": "app.handler"}},
                "custom": {"pythonRequirements": requirements},
            }
            (source / "serverless.yml").write_text(json.dumps(service))
            run(
                ["node", "node_modules/serverless/bin/serverless.js", "package"],
                source,
                HOME=str(source.parent),
                SLS_TELEMETRY_DISABLED="1",
                SLS_NOTIFICATIONS_MODE="off",
                CI="1",
            )
            return source / ".serverless" / "recommender.zip"

        return package

    def uv_and_strip(self, source: Path, cache: Path) -> Path:
        folder = Path(tempfile.mkdtemp(dir=self.scratch))
        for name in ("app.py", "ratings.csv"):
            shutil.copy(source / name, folder / name)
        run(
            [uv.find_uv_bin(), "pip", "install", "-q", "-r", str(self.locked), "--target", ".",
             "--no-deps", "--cache-dir", str(cache), "--link-mode", "copy", "--only-binary",
             ":all:", "--python-version", "3.13", "--python-platform", "x86_64-manylinux_2_34"],
            folder,
        )  # fmt: skip
        # As everybody does it: strip refuses some files, and nobody looks.
        run(["sh", "-c", "find . -name '*.so*' -exec strip --strip-unneeded {} + || true"], folder)
        package = folder.with_suffix(".zip")
        run(["zip", "-qr", str(package), "."], folder)
        shutil.rmtree(folder)
        return package

    def _measure(self, way: Way) -> Result:
        """Pack, edit, pack again, run."""
        cold, package = way.pack()
        if way.name == OURS:
            self._results.mkdir(parents=True, exist_ok=True)
            shutil.copy(_built(way.source) / MANIFEST_NAME, self._manifest)
        way.edit()
        again, package = way.pack()
        with zipfile.ZipFile(package) as archive:
            files = archive.infolist()
        unzipped = sum(file.file_size for file in files)
        broken = limits.check_unzipped(unzipped)
        answer, init_ms = self._answer(package)
        return Result(
            way.name,
            cold,
            again,
            unzipped,
            package.stat().st_size,
            sum(file.file_size for file in files if _is_sdk(file.filename)),
            sum(file.filename.endswith(".dist-info/METADATA") for file in files),
            broken.aws_error if broken else "",
            answer,
            init_ms,
        )

    def _answer(self, package: Path) -> tuple[str, float | None]:
        """What the function answers to the example's event, and how long its start takes."""
        task = Path(tempfile.mkdtemp(dir=self.scratch)) / "task"
        unpack(package, task)
        task.parent.chmod(0o755)
        settings = self.manifest.settings
        spec = EnvironmentSpec(
            function="recommender",
            version="$LATEST",
            target=self.manifest.target,
            handler=self.manifest.handler,
            task=str(task),
            memory=settings.memory,
            timeout=settings.timeout,
            ephemeral=settings.ephemeral,
        )
        event = (EXAMPLES / "recommender" / "event.json").read_bytes()
        expected = json.loads((EXAMPLES / "recommender" / "expected.json").read_bytes())
        environment = LinuxSandbox(self._kept, init_timeout=INIT_TIMEOUT).start(spec)
        try:
            found = environment.invoke(event, str(uuid.uuid4()))
        finally:
            environment.close()
            shutil.rmtree(task)
        if found.outcome is not Outcome.SUCCESS:
            return _told(found.payload), None
        same = json.loads(found.payload) == expected
        return ("as expected" if same else "another answer"), found.init_ms


def _framework(folder: Path) -> Path:
    """The framework and the plugin, installed once; no way's time has this in it."""
    if not (folder / "node_modules").is_dir():
        scratch = folder.with_name(f"{folder.name}.partial")
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        packages = (f"serverless@{FRAMEWORK}", f"serverless-python-requirements@{PLUGIN}")
        run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", *packages], scratch)
        scratch.rename(folder)
    return folder / "node_modules"


def _built(source: Path) -> Path:
    return source.parent / ".wideload" / "build" / "recommender"


def _is_sdk(path: str) -> bool:
    return path.startswith(SDK) and path.partition("/")[0].partition("-")[0] in SDK


def _told(payload: bytes) -> str:
    """The line of an error document that names the cause."""
    lines = str(json.loads(payload).get("errorMessage", payload.decode())).splitlines()
    telling = [line.strip() for line in lines if "ELF" in line or "rror" in line]
    return (telling or lines)[-1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help=f"into {PAGE.name} as well")
    parser.add_argument("--only", default="", help="measure those with this in their name")
    parser.add_argument("--again", action="store_true", help="even what was measured before")
    options = parser.parse_args()
    missing = [name for name in ("node", "npm", "strip", "zip") if shutil.which(name) is None]
    if missing:
        sys.exit(f"not found: {', '.join(missing)} (apt-get install nodejs npm binutils zip)")
    with tempfile.TemporaryDirectory(prefix="wideload-rivals-") as name:
        Path(name).chmod(0o755)
        rivals = Rivals(Path(name), default_root(), default_root() / "bench" / "rivals")
        known = set() if options.again else {result.name for result in rivals.known()}
        for way in (OURS, *rivals.ways):
            if options.only in way and way not in known:
                known.add(way)
                print(rivals.measure(way), file=sys.stderr)
        results = rivals.known()
    if len(results) < len(rivals.ways):
        sys.exit(f"measured so far: {', '.join(result.name for result in results)}")
    rows = table(results, len(rivals.manifest.wheels))
    show(rows, 200, words=2)
    if options.write:
        put(PAGE, "bench/rivals.py", markdown(rows, words=2))


def table(results: list[Result], count: int) -> list[tuple[str, ...]]:
    """Rows of text, the first one of names; ratios are to the last way, ours."""
    ours = results[-1]
    rows: list[tuple[str, ...]] = [
        (
            "way", "unzipped MB", "of it SDK", "zip MB", "first time, s", "again, s",
            "metadata of", "AWS", "the event",
        )
    ]  # fmt: skip
    for one in results:
        rows.append(
            (
                one.name,
                f"{one.unzipped / 1e6:.1f} ({one.unzipped / ours.unzipped:.2f} ×)",
                f"{one.sdk / 1e6:.1f}",
                f"{one.zipped / 1e6:.1f} ({one.zipped / ours.zipped:.2f} ×)",
                f"{one.cold:.1f} ({one.cold / ours.cold:.1f} ×)",
                f"{one.again:.1f} ({one.again / ours.again:.0f} ×)",
                f"{one.described} of {count}",
                f"`{one.refusal}`" if one.refusal else "takes it",
                f"answered {one.answer}, init {one.init_ms / 1000:.1f} s"
                if one.init_ms is not None
                else f"`{one.answer}`",
            )
        )
    return rows


if __name__ == "__main__":
    main()
