"""Runs tests of a tree in a box that is the same for all trees, and keeps what came of them."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path

import msgspec
import uv

from suites import recorder
from wideload.interpreters import Interpreter

_TASK = "/var/task"
_CONFIGURATION = """[pytest]
# So that modules below a package without sources are found as its modules.
consider_namespace_packages = true
faulthandler_timeout = 1200
faulthandler_exit_on_timeout = true
"""
_MARKS = {
    # What numpy.test(), scipy.test() and pandas.test() leave out by themselves.
    "numpy": "not slow",
    "scipy": "not slow and not xslow",
    "pandas": "not slow and not network and not db",
}
# numpy's tests of f2py cannot even be collected without meson; without a compiler that is
# all they do with it.
_TOOLS = ("pytest>=9", "hypothesis", "meson")
_FINE = (0, 1, 5)
"""Exit codes of pytest: all passed, some failed, nothing to do."""
_CRASHES = 20
"""So many times a unit is begun anew after the interpreter died."""


class Outcome(msgspec.Struct, frozen=True):
    """What came of one test."""

    id: str
    """As pytest names it, relative to the package's folder."""
    outcome: str
    message: str = ""


class Unit(msgspec.Struct, frozen=True):
    """Some tests of one package that are run by one process."""

    package: str
    name: str
    tests: tuple[str, ...]
    """Folders and files, relative to the tree."""


class Box(msgspec.Struct, frozen=True):
    """What tests run with, besides the tree itself."""

    interpreter: Interpreter
    tools: Path
    """What `install_tools` installs, for this interpreter."""


def install_tools(interpreter: Interpreter, into: Path) -> Box:
    """Put what tests are run with into a folder, where it is not there yet."""
    if not into.is_dir():
        scratch = into.with_name(f"{into.name}.partial")
        shutil.rmtree(scratch, ignore_errors=True)
        command = [uv.find_uv_bin(), "pip", "install", "--quiet", "--only-binary", ":all:"]
        where = ["--python", interpreter.executable, "--target", str(scratch)]
        subprocess.run([*command, *where, *_TOOLS], check=True)
        scratch.rename(into)
    return Box(interpreter, into)


def units(tree: Path, package: str) -> list[Unit]:
    """A package's tests by the part of the package that they test."""
    found: dict[str, dict[str, None]] = {}
    for path in sorted((tree / package).rglob("test_*.py")):
        parts = path.relative_to(tree / package).parts
        if "tests" not in parts[:-1]:
            continue
        deep = parts[0] == "tests" and len(parts) > 2
        name = "/".join(parts[:2]) if deep else parts[0]
        # Folders rather than files: a conftest.py may skip all of its folder only where
        # pytest comes to it by itself.
        end = 2 if parts[0] == "tests" else parts.index("tests") + 1
        test = "/".join((package, *parts[:end]))
        found.setdefault(name, {})[test] = None
    return [Unit(package, name, tuple(tests)) for name, tests in found.items()]


def run(
    box: Box,
    tree: Path,
    tests: Sequence[str],
    kept: Path,
    *,
    marks: str = "",
    only: Collection[str] | None = None,
    every: int = 1,
    files: int = 1,
) -> dict[str, Outcome]:
    """The outcomes of some tests, those of before among them.

    :param tests: folders, files or single tests, relative to the tree.
    :param kept: where the outcomes are kept; a run that was stopped goes on from there.
    :param only: of these tests only.
    :param every: about one test in so many is run.
    :param files: about one file in so many is looked into at all.
    """
    kept.parent.mkdir(parents=True, exist_ok=True)
    crashes = 0
    while not is_done(kept, every):
        code, running, said = _pytest(box, tree, tests, kept, marks, only, every, files)
        if code in _FINE:
            _done(kept, every).touch()
        elif running and crashes < _CRASHES:
            # The interpreter died: that is the outcome of the test that was under way.
            crashes += 1
            with kept.open("a", encoding="utf-8") as file:
                line = {"id": running, "outcome": "crashed", "message": said[-2000:]}
                file.write(json.dumps(line) + "\n")
        else:
            raise SystemExit(f"pytest ended with {code}:\n{said}")
    return read(kept, every)


def is_done(kept: Path, every: int = 1) -> bool:
    """Whether the tests, or one in so many of them, were run to their end."""
    return _done(kept, 1).exists() or _done(kept, every).exists()


def _done(kept: Path, every: int) -> Path:
    return kept.with_suffix(".done" if every == 1 else f".done-{every}")


def marks_of(package: str) -> str:
    """Which tests the package itself means by all that are worth running, for pytest's -m."""
    return _MARKS.get(package, "")


def read(kept: Path, every: int = 1) -> dict[str, Outcome]:
    """Outcomes by test, and of what could not be collected; of one test in so many."""
    lines = kept.read_bytes().splitlines()
    outcomes = [msgspec.json.decode(line, type=Outcome) for line in lines]
    return {
        one.id: one for one in outcomes if "::" not in one.id or recorder.is_chosen(one.id, every)
    }


def _pytest(
    box: Box,
    tree: Path,
    tests: Sequence[str],
    kept: Path,
    marks: str,
    only: Collection[str] | None,
    every: int,
    files: int,
) -> tuple[int, str, str]:
    """Exit code, the test that was under way at the end, and what was printed last."""
    with tempfile.TemporaryDirectory(prefix="wideload-suites-") as name:
        scratch = Path(name)
        for each in ("tmp", "suites"):
            (scratch / each).mkdir()
        shutil.copy(recorder.__file__, scratch / "suites" / "suites_recorder.py")
        (scratch / "suites" / "pytest.ini").write_text(_CONFIGURATION)
        if only is not None:
            (scratch / "suites" / "only.json").write_text(json.dumps(sorted(only)))
        command = [
            *_box(box, tree, scratch, kept.parent),
            *("--setenv", recorder.OUTCOMES, f"/var/kept/{kept.name}"),
            *("--setenv", recorder.EVERY, str(every), "--setenv", recorder.FILES, str(files)),
            *("--setenv", recorder.FINISHED, "/var/suites/finished"),
            *("--setenv", recorder.RUNNING, "/var/suites/running"),
            *(("--setenv", recorder.ONLY, "/var/suites/only.json") if only is not None else ()),
            *("--", f"/var/lang/bin/python{box.interpreter.version}", "-s", "-m", "pytest"),
            *("-c", "/var/suites/pytest.ini", "--rootdir", _TASK, "--import-mode", "importlib"),
            *("-p", "suites_recorder", "-p", "no:cacheprovider", "--hypothesis-seed", "0"),
            *("--continue-on-collection-errors", "-q", "--no-header", "--no-summary"),
            *("--disable-warnings", "--tb", "short", *(("-m", marks) if marks else ())),
            *(f"{_TASK}/{test}" for test in tests),
        ]
        log = scratch / "log"
        with log.open("wb") as file:
            code = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, check=False
            ).returncode
        running = scratch / "suites" / "running"
        said = log.read_bytes()[-4000:].decode(errors="replace")
        if code in _FINE and not (scratch / "suites" / "finished").exists():
            code = -1  # the box itself did not come up
        return code, running.read_text("utf-8") if running.exists() else "", said


def _box(box: Box, tree: Path, scratch: Path, kept: Path) -> list[str]:
    """This machine, read-only, without network and, as Lambda, without compilers."""
    site = f"lib/python{box.interpreter.version}/site-packages"
    # Nothing that happens to be installed for this interpreter is seen.
    hidden = (Path(box.interpreter.prefix) / site).is_dir()
    variables = {
        "PATH": "/var/lang/bin:/var/tools/bin",
        "HOME": "/tmp/home",
        "TMPDIR": "/tmp",
        "TZ": "UTC",
        "LANG": "C.UTF-8",
        "PYTHONPATH": f"{_TASK}:/var/tools:/var/suites",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "HYPOTHESIS_STORAGE_DIRECTORY": "/tmp/hypothesis",
    }
    return [
        *("bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--clearenv"),
        *("--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/var"),
        *("--bind", str(scratch / "tmp"), "/tmp", "--dir", "/tmp/home"),
        *("--ro-bind", box.interpreter.prefix, "/var/lang"),
        *(("--tmpfs", f"/var/lang/{site}") if hidden else ()),
        *("--ro-bind", str(tree), _TASK, "--ro-bind", str(box.tools), "/var/tools"),
        *("--bind", str(scratch / "suites"), "/var/suites", "--bind", str(kept), "/var/kept"),
        *("--chdir", "/tmp"),
        *(part for name, value in variables.items() for part in ("--setenv", name, value)),
    ]
