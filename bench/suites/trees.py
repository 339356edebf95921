"""The recommender's packages as they are and as slimmed, each with all tests beside them."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from wideload.build.builder import FUNCTION_ZIP
from wideload.cache import write_atomically
from wideload.cli.console import Console
from wideload.pipeline import Pipeline
from wideload.sandbox.unpack import unpack

if TYPE_CHECKING:
    from wideload.cache import Cache
    from wideload.values.function import Function

Side = Literal["raw", "beside", "sourceless"]
"""``raw``: the wheels' files as they are. The others: slimmed, with modules compiled so."""
SIDES: tuple[Side, ...] = ("raw", "beside", "sourceless")

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
FUNCTION = "recommender"
_TESTS = "tests/"
"""What the names of the rule that drops test suites begin with, whatever its version."""


class Tree(msgspec.Struct, frozen=True):
    """A package, unpacked, with the tests that slimming takes out laid where they were."""

    side: Side
    folder: str
    """Absolute path."""
    sha256: str
    """Of the paths and contents of all files that were packed."""
    laid: int
    """How many files of tests were laid back."""
    version: str
    """Of the Python that the function runs on: ``"3.13"``."""


def make_trees(
    sides: tuple[Side, ...], into: Path, cache: Cache, *, renew: bool = False
) -> dict[Side, Tree]:
    """Build and unpack the packages of some sides below a folder.

    The unslimmed one is always made, since the tests come from it.

    :param renew: otherwise what was made there before is taken, whatever changed since.
    :raises WideloadError: something could not be resolved, fetched or built.
    """
    note = into / "trees.json"
    known: dict[Side, Tree] = {}
    if note.is_file() and not renew:
        before = msgspec.json.decode(note.read_bytes(), type=list[Tree])
        known = {tree.side: tree for tree in before if Path(tree.folder).is_dir()}
    if not known.keys() >= {"raw", *sides}:
        known |= _build(sides, into, cache)
        write_atomically(note, msgspec.json.encode(list(known.values())))
    return {side: known[side] for side in sides}


def _build(sides: tuple[Side, ...], into: Path, cache: Cache) -> dict[Side, Tree]:
    with tempfile.TemporaryDirectory(prefix="wideload-suites-") as scratch:
        project = Path(scratch) / "project"
        shutil.copytree(EXAMPLES, project, ignore=shutil.ignore_patterns(".wideload"))
        pipeline = Pipeline(Console(), cache)
        function = pipeline.source(FUNCTION, project)
        lock = project / FUNCTION / f"pylock.{FUNCTION}.toml"
        kept = into / lock.name
        if kept.is_file():
            shutil.copyfile(kept, lock)
        raw, _ = _make("raw", function, pipeline, into)
        kept.write_bytes(lock.read_bytes())
        trees: dict[Side, Tree] = {"raw": raw}
        for side in sides:
            if side != "raw":
                tree, tests = _make(side, function, pipeline, into)
                trees[side] = msgspec.structs.replace(tree, laid=_lay(tests, raw, tree))
        return trees


def _make(
    side: Side, function: Function, pipeline: Pipeline, into: Path
) -> tuple[Tree, tuple[str, ...]]:
    wanted = (
        msgspec.structs.replace(function, slim="runtime")
        if side == "raw"
        else msgspec.structs.replace(function, slim="safe", bytecode=side)
    )
    built = pipeline.build(wanted)
    content = hashlib.sha256()
    for file in built.manifest.files:
        content.update(f"{file.path}\0{file.sha256}\n".encode())
    sha256 = content.hexdigest()
    folder = into / f"{side}-{sha256[:12]}"
    unpack(built.folder / FUNCTION_ZIP, folder)
    tests = tuple(one.path for one in built.manifest.removals if one.rule.startswith(_TESTS))
    version = function.target.python_version
    return Tree(side, str(folder), sha256, 0, version), tests


def _lay(tests: tuple[str, ...], raw: Tree, tree: Tree) -> int:
    """Put files of the unslimmed package where they were; others are never overwritten."""
    for path in tests:
        target = Path(tree.folder) / path
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(Path(raw.folder) / path, target)
    return len(tests)
