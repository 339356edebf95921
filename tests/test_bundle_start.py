"""`bundle_start = "traced"`: what it wants, and what it takes for unused."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import pytest

sys.path.append(str(Path(__file__).parent / "source"))

from source_projects import APP, CONFIG, refuses, write_file

from slimming_maker import HERE, Kitchen
from wideload.bootstrapping import loading_of, unused_paths
from wideload.resolve.credentials import Credentials
from wideload.resolve.http import Http
from wideload.source.config import load_project
from wideload.source.function import read_function
from wideload.trace.files import profile_path
from wideload.values.function import Function
from wideload.values.profile import PROFILE_SCHEMA, Profile, UsedPath
from wideload.values.slimmed import Slimmed
from wideload.values.tree import Derived, FileTree

PACKAGES: dict[str, dict[str, bytes | str]] = {
    "alpha": {
        "alpha/__init__.py": "A = 1\n",
        "alpha/sub/__init__.py": "S = 1\n",
        "alpha.libs/liba.so": b"lib",
    },
    "beta": {"beta/__init__.py": "B = 1\n", "beta.libs/libb.so": b"lib"},
}


def function(folder: Path, more: str) -> Function:
    write_file(folder, "app.py", APP)
    write_file(folder, "wideload.toml", f'{CONFIG}requirements = ""\n{more}')
    project = load_project(folder)
    return read_function(project, "shop")


def profile(*used: str) -> Profile:
    entries = tuple(UsedPath(path, "init", "open") for path in used)
    packages = ("alpha==1.0", "beta==1.0")
    return Profile(PROFILE_SCHEMA, "shop", HERE, packages, (), entries)


def test_it_is_all_unless_the_user_says_so(tmp_path: Path) -> None:
    assert function(tmp_path, "").bundle_start == "all"
    assert function(tmp_path, 'bundle_start = "traced"\n').bundle_start == "traced"


def test_what_it_cannot_be_is_refused(tmp_path: Path) -> None:
    with refuses("bad 'bundle_start'", "all or traced", 'bundle_start = "traced"'):
        function(tmp_path, 'bundle_start = "hot"\n')
    with refuses("both slim", "leaves out what no event used", 'slim = "safe"'):
        function(tmp_path, 'bundle_start = "traced"\nslim = "traced"\n')


def test_for_another_runtime_it_is_refused(tmp_path: Path) -> None:
    write_file(tmp_path, "bootstrap", "#!/bin/sh\n").chmod(0o755)
    text = '[functions.shop]\nruntime = "provided.al2023"\nbundle_start = "traced"\n'
    write_file(tmp_path, "wideload.toml", text)
    with refuses("cannot be fetched by a trace", "provided.al2023", 'bundle_start = "all"'):
        read_function(load_project(tmp_path), "shop")


@pytest.mark.parametrize("outdated", [False, True])
def test_without_a_profile_of_these_packages_it_is_refused(tmp_path: Path, outdated: bool) -> None:
    kitchen = Kitchen(tmp_path / "kitchen", PACKAGES)
    asked = function(tmp_path, 'bundle_start = "traced"\n')
    if outdated:
        other = msgspec.structs.replace(profile(), packages=("alpha==0.9",), target=asked.target)
        profile_path(asked).write_bytes(other.encode())
    said: list[str] = []
    why = "alpha was 0.9, now it is 1.0" if outdated else "is not there"
    with refuses('shop has bundle_start = "traced": ', why, "run `wideload trace`"):
        loading_of(
            asked,
            kitchen.resolution,
            Slimmed(kitchen.raw),
            Http(Credentials([])),
            kitchen.cache,
            said.append,
        )
    assert not said


def test_unused_are_whole_sub_packages(tmp_path: Path) -> None:
    kitchen = Kitchen(tmp_path, PACKAGES, {"app.py": APP})
    wheels = kitchen.resolution.wheels
    found = unused_paths(kitchen.raw, wheels, profile("alpha/__init__.py"), ())
    code = {path for path in found if ".dist-info/" not in path}
    assert code == {"alpha/sub/__init__.py", "beta/__init__.py", "beta.libs/libb.so"}
    kept = unused_paths(kitchen.raw, wheels, profile("alpha/__init__.py"), ("beta/*",))
    assert {path for path in kept if ".dist-info/" not in path} == {"alpha/sub/__init__.py"}


def test_libraries_that_slimming_made_anew_are_their_packages(tmp_path: Path) -> None:
    kitchen = Kitchen(tmp_path, PACKAGES, {"app.py": APP})
    tree = FileTree.of(
        msgspec.structs.replace(entry, origin=Derived("0" * 64, "elf/1"))
        if entry.path.endswith(".so")
        else entry
        for entry in kitchen.raw
    )
    found = unused_paths(tree, kitchen.resolution.wheels, profile("alpha/__init__.py"), ())
    assert "beta.libs/libb.so" in found
    assert "alpha.libs/liba.so" not in found
