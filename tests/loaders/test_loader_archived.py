"""Modules of a mounted directory: found by a list, run from archives, and otherwise as ever."""

from __future__ import annotations

import json
import py_compile
import resource
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from wideload.build.bundle.loader_files import Loader, loader_sources

TAG = f"cpython-{sys.version_info[0]}{sys.version_info[1]}"
BESIDE = {
    "alpha/__init__.py": "NAME = __name__\n",
    "alpha/sub.py": "def here():\n    return 'sub'  # as it was written\n",
    "nsp/one.py": "ONE = 1\n",
}
SOURCELESS = {"beta/__init__.py": "from beta import late\n", "beta/late.py": "LATE = 'late'\n"}
SOURCE_ONLY = {"gamma.py": "GAMMA = 'gamma'\n"}
UNLISTED = {"nsp/two.py": "TWO = 2\n"}
"""Known by name, but in no archive."""
DATA = {
    "alpha/words.txt": "words",
    "alpha-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: alpha\nVersion: 1.0\n",
}
APP = """
import json, sys
def handler(event, context):
    found = {}
    exec(event["code"], found)
    return found["answer"]
"""


class Mounted:
    """A function, and the directory that it mounts."""

    def __init__(self, root: Path) -> None:
        self.task, self.tree = root / "task", root / "mnt"
        run_from = {**self._beside(BESIDE), **self._sourceless(SOURCELESS)}
        self._write(SOURCE_ONLY | UNLISTED | DATA)
        run_from |= {path: text.encode() for path, text in SOURCE_ONLY.items()}
        extension = self._extension()
        self._write({".wideload/all": b"".join(run_from.values())})
        files = [*BESIDE, *UNLISTED, *SOURCE_ONLY, extension]
        files += [f"{path}c" for path in SOURCELESS]
        archive = {
            "path": ".wideload/all",
            "modules": [[path, len(data)] for path, data in run_from.items()],
            "libraries": [[extension, (self.tree / extension).stat().st_size]],
        }
        folders = ["", "alpha", "alpha-1.0.dist-info", "beta", "nsp"]
        told: dict[str, Any] = {"folder": str(root), "handler": "app.handler"}
        told |= {"search": str(self.tree), "own": [], "linked": [], "pth": []}
        home = self.task / "_wideload"
        home.mkdir(parents=True)
        for name, data in loader_sources(Loader.MOUNTED).items():
            (home / name).write_bytes(data)
        (home / "function.json").write_text(json.dumps(told))
        listed = {"archives": [archive], "files": files, "folders": folders}
        (home / "modules.json").write_text(json.dumps(listed))
        (self.task / "app.py").write_text(APP)

    def _write(self, files: dict[str, str] | dict[str, bytes]) -> None:
        for path, content in files.items():
            place = self.tree / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content.encode() if isinstance(content, str) else content)

    def _compiled(self, path: str, into: str) -> bytes:
        mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
        place = self.tree / into
        py_compile.compile(
            str(self.tree / path), str(place), path, doraise=True, invalidation_mode=mode
        )
        return place.read_bytes()

    def _beside(self, files: dict[str, str]) -> dict[str, bytes]:
        self._write(files)
        found = {}
        for path in files:
            folder, _, name = path.rpartition("/")
            into = f"{folder}/__pycache__/{name[:-3]}.{TAG}.pyc"
            found[into] = self._compiled(path, into)
        return found

    def _sourceless(self, files: dict[str, str]) -> dict[str, bytes]:
        self._write(files)
        found = {f"{path}c": self._compiled(path, f"{path}c") for path in files}
        for path in files:
            (self.tree / path).unlink()
        return found

    def _extension(self) -> str:
        found = Path(resource.__file__)
        shutil.copy(found, self.tree / "alpha" / found.name)
        return f"alpha/{found.name}"

    def run(self, code: str, **environment: str) -> Any:
        """What `answer` is after this code, run by the function."""
        start = (
            "import importlib, json, sys\n"
            "if __name__ == '__main__':\n"
            f"    sys.path.insert(0, {str(self.task)!r})\n"
            "    handler = importlib.import_module('_wideload.mounted').handler\n"
            f"    print(json.dumps(handler({{'code': {code!r}}}, None)))\n"
        )
        main = self.task / "main.py"
        main.write_text(start)
        done = subprocess.run(
            [sys.executable, str(main)],
            env={"LAMBDA_TASK_ROOT": str(self.task), "PYTHONPATH": str(self.tree), **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def without(self, *paths: str) -> None:
        """Take away files of the directory."""
        for path in paths:
            (self.tree / path).unlink()


@pytest.fixture
def mounted(tmp_path: Path) -> Mounted:
    return Mounted(tmp_path)


def test_code_comes_from_the_archive_and_from_nowhere_else(mounted: Mounted) -> None:
    caches = [f"alpha/__pycache__/{name}.{TAG}.pyc" for name in ("__init__", "sub")]
    mounted.without(*BESIDE, *caches, *(f"{path}c" for path in SOURCELESS), *SOURCE_ONLY)
    code = """
import alpha.sub, beta.late, gamma
from nsp.one import ONE
answer = [alpha.NAME, alpha.sub.here(), beta.late.LATE, gamma.GAMMA, ONE]
"""
    assert mounted.run(code) == ["alpha", "sub", "late", "gamma", 1]


def test_without_the_archive_modules_are_read_as_ever(mounted: Mounted) -> None:
    mounted.without(".wideload/all")
    code = """
import alpha.sub, beta.late, gamma
answer = [alpha.sub.here(), beta.late.LATE, gamma.GAMMA]
"""
    assert mounted.run(code) == ["sub", "late", "gamma"]


def test_an_archive_that_is_cut_off_is_left_alone(mounted: Mounted) -> None:
    (mounted.tree / ".wideload/all").write_bytes(b"")
    assert mounted.run("import alpha.sub\nanswer = alpha.sub.here()") == "sub"


def test_what_is_in_no_archive_is_found(mounted: Mounted) -> None:
    code = """
import nsp
from nsp.two import TWO
from alpha import resource
answer = [TWO, resource.__name__, list(nsp.__path__), nsp.__file__ is None]
"""
    assert mounted.run(code) == [2, "alpha.resource", [str(mounted.tree / "nsp")], True]


def test_nobody_looks_into_a_folder_or_opens_a_module(mounted: Mounted) -> None:
    code = """
import sys
seen = []
def audit(event, arguments):
    if event in ("open", "os.listdir", "os.scandir") and "/mnt" in str(arguments[0]):
        seen.append(str(arguments[0]).rpartition("/mnt")[2])
sys.addaudithook(audit)
import alpha.sub, beta, gamma, nsp.one
try:
    import nothing, nsp.nothing
except ImportError:
    pass
answer = seen
"""
    assert mounted.run(code) == ["/.wideload/all"]


def test_modules_tell_of_their_files(mounted: Mounted) -> None:
    code = """
import alpha, alpha.sub, beta, beta.late, importlib.util, inspect
answer = [alpha.__file__, list(alpha.__path__), alpha.sub.__cached__, alpha.sub.__spec__.origin,
          beta.late.__file__, inspect.getsource(alpha.sub.here),
          alpha.sub.here.__code__.co_filename,
          importlib.util.find_spec("alpha.nothing") is None]
"""
    tree = mounted.tree
    assert mounted.run(code) == [
        str(tree / "alpha/__init__.py"),
        [str(tree / "alpha")],
        str(tree / f"alpha/__pycache__/sub.{TAG}.pyc"),
        str(tree / "alpha/sub.py"),
        str(tree / "beta/late.pyc"),
        BESIDE["alpha/sub.py"],
        str(tree / "alpha/sub.py"),
        True,
    ]


def test_data_metadata_and_lists_of_modules_are_the_files_own(mounted: Mounted) -> None:
    code = """
import alpha, importlib.metadata, importlib.resources, pkgutil
answer = [importlib.resources.files(alpha).joinpath("words.txt").read_text(),
          pkgutil.get_data("alpha", "words.txt").decode(),
          importlib.metadata.version("alpha"),
          sorted(each.name for each in pkgutil.iter_modules(alpha.__path__))]
"""
    assert mounted.run(code) == ["words", "words", "1.0", ["resource", "sub"]]


def test_other_processes_find_the_modules_by_themselves(mounted: Mounted) -> None:
    code = """
import multiprocessing, subprocess, sys
import alpha.sub
told = subprocess.run([sys.executable, "-c", "import alpha.sub, beta; print(alpha.sub.here())"],
                      capture_output=True, text=True, check=True).stdout.strip()
found = [told]
for kind in ("spawn", "fork"):
    with multiprocessing.get_context(kind).Pool(1) as pool:
        found.append(pool.apply(alpha.sub.here))
answer = found
"""
    assert mounted.run(code) == ["sub"] * 3


def test_another_folder_for_byte_code_is_no_way_around_the_files(
    mounted: Mounted, tmp_path: Path
) -> None:
    code = "import alpha.sub\nanswer = alpha.sub.here()"
    assert mounted.run(code, PYTHONPYCACHEPREFIX=str(tmp_path / "elsewhere")) == "sub"
    assert not (tmp_path / "elsewhere" / "alpha").exists()


def test_an_import_in_an_invocation_leaves_no_process_behind(mounted: Mounted) -> None:
    """What reads ahead ends when it is done, whether the function has threads or not."""
    code = """
import os, threading, time
stop = threading.Event()
threading.Thread(target=stop.wait).start()
import alpha
def others():
    found = []
    for each in os.listdir("/proc"):
        if each.isdigit() and int(each) != os.getpid():
            try:
                with open(f"/proc/{each}/environ", "rb") as file:
                    if b"WIDELOAD_TEST=here" in file.read():
                        found.append(each)
            except OSError:
                pass
    return found
until = time.monotonic() + 5
while others() and time.monotonic() < until:
    time.sleep(0.02)
stop.set()
answer = others()
"""
    assert mounted.run(code, WIDELOAD_TEST="here") == []
