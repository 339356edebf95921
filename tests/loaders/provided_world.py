"""A function for a provided runtime whose files lie in a bundle, started as Lambda would."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import random
import shutil
import subprocess
import sys
import threading
import zlib
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from faulty_s3 import FaultyS3

from wideload.build.bundle.content import Contents
from wideload.build.bundle.provided import (
    divide_provided,
    provided_loader_files,
    write_provided_bundle,
)
from wideload.values.bundle import BUNDLE_VARIABLE, BundleLocation
from wideload.values.target import Target
from wideload.values.tree import FileEntry, FileTree, LocalFile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

    from wideload.cache import Cache

FRAME = 256 * 1024
LOCATION = BundleLocation("bucket", "bundles/a key+ü", "eu-central-1")
ARCHITECTURE = "arm64" if platform.machine() == "aarch64" else "x86_64"

# The user's own executable: it tells all that a process is given.
TELLING = f"""#!{sys.executable} -IS
import hashlib, json, os, pathlib, resource, sys
here = pathlib.Path(sys.argv[0]).parent
status = dict(line.split(":\\t") for line in open("/proc/self/status").read().splitlines())
umask = os.umask(0)
print(json.dumps({{
    "argv": sys.argv,
    "cwd": os.getcwd(),
    "environ": dict(os.environ),
    "files": {{
        path.relative_to(here).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in here.rglob("*") if path.is_file()
    }},
    "words": open("data/words.txt").read(),
    "descriptors": sorted(
        int(each.name) for each in pathlib.Path("/proc/self/fd").iterdir() if each.exists()
    ),
    "blocked": status["SigBlk"],
    "files_limit": resource.getrlimit(resource.RLIMIT_NOFILE),
    "umask": umask,
    "pid": os.getpid(),
    "input": sys.stdin.read(),
}}))
"""
FILES: dict[str, bytes] = {
    "bootstrap": TELLING.encode(),
    "data/words.txt": b"words",
    "data/empty": b"",
    "data/deep/table.bin": random.Random(2).randbytes(400_000),
    "data/deep/text.txt": b"the same again and again " * 20_000,
    "model.bin": random.Random(1).randbytes(3_000_000),
    **{f"many/{number}": random.Random(number).randbytes(9_000) for number in range(40)},
}


class Outcome(msgspec.Struct, frozen=True):
    """What became of one start."""

    code: int
    told: dict[str, Any]
    """What the executable told; empty where it was not run."""
    error: str
    """Standard error."""
    timings: dict[str, Any]


class ProvidedWorld:
    """A bundle, the function's zip unpacked, and a /tmp."""

    def __init__(
        self, root: Path, cache: Cache, files: Mapping[str, bytes] = FILES, frame: int = FRAME
    ) -> None:
        self.files = dict(files)
        self.source, self.task, self.tmp = root / "source", root / "task", root / "tmp"
        self.tmp.mkdir(parents=True)
        tree = laid(self.source, files)
        divided = divide_provided(tree)
        self.out = root / "bundle"
        self.bundle = write_provided_bundle(divided, self.out, cache, frame=frame)
        target = Target.parse("provided.al2023", ARCHITECTURE)
        with Contents({}, {}, cache) as contents:
            for entry in provided_loader_files(self.bundle, target, cache, str(self.tmp)):
                place = self.task / entry.path
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(contents.read(entry)[0])
                place.chmod(entry.mode)
        self.content = self.out.read_bytes()

    @property
    def folder(self) -> Path:
        """Where it is unpacked."""
        return self.tmp / f"wideload-{self.bundle.sha256[:32]}"

    @property
    def tree(self) -> Path:
        return self.folder / "tree"

    @property
    def index(self) -> Any:
        return json.loads((self.task / "_wideload/index.json").read_bytes())

    def clear(self) -> None:
        """An execution environment that is new."""
        shutil.rmtree(self.tmp)
        self.tmp.mkdir()

    def environ(self, url: str, **more: str) -> dict[str, str]:
        return {
            "PATH": os.defpath,
            "LAMBDA_TASK_ROOT": str(self.task),
            "PWD": str(self.task),
            "AWS_REGION": "eu-central-1",
            "AWS_ENDPOINT_URL_S3": url,
            "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_SESSION_TOKEN": "token",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
            "WIDELOAD_TIMINGS": "1",
            "_HANDLER": "the function's own",
            "STRANGE": "a=b\nc=d ü",
            BUNDLE_VARIABLE: LOCATION.variable(),
        } | more

    def begin(
        self,
        url: str,
        *arguments: str,
        within: Sequence[str] = (),
        descriptors: Sequence[int] = (),
        **more: str,
    ) -> subprocess.Popen[bytes]:
        """Start the function's process.

        :param within: a command that runs it.
        :param descriptors: that it inherits besides the standard ones.
        """
        return subprocess.Popen(
            [*within, str(self.task / "bootstrap"), *arguments],
            env=self.environ(url, **more),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.task,
            start_new_session=True,
            pass_fds=descriptors,
        )

    def end(self, process: subprocess.Popen[bytes], timeout: float = 60) -> Outcome:
        """Wait for it."""
        stdout, stderr = process.communicate(b"from its input", timeout=timeout)
        error, timings = stderr.decode(), {}
        for line in error.splitlines():
            if line.startswith('{"wideload"'):
                timings = json.loads(line)["wideload"]
        told = json.loads(stdout) if process.returncode == 0 and stdout else {}
        return Outcome(process.returncode, told, error, timings)

    def run(self, url: str, *arguments: str, within: Sequence[str] = (), **more: str) -> Outcome:
        """Start it and wait for its end."""
        return self.end(self.begin(url, *arguments, within=within, descriptors=(), **more))

    def start(self, **more: str) -> Outcome:
        """The same with an S3 in which all is well."""
        with FaultyS3(self.content) as s3:
            return self.run(s3.url, **more)

    def right(self, outcome: Outcome) -> None:
        """Check that the user's executable ran, with all of its files beside it."""
        assert outcome.code == 0, outcome.error
        wanted = {path: hashlib.sha256(data).hexdigest() for path, data in self.files.items()}
        assert outcome.told["files"] == wanted
        assert outcome.told["argv"][0] == str(self.tree / "bootstrap")
        assert outcome.told["words"] == "words"
        assert {path.name for path in self.folder.iterdir()} == {"tree", "complete"}
        for path in self.tree.rglob("*"):
            mode = 0o700 if path.is_dir() else 0o755 if path.name == "bootstrap" else 0o644
            assert path.lstat().st_mode & 0o7777 == mode, path


def laid(folder: Path, files: Mapping[str, bytes]) -> FileTree:
    """These files below a folder, as a tree."""
    entries = []
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        origin = LocalFile(str(path), hashlib.sha256(data).hexdigest())
        mode = 0o755 if name == "bootstrap" else 0o644
        entries.append(FileEntry(name, len(data), len(data), zlib.crc32(data), mode, True, origin))
    return FileTree.of(entries)


class RuntimeApi:
    """Lambda's end of the Runtime API: it takes what a failed init reports."""

    def __init__(self) -> None:
        self.reports: list[tuple[str, str, dict[str, Any]]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                kind = self.headers.get("Lambda-Runtime-Function-Error-Type", "")
                outer.reports.append((self.path, kind, json.loads(body)))
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> RuntimeApi:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
