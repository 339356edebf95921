"""Functions that mount their packages: weighed, swept, and started where their files lie apart."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from made_values import entry
from wideload import mounting
from wideload.build.bundle.loader_files import Loader, loader_sources
from wideload.cache import Cache
from wideload.values.bundle import BundleEstimate
from wideload.values.function import Function, NoRequirements, Settings, Strategy
from wideload.values.mount import MOUNTED_HANDLER, Mounts, Vpc
from wideload.values.target import Target
from wideload.values.tree import FileTree

if TYPE_CHECKING:
    from collections.abc import Mapping

MODULE = MOUNTED_HANDLER.rpartition(".")[0]
BUNDLE = BundleEstimate(900, 1_000, 500, 2_000, 4_096, 90, 100, 7)
NOTHING = FileTree(())
FUNCTION = Function(
    name="shop",
    root="/project",
    source="/project/shop",
    handler="app.handler",
    target=Target.parse("python3.13", "x86_64"),
    files=FileTree(()),
    requirements=NoRequirements(),
    settings=Settings(),
)


def test_a_directory_holds_what_a_bundle_would() -> None:
    found = mounting.weigh(FUNCTION, BUNDLE, NOTHING)
    assert found is not None
    assert (found.code_zipped, found.code_unzipped) == (90, 100)
    assert (found.bundled, found.unzipped, found.files) == (500, 2_000, 7)
    assert mounting.weigh(FUNCTION, None, NOTHING) is None


def test_archives_of_modules_weigh_as_well() -> None:
    tree = FileTree.of(
        [
            entry("alpha/a.py", 300),
            entry("alpha/__pycache__/a.cpython-313.pyc", 200),
            entry("alpha/b.py", 100),
            entry("alpha/lib.so", 5_000),
        ]
    )
    found = mounting.weigh(FUNCTION, BUNDLE, tree)
    assert found is not None
    assert (found.bundled, found.unzipped) == (566, 2_300)


def test_what_is_not_configured_is_lacking_unless_the_way_is_wanted() -> None:
    found = mounting.weigh(FUNCTION, BUNDLE, NOTHING)
    assert found is not None
    assert found.efs_lacks == ("subnets", "security_groups", "efs_access_point")
    assert found.s3_files_lacks == ("subnets", "security_groups", "s3_files_access_point")
    wanted = mounting.weigh(
        msgspec.structs.replace(FUNCTION, strategy=Strategy.EFS), BUNDLE, NOTHING
    )
    assert wanted is not None
    assert (wanted.efs_lacks, len(wanted.s3_files_lacks)) == ((), 3)
    settings = Settings(vpc=Vpc(("subnet-1",), ("sg-1",)), mounts=Mounts(efs="arn"))
    configured = mounting.weigh(
        msgspec.structs.replace(FUNCTION, settings=settings), BUNDLE, NOTHING
    )
    assert configured is not None
    assert configured.efs_lacks == ()


@pytest.mark.parametrize("runtime", ["nodejs22.x", "provided.al2023"])
def test_only_python_finds_packages_there(runtime: str) -> None:
    target = Target.parse(runtime, "x86_64")
    found = mounting.weigh(msgspec.structs.replace(FUNCTION, target=target), BUNDLE, NOTHING)
    assert found is not None
    assert runtime in found.unfit


def test_the_sweeper_is_the_same_wherever_it_is_made(tmp_path: Path) -> None:
    first = mounting.sweeper(Cache(tmp_path / "one"))
    second = mounting.sweeper(Cache(tmp_path / "two"))
    assert (first.sha256, first.size) == (second.sha256, second.size)
    with zipfile.ZipFile(first.filename) as archive:
        assert "_wideload/filling.py" in archive.namelist()


def put_loader(task: Path, told: Mapping[str, object]) -> None:
    """Into a function's folder, where nothing is known of what is mounted."""
    home = task / "_wideload"
    home.mkdir()
    for name, data in loader_sources(Loader.MOUNTED).items():
        (home / name).write_bytes(data)
    (home / "function.json").write_text(json.dumps(told))
    (home / "modules.json").write_text(json.dumps({"archives": [], "files": [], "folders": []}))


def test_files_that_lie_apart_are_laid_together(tmp_path: Path) -> None:
    """A model in the mounted directory, code that looks for it beside itself."""
    task, mounted, tmp = (tmp_path / name for name in ("task", "mounted", "tmp"))
    for folder in (task / "part", mounted / "part", tmp):
        folder.mkdir(parents=True)
    (task / "app.py").write_text(
        "import os, part.own\n"
        "from pathlib import Path\n"
        "def handler(event, context):\n"
        "    here = Path(__file__).parent\n"
        "    return [(here / 'model.bin').read_text(), part.own.theirs(), os.getcwd(),\n"
        "            os.environ['_HANDLER'], os.environ['LAMBDA_TASK_ROOT']]\n"
    )
    (task / "part" / "own.py").write_text(
        "def theirs():\n    from part import big\n    return big.X\n"
    )
    (mounted / "model.bin").write_text("weights")
    (mounted / "part" / "big.py").write_text("X = 'big'\n")
    told = {
        "folder": str(tmp),
        "handler": "app.handler",
        "search": str(mounted),
        "own": ["app.py", "part/own.py"],
        "linked": ["model.bin", "part/big.py"],
        "pth": [],
    }
    put_loader(task, told)
    code = (
        f"import sys, json; sys.path.insert(0, {str(task)!r})\n"
        "import importlib\n"
        f"print(json.dumps(importlib.import_module({MODULE!r}).handler({{}}, None)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"LAMBDA_TASK_ROOT": str(task), "PYTHONPATH": str(mounted)},
        capture_output=True,
        text=True,
        check=True,
    )
    model, theirs, cwd, handler, root = json.loads(done.stdout)
    assert (model, theirs, handler) == ("weights", "big", "app.handler")
    assert cwd == root
    assert Path(root).parent == tmp


def test_mounted_packages_come_right_behind_the_functions_own_files(tmp_path: Path) -> None:
    """Before the runtime's, whose folder Python itself puts first; and .pth files are read."""
    task, mounted, runtime = (tmp_path / name for name in ("task", "mounted", "runtime"))
    for folder in (task, mounted / "more", runtime):
        folder.mkdir(parents=True)
    (task / "app.py").write_text(
        "import both, own, added\n"
        "def handler(event, context):\n    return [both.FROM, own.FROM, added.FROM]\n"
    )
    for folder in (task, mounted, runtime):
        (folder / "own.py").write_text(f"FROM = {folder.name!r}\n")
    for folder in (mounted, runtime):
        (folder / "both.py").write_text(f"FROM = {folder.name!r}\n")
    (mounted / "more" / "added.py").write_text("FROM = 'more'\n")
    (mounted / "more.pth").write_text("more\n")
    told = {"folder": "", "handler": "app.handler", "search": str(mounted), "own": []}
    told |= {"linked": [], "pth": ["more.pth"]}
    put_loader(task, told)
    (runtime / "bootstrap.py").write_text(
        f"import sys, json; sys.path.insert(0, {str(task)!r})\n"
        f"from {MODULE} import handler\n"
        "print(json.dumps(handler({}, None)))"
    )
    done = subprocess.run(
        [sys.executable, str(runtime / "bootstrap.py")],
        env={"LAMBDA_TASK_ROOT": str(task), "PYTHONPATH": str(mounted)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == ["mounted", "task", "more"]
