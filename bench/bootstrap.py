"""Which bootstrap starts a large executable from S3 soonest: of shell, or a static binary.

    python bench/bootstrap.py EXECUTABLE [--runs N] [--frame BYTES] [--level N] [--static]

EXECUTABLE prints a line when it starts, and ends. Its bundle lies in the embedded AWS, which
checks every signature, behind the shaper that is as slow as a function's way to S3. Printed are
the medians of the time until that line, and of what the yardsticks take: fetching the bundle,
and fetching the executable as it is, over the same connections with nothing done to the bytes.
So are the moments that the loader tells of, in milliseconds since it began. With --static the ways
of shell are left out, whose objects take minutes to make.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import os
import platform
import shutil
import subprocess
import tempfile
import threading
import time
import zipfile
import zlib
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

import boto3

from wideload.bench.provided_baselines import SHELL_BOOTSTRAP
from wideload.bench.shaper import Shaper
from wideload.build.bundle import provided
from wideload.build.bundle.content import Contents
from wideload.cache import Cache, default_root
from wideload.loaders.python.credentials import Keyring
from wideload.loaders.python.download import Run, Source
from wideload.loaders.python.place import Place
from wideload.local import daemon
from wideload.values.bundle import BUNDLE_VARIABLE, BundleLocation
from wideload.values.network import Network
from wideload.values.target import Target
from wideload.values.tree import FileEntry, FileTree, LocalFile

SHELL = Path(__file__).parent / "bootstrap" / "loader.sh"
BUCKET, REGION = "bench-bootstrap", "us-east-1"
CONNECTIONS = 12
RANGE = 4 << 20


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def static(executable: Path, folder: Path, tmp: Path, frame: int, level: int | None) -> Path:
    """A function's zip with the loader, unpacked; its bundle lies beside it."""
    size = executable.stat().st_size
    origin = LocalFile(str(executable), digest(executable))
    tree = FileTree.of(
        [
            FileEntry(
                "bootstrap", size, size, zlib.crc32(executable.read_bytes()), 0o755, True, origin
            )
        ]
    )
    cache = Cache(default_root())
    divided = provided.divide_provided(tree)
    bundle = provided.write_provided_bundle(
        divided, folder / "bundle", cache, frame=frame, level=level
    )
    architecture = "arm64" if platform.machine() == "aarch64" else "x86_64"
    target = Target.parse("provided.al2023", architecture)
    task = folder / "static"
    with Contents({}, {}, cache) as contents:
        for entry in provided.provided_loader_files(bundle, target, cache, str(tmp)):
            path = task / entry.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(contents.read(entry)[0])
            path.chmod(entry.mode)
    return task


def shell(executable: Path, folder: Path, frame: int) -> Path:
    """The same for the shell, with frames of gzip."""
    task = folder / "shell"
    task.mkdir()
    shutil.copy(SHELL, task / "bootstrap")
    lines, at, data = [], 0, executable.read_bytes()
    with (folder / "bundle.gz").open("wb") as out:
        for number, start in enumerate(range(0, len(data), frame)):
            made = gzip.compress(data[start : start + frame], 6, mtime=0)
            sha256 = hashlib.sha256(made).hexdigest()
            lines.append(f"{number} {at} {at + len(made) - 1} {sha256}\n")
            at += out.write(made)
    (task / "frames.txt").write_text("".join(lines))
    return task


def seed(executable: Path, folder: Path, tmp: Path) -> Path:
    """The same as it is handed about: one GET of a zip, unzip, exec."""
    task = folder / "curl and unzip"
    task.mkdir()
    bootstrap = task / "bootstrap"
    bootstrap.write_text(SHELL_BOOTSTRAP.replace("/tmp/", f"{tmp}/"))
    bootstrap.chmod(0o755)
    with zipfile.ZipFile(folder / "bundle.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(executable, "bootstrap")
    return task


def fetch(environ: Mapping[str, str], size: int) -> None:
    """Every byte of an object, over as many connections, and nothing else."""
    source = Source(Place(dict(environ)), Keyring(dict(environ)), size)
    starts = list(range(0, size, RANGE))
    lock = threading.Lock()

    def work() -> None:
        connection = source.connection()
        while True:
            with lock:
                if not starts:
                    return
                start = starts.pop(0)
            source.read(Run(connection), start, min(size, start + RANGE))

    threads = [threading.Thread(target=work) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("executable", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--frame", type=int, default=provided.FRAME)
    parser.add_argument("--level", type=int, help="of zstd")
    parser.add_argument("--static", action="store_true")
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bench-bootstrap-"))
    state, tmp = folder / "aws", folder / "tmp"
    tmp.mkdir()
    endpoint = daemon.ensure(state)
    host = urlsplit(endpoint.url)
    shaper = Shaper((host.hostname or "", host.port or 0), Network())
    try:
        _measure(asked, folder, tmp, endpoint, shaper)
    finally:
        shaper.close()
        daemon.stop(state)
        shutil.rmtree(folder)


def _measure(
    asked: argparse.Namespace, folder: Path, tmp: Path, endpoint: daemon.Endpoint, shaper: Shaper
) -> None:
    executable: Path = asked.executable.resolve()
    tasks = {
        "static": static(executable, folder, tmp, asked.frame, asked.level),
    }
    if not asked.static:
        tasks["shell"] = shell(executable, folder, asked.frame)
        tasks["curl and unzip"] = seed(executable, folder, tmp)
    session = boto3.Session(endpoint.access_key, endpoint.secret, region_name=REGION)
    s3 = session.client("s3", endpoint_url=endpoint.url)
    s3.create_bucket(Bucket=BUCKET)
    files = {"static": "bundle", "shell": "bundle.gz", "curl and unzip": "bundle.zip", "raw": ""}
    objects = {name: file for name, file in files.items() if name in tasks or not file}
    sizes = {}
    for name, file in objects.items():
        path = folder / file if file else executable
        s3.upload_file(str(path), BUCKET, name.replace(" ", "-"))
        sizes[name] = path.stat().st_size
    url = f"http://127.0.0.1:{shaper.port}"
    environs = {
        name: {
            "PATH": os.environ["PATH"],
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": url,
            "BENCH_BUCKET": BUCKET,
            "BENCH_KEY": name.replace(" ", "-"),
            "AWS_ACCESS_KEY_ID": endpoint.access_key,
            "AWS_SECRET_ACCESS_KEY": endpoint.secret,
            "AWS_SESSION_TOKEN": "",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
            "OBJECT_URL": f"{url}/{BUCKET}/{name}",
            "TMP_FOLDER": str(tmp),
            "WIDELOAD_TIMINGS": "1",
            BUNDLE_VARIABLE: BundleLocation(BUCKET, name, REGION).variable(),
        }
        for name in objects
    }
    ways: dict[str, Callable[[], object]] = {
        "fetch the bundle": lambda: fetch(environs["static"], sizes["static"]),
        "fetch the executable": lambda: fetch(environs["raw"], sizes["raw"]),
    }
    for name, task in tasks.items():
        ways[name] = partial(start, task, environs[name])
    spent: dict[str, list[float]] = {name: [] for name in ways}
    told: list[dict[str, float]] = []
    for _ in range(asked.runs):
        for name, way in ways.items():
            shutil.rmtree(tmp)
            tmp.mkdir()
            shaper.refill()
            time.sleep(0.2)
            began = time.monotonic()
            found = way()
            spent[name].append(time.monotonic() - began)
            if isinstance(found, dict):
                told.append(found)
    seconds = {name: round(median(each), 3) for name, each in spent.items()}
    moments = {name: median(each[name] for each in told) for name in told[0]}
    print(json.dumps({"bytes": sizes, "seconds": seconds, "loader": moments}, indent=1))


def start(task: Path, environ: Mapping[str, str]) -> dict[str, float] | None:
    """Run a bootstrap until its executable has written its line; what it tells of itself."""
    command = [task / "bootstrap"]
    done = subprocess.run(command, check=False, env=environ, cwd=task, capture_output=True)
    if b"ready" not in done.stdout:
        raise SystemExit(f"{task.name}: {done.returncode}: {done.stderr.decode()}")
    for line in done.stderr.splitlines():
        if line.startswith(b'{"wideload"'):
            told: dict[str, float] = json.loads(line)["wideload"]
            return told
    return None


if __name__ == "__main__":
    main()
