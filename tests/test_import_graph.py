"""Which part of wideload may know of which: read from the sources, none of them run."""

from __future__ import annotations

import ast
import sys
from functools import cache
from pathlib import Path

import pytest

import wideload

ROOT = Path(wideload.__file__).parent
STAGES = {"source", "resolve", "slim", "plan", "build", "verify", "sandbox", "deploy", "local"}
STAGES |= {"report", "trace", "bench"}
# Each shared part, with what it may know of itself.
SHARED: dict[str, set[str]] = {
    "values": {"errors"},
    "errors": set(),
    "limits": {"values", "errors"},
    "cache": {"errors"},
    "archive": set(),
    "cold_starts": set(),
    "derived_streams": {"values", "cache"},
    "prices": set(),
    "interpreters": {"errors", "cache"},
    "nodejs": {"errors", "cache", "interpreters"},
    "apart": {"errors"},
    "relay": set(),
    "own_files": {"values", "errors"},
    "registry": {"values", "errors", "cache"},
    "rootfs": {"values", "errors", "cache"},
}
COMPOSERS = {
    "benching",
    "bootstrapping",
    "__main__",
    "cli",
    "clouds",
    "contenders",
    "embedded",
    "fleet",
    "pipeline",
    "prepared",
}
COMPOSERS |= {"npm", "proving", "resolving", "running", "sharing"}
COMPOSERS |= {"imaging", "measurements", "mounting"}


def parts() -> dict[str, list[Path]]:
    """The sources of each part: a folder, or a module that stands alone."""
    found: dict[str, list[Path]] = {}
    for path in sorted(ROOT.rglob("*.py")):
        relative = path.relative_to(ROOT)
        name = relative.parts[0].removesuffix(".py")
        found.setdefault(name, []).append(path)
    return found


PARTS = parts()


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_bytes())


@cache
def imports(path: Path) -> frozenset[str]:
    """Dotted names of all that a module imports, wherever in it it does."""
    package = ("wideload", *path.relative_to(ROOT).parts[:-1])
    found: set[str] = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            found.add(module)
            if module == "wideload":
                found |= {f"wideload.{alias.name}" for alias in node.names}
    return frozenset(found)


def own(name: str) -> dict[str, set[str]]:
    """For each module of a part, the parts of wideload that it imports."""
    return {
        path.relative_to(ROOT).as_posix(): {
            dotted.split(".")[1]
            for dotted in imports(path)
            if dotted.startswith("wideload.") and dotted != "wideload.__version__"
        }
        for path in PARTS[name]
    }


def test_every_part_has_its_rule() -> None:
    assert set(PARTS) | {"loaders"} == STAGES | SHARED.keys() | COMPOSERS | {"loaders", "__init__"}


@pytest.mark.parametrize("stage", sorted(STAGES))
def test_a_stage_knows_the_shared_parts_and_itself_only(stage: str) -> None:
    wrong = {
        module: names - SHARED.keys() - {stage}
        for module, names in own(stage).items()
        if names - SHARED.keys() - {stage}
    }
    assert not wrong


@pytest.mark.parametrize("part", sorted(SHARED))
def test_a_shared_part_knows_only_what_lies_below_it(part: str) -> None:
    wrong = {
        module: names - SHARED[part] - {part}
        for module, names in own(part).items()
        if names - SHARED[part] - {part}
    }
    assert not wrong


def test_the_loaders_know_nothing_of_wideload_and_no_library_but_the_runtimes() -> None:
    carried = set(sys.stdlib_module_names) | {"boto3", "botocore", "awscrt"}
    for path in PARTS.get("loaders", []):
        # Of wideload a loader imports its own folder's modules, as what lies beside it.
        beside = ".".join(("wideload", *path.relative_to(ROOT).parts[:-1]))
        others = {each for each in imports(path) if each != beside}
        others = {each for each in others if not each.startswith(f"{beside}.")}
        assert {dotted.split(".")[0] for dotted in others} <= carried, path.name


def test_only_deploy_imports_boto3() -> None:
    users: dict[str, set[str]] = {"boto3": set(), "botocore": set()}
    for name, paths in PARTS.items():
        for path in paths:
            for library in users.keys() & {dotted.split(".")[0] for dotted in imports(path)}:
                users[library].add(name)
    assert users["boto3"] <= {"deploy", "loaders"}
    # The embedded AWS reads botocore's service model, and signs as botocore does.
    assert users["botocore"] <= {"deploy", "loaders", "local"}


def test_only_the_command_line_knows_the_terminal() -> None:
    for name, paths in PARTS.items():
        if name in ("cli", "report"):
            continue
        for path in paths:
            assert not {"click", "rich"} & {dotted.split(".")[0] for dotted in imports(path)}, path


def test_planning_is_pure() -> None:
    impure = {"os", "pathlib", "io", "time", "datetime", "random", "socket", "subprocess"}
    impure |= {"urllib", "urllib3", "tempfile", "shutil", "threading", "uv"}
    for path in [*PARTS["plan"], *PARTS["values"]]:
        # Taking a URL apart asks nobody.
        dotted_names = imports(path) - {"urllib.parse"}
        assert not impure & {dotted.split(".")[0] for dotted in dotted_names}, path
        calls = {
            node.func.id
            for node in ast.walk(parsed(path))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert not {"open", "print", "input", "exec", "eval"} & calls


def test_nothing_dispatches_by_getattr() -> None:
    for paths in PARTS.values():
        for path in paths:
            for node in ast.walk(parsed(path)):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                    dynamic = node.func.id == "getattr" and not isinstance(
                        node.args[1], ast.Constant
                    )
                    assert not dynamic, f"{path.relative_to(ROOT)}:{node.lineno}"


def test_every_module_says_what_it_is() -> None:
    for paths in PARTS.values():
        for path in paths:
            tree = parsed(path)
            assert not tree.body or ast.get_docstring(tree), path
