"""A function whose packages lie in a bundle, on a disk of its own, started as Lambda would."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from faulty_s3 import FaultyS3

from slimming_maker import Kitchen
from wideload.build.bundle.content import Contents
from wideload.build.bundle.loader_files import loader_files
from wideload.build.bundle.owners import divide
from wideload.build.bundle.writer import write_bundle
from wideload.values.bundle import BUNDLE_VARIABLE, Bundle, BundleLocation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wideload.cache import Cache
    from wideload.values.profile import Profile
    from wideload.values.resolution import Wheel
    from wideload.values.target import Target

FRAME = 256 * 1024
MODEL = random.Random(1).randbytes(3_000_000)
LOCATION = BundleLocation("bucket", "bundles/a key+ü", "eu-central-1")

_MODULE = """
import os
HERE = os.path.dirname(__file__)
for name in {beside!r}:
    # What is not a module is there before the first module runs.
    assert os.path.getsize(os.path.join(HERE, name)) > 0, name
"""
PACKAGES: dict[str, dict[str, bytes | str]] = {
    "alpha": {
        "alpha/__init__.py": _MODULE.format(
            beside=["data/words.txt", "data/deep/more.txt", "late.py", "../alpha.libs/libalpha.so"]
        ),
        "alpha/late.py": "from alpha.sub import VALUE\n",
        "alpha/data/words.txt": "words",
        "alpha/data/deep/more.txt": "more words",
        "alpha/sub/__init__.py": _MODULE.format(beside=["table.bin"]) + "VALUE = 'sub'\n",
        "alpha/sub/table.bin": random.Random(2).randbytes(400_000),
        "alpha.libs/libalpha.so": random.Random(3).randbytes(300_000),
    },
    "beta": {"nsp/one.py": "ONE = 1\n", "nsp/deep/in_it.py": "DEEP = 3\n"},
    "gamma": {"nsp/two.py": "TWO = 2\n", "gamma.py": "NAME = __name__\n"},
    "big": {
        "big/__init__.py": _MODULE.format(beside=["model.bin"]),
        "big/model.bin": MODEL,
    },
    "lazy": {
        "lazy/__init__.py": "X = 'lazy'\n",
        "lazy/weights.bin": random.Random(4).randbytes(500_000),
    },
}
APP = """
import hashlib, importlib.metadata, os, pathlib, sys
import alpha, alpha.late, gamma, big
from nsp.one import ONE
from nsp import two
from nsp.deep.in_it import DEEP

def handler(event, context):
    import lazy
    model = pathlib.Path(big.__file__).with_name("model.bin").read_bytes()
    return {
        "sub": alpha.late.VALUE,
        "sum": ONE + two.TWO + DEEP,
        "lazy": lazy.X,
        "model": hashlib.sha256(model).hexdigest(),
        "version": importlib.metadata.version("lazy"),
        "handler": os.environ["_HANDLER"],
        "event": event,
    }
"""


class Outcome(msgspec.Struct, frozen=True):
    """What became of one start."""

    code: int
    answer: dict[str, Any]
    """What the handler returned; empty where it was not called."""
    error: str
    """Standard error."""
    timings: dict[str, Any]


class World:
    """A bundle, the function's zip unpacked, and a /tmp.

    :param decompressor: the wheel that brings zstd for the Python that runs the function.
    :param cache: in which frames are that other worlds have too.
    :param unused: how the paths begin that are to be cold.
    """

    def __init__(
        self,
        root: Path,
        target: Target,
        python: str,
        decompressor: Wheel,
        decompressor_path: Path,
        cache: Cache,
        packages: Mapping[str, Mapping[str, bytes | str]] = PACKAGES,
        own: Mapping[str, bytes | str] | None = None,
        profile: Profile | None = None,
        unused: Sequence[str] | None = None,
    ) -> None:
        self.python = python
        self.task, self.tmp, self.out = root / "task", root / "tmp", root / "bundle"
        self.tmp.mkdir(parents=True)
        kitchen = Kitchen(root, packages, own or {"app.py": APP}, target)
        self.kitchen = kitchen
        wheels = {wheel.sha256: wheel for wheel in kitchen.resolution.wheels}
        divided = divide(kitchen.raw, wheels)
        self.bundle: Bundle = write_bundle(
            divided,
            wheels,
            kitchen.paths,
            "app.handler",
            self.out,
            cache,
            profile,
            frame=FRAME,
            unused=None
            if unused is None
            else frozenset(e.path for e in kitchen.raw if e.path.startswith(tuple(unused))),
        )
        files = loader_files(
            self.bundle, "app.handler", target, decompressor, None, cache, str(self.tmp)
        )
        everything = wheels | {decompressor.sha256: decompressor}
        paths = kitchen.paths | {decompressor.sha256: decompressor_path}
        with Contents(everything, paths, cache) as contents:
            for entry in files.beside(divided.zipped):
                place = self.task / entry.path
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(contents.read(entry)[0])
                place.chmod(entry.mode)

    @property
    def command(self) -> list[str]:
        """What runs a program that is given as text."""
        return [self.python, "-I", "-S", "-c"]

    def program(self, code: str) -> str:
        """The program: this one, or what Lambda's runtime does."""
        return code or RUNTIME

    @property
    def content(self) -> bytes:
        """The bundle."""
        return self.out.read_bytes()

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
            "AWS_REGION": "eu-central-1",
            "AWS_ENDPOINT_URL_S3": url,
            "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_SESSION_TOKEN": "token",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
            # For these all is waited for, however long it takes.
            "AWS_LAMBDA_INITIALIZATION_TYPE": "provisioned-concurrency",
            "WIDELOAD_TIMINGS": "1",
            "_HANDLER": "_wideload.run.handler",
            BUNDLE_VARIABLE: LOCATION.variable(),
        } | more

    def begin(
        self, url: str, code: str = "", within: Sequence[str] = (), **more: str
    ) -> subprocess.Popen[str]:
        """Start the function's process.

        :param code: run instead of what Lambda's runtime does.
        :param within: a command that runs it.
        """
        return subprocess.Popen(
            [*within, *self.command, self.program(code), str(self.task)],
            env=self.environ(url, **more),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.task,
            start_new_session=True,
        )

    def end(self, process: subprocess.Popen[str], timeout: float = 60) -> Outcome:
        """Wait for it."""
        stdout, stderr = process.communicate(timeout=timeout)
        timings: dict[str, Any] = {}
        for line in stderr.splitlines():
            if line.startswith('{"wideload"'):
                timings = json.loads(line)["wideload"]
        answer = json.loads(stdout.splitlines()[-1]) if process.returncode == 0 and stdout else {}
        return Outcome(process.returncode, answer, stderr, timings)

    def run(self, url: str, code: str = "", within: Sequence[str] = (), **more: str) -> Outcome:
        """Start it, and call its handler once."""
        return self.end(self.begin(url, code, within, **more))

    def start(self, code: str = "", **more: str) -> Outcome:
        """The same with an S3 in which all is well."""
        with FaultyS3(self.content) as s3:
            return self.run(s3.url, code, **more)

    def right(self, outcome: Outcome) -> None:
        """Check that the function answered, from the bundle's own files."""
        assert outcome.code == 0, outcome.error
        assert outcome.answer["sum"] == 6
        assert outcome.answer["sub"] == "sub"
        assert outcome.answer["lazy"] == "lazy"
        assert outcome.answer["handler"] == "app.handler"
        assert outcome.answer["version"] == "1.0"

    def whole(self) -> None:
        """Check that what lies in the tree is the bundle's files, all and no others."""
        wanted = {
            entry.path: self.kitchen.content(entry)
            for entry in self.kitchen.raw
            if entry.path not in ("app.py",)
        }
        found = {
            path.relative_to(self.tree).as_posix(): path.read_bytes()
            for path in self.tree.rglob("*")
            if path.is_file()
        }
        assert found.keys() == wanted.keys()
        assert found == wanted


RUNTIME = """
import json, os, sys
sys.path.insert(0, sys.argv[1])
import importlib
module, name = os.environ["_HANDLER"].rsplit(".", 1)
handler = getattr(importlib.import_module(module), name)
print(json.dumps(handler({"n": 1}, None)))
"""


def here() -> tuple[int, int]:
    """The Python of the tests."""
    return sys.version_info[0], sys.version_info[1]
