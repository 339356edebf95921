"""What a package-lock.json means for a target, and which lock is a function's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from source_projects import refuses, selection, write_file

from wideload.source.npm_lock import admits, read_npm_lock
from wideload.source.npm_requirements import read_npm_requirements
from wideload.values.function import NoRequirements, NpmRequirements
from wideload.values.target import Target

if TYPE_CHECKING:
    from pathlib import Path

X64 = Target.parse("nodejs22.x", "x86_64")
ARM = Target.parse("nodejs22.x", "arm64")


def locked(folder: Path, packages: dict[str, dict[str, Any]], **root: Any) -> Path:
    """A package.json and its lock; what is not said of a package is made up."""
    filled = {
        location: {"version": "1.0.0", "integrity": "sha512-AA==", **entry}
        for location, entry in packages.items()
    }
    write_file(folder, "package.json", json.dumps({"name": "shop", **root}))
    lock = {"lockfileVersion": 3, "packages": {"": {"name": "shop", **root}, **filled}}
    return write_file(folder, "package-lock.json", json.dumps(lock))


def labels(folder: Path, target: Target = X64) -> list[str]:
    found = read_npm_lock(folder / "package-lock.json", target)
    return [one.label for one in found.packages]


def test_what_is_reached_from_dependencies_and_nothing_else(tmp_path: Path) -> None:
    locked(
        tmp_path,
        {
            "node_modules/a": {"dependencies": {"b": "*"}},
            "node_modules/b": {},
            "node_modules/lint": {"dev": True, "dependencies": {"b": "*"}},
            "node_modules/stray": {"extraneous": True},
        },
        dependencies={"a": "^1"},
        devDependencies={"lint": "*"},
    )
    found = read_npm_lock(tmp_path / "package-lock.json", X64)
    assert [one.label for one in found.packages] == ["a", "b"]
    assert found.roots == ("node_modules/a",)
    assert found.packages[0].requires == ("node_modules/b",)


def test_a_dependency_is_looked_for_as_node_does(tmp_path: Path) -> None:
    locked(
        tmp_path,
        {
            "node_modules/@s/a": {"dependencies": {"b": "*", "c": "*"}},
            "node_modules/@s/a/node_modules/b": {"version": "2.0.0", "dependencies": {"c": "*"}},
            "node_modules/b": {},
            "node_modules/c": {},
        },
        dependencies={"@s/a": "*"},
    )
    found = {one.label: one for one in read_npm_lock(tmp_path / "package-lock.json", X64).packages}
    assert sorted(found) == ["@s/a", "@s/a/node_modules/b", "c"]
    assert found["@s/a/node_modules/b"].name == "b"
    assert found["@s/a"].requires == ("node_modules/@s/a/node_modules/b", "node_modules/c")


def test_optional_packages_for_other_systems_go_with_what_only_they_need(tmp_path: Path) -> None:
    def native(**system: list[str]) -> dict[str, Any]:
        return {"optional": True, **system}

    packages = {
        "node_modules/sharp": {
            "optionalDependencies": dict.fromkeys(("linux-x64", "linux-arm64", "musl", "wasm"), "1")
        },
        "node_modules/linux-x64": native(os=["linux"], cpu=["x64"], libc=["glibc"]),
        "node_modules/linux-arm64": native(os=["linux"], cpu=["arm64"], libc=["glibc"]),
        "node_modules/musl": native(os=["linux"], cpu=["x64"], libc=["musl"]),
        "node_modules/wasm": {**native(cpu=["wasm32"]), "dependencies": {"emnapi": "1"}},
        "node_modules/emnapi": {"optional": True},
    }
    locked(tmp_path, packages, dependencies={"sharp": "1"})
    assert labels(tmp_path) == ["linux-x64", "sharp"]
    assert labels(tmp_path, ARM) == ["linux-arm64", "sharp"]


def test_a_package_that_is_needed_and_for_another_system_refuses(tmp_path: Path) -> None:
    lock = locked(tmp_path, {"node_modules/win": {"os": ["win32"]}}, dependencies={"win": "1"})
    with refuses("win 1.0.0 is not for nodejs22.x on x86_64", "os win32", "another package"):
        read_npm_lock(lock, X64)


@given(
    said=st.lists(st.sampled_from(["linux", "darwin", "!linux", "!darwin", "any"]), unique=True),
    own=st.sampled_from(["linux", "darwin"]),
)
def test_a_list_of_systems_admits_as_npm_does(said: list[str], own: str) -> None:
    plain = [word for word in said if not word.startswith("!")]
    wanted = not said or "any" in said or (f"!{own}" not in said and (not plain or own in plain))
    assert admits(said, own) is wanted
    assert len(said) != 1 or admits(said[0], own) is wanted


def test_peers_that_are_there_count_and_those_that_are_not_do_not(tmp_path: Path) -> None:
    packages: dict[str, dict[str, Any]] = {
        "node_modules/plugin": {"peerDependencies": {"host": "*", "other": "*"}},
        "node_modules/host": {"peer": True},
    }
    locked(tmp_path, packages, dependencies={"plugin": "1"})
    assert labels(tmp_path) == ["host", "plugin"]


def test_what_is_bundled_belongs_to_the_package_that_brings_it(tmp_path: Path) -> None:
    packages: dict[str, dict[str, Any]] = {
        "node_modules/a": {"dependencies": {"b": "1"}},
        "node_modules/a/node_modules/b": {"inBundle": True},
    }
    locked(tmp_path, packages, dependencies={"a": "1"})
    assert labels(tmp_path) == ["a"]


def test_a_lock_without_urls_is_read(tmp_path: Path) -> None:
    lock = locked(tmp_path, {"node_modules/a": {}}, dependencies={"a": "1"})
    assert read_npm_lock(lock, X64).packages[0].resolved == ""


@pytest.mark.parametrize(
    ("entry", "what", "why"),
    [
        ({"link": True, "resolved": "../a"}, "a is linked from a folder", "../a"),
        ({"resolved": "git+ssh://x/y.git#1"}, "a cannot be taken from git+ssh", "locks it there"),
        ({"resolved": "file:a.tgz"}, "a cannot be taken from file:a.tgz", "of a registry"),
        ({"integrity": ""}, "a 1.0.0 has no hash", "without a hash"),
    ],
)
def test_what_cannot_be_checked_refuses(
    tmp_path: Path, entry: dict[str, Any], what: str, why: str
) -> None:
    lock = locked(tmp_path, {"node_modules/a": entry}, dependencies={"a": "1"})
    with refuses(what, why, ""):
        read_npm_lock(lock, X64)


def test_a_lock_that_does_not_fit_its_package_json_refuses(tmp_path: Path) -> None:
    lock = locked(tmp_path, {"node_modules/a": {}}, dependencies={"a": "^1"})
    write_file(tmp_path, "package.json", json.dumps({"dependencies": {"a": "^2"}}))
    with refuses("does not fit package.json", "dependencies differ in a", "--package-lock-only"):
        read_npm_lock(lock, X64)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{", "is damaged"),
        ('{"lockfileVersion": 1, "dependencies": {}}', "is of version 1"),
        ('{"lockfileVersion": 3, "packages": {}}', "is damaged"),
        ('{"lockfileVersion": 3, "packages": {"": {"version": 3}}}', "is damaged"),
    ],
)
def test_a_lock_of_another_kind_refuses(tmp_path: Path, text: str, what: str) -> None:
    write_file(tmp_path, "package.json", "{}")
    with refuses(what, "", ""):
        read_npm_lock(write_file(tmp_path, "package-lock.json", text), X64)


def test_a_dependency_that_the_lock_lacks_refuses(tmp_path: Path) -> None:
    lock = locked(tmp_path, {}, dependencies={"a": "1"})
    with refuses("is damaged", "a, which package.json needs", ""):
        read_npm_lock(lock, X64)


def read(folder: Path, key: str | None = None, root: Path | None = None) -> object:
    chosen = selection("nodejs22.x")
    return read_npm_requirements(key, folder, root or folder, chosen).requirements


def test_the_lock_is_found_beside_package_json(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    locked(folder, {"node_modules/a": {}}, dependencies={"a": "1"})
    for key in (None, "package.json", "package-lock.json"):
        found = read(folder, key)
        assert isinstance(found, NpmRequirements)
        assert found.path == str(folder / "package-lock.json")


def test_the_projects_lock_serves_a_folder_without_package_json(tmp_path: Path) -> None:
    locked(tmp_path, {"node_modules/a": {}}, dependencies={"a": "1"})
    (tmp_path / "shop").mkdir()
    assert isinstance(read(tmp_path / "shop", root=tmp_path), NpmRequirements)


def test_a_function_without_packages_needs_no_lock(tmp_path: Path) -> None:
    assert read(tmp_path) == NoRequirements()
    write_file(tmp_path, "package.json", '{"type": "module", "devDependencies": {"tap": "1"}}')
    assert read(tmp_path) == NoRequirements()
    assert read(tmp_path, "") == NoRequirements()


def test_packages_without_a_lock_refuse_with_the_way_to_make_one(tmp_path: Path) -> None:
    write_file(tmp_path, "package.json", '{"dependencies": {"a": "1"}}')
    with refuses("has no lock", "no package-lock.json", "npm install --package-lock-only"):
        read(tmp_path)
    write_file(tmp_path, "yarn.lock", "")
    with refuses("has no lock", "there is yarn.lock", "npm install --package-lock-only"):
        read(tmp_path)


def test_another_file_or_none_of_that_name_refuses(tmp_path: Path) -> None:
    write_file(tmp_path, "requirements.txt", "six")
    with refuses("cannot read requirements.txt", "package.json", "key requirements"):
        read(tmp_path, "requirements.txt")
    with refuses("no requirements file 'package.jsn'", "it is neither", ""):
        read(tmp_path, "package.jsn")


def test_groups_and_extras_are_pythons(tmp_path: Path) -> None:
    with refuses("a function in Node.js has no groups", "", "remove groups"):
        read_npm_requirements(None, tmp_path, tmp_path, selection("nodejs22.x", groups=("x",)))
