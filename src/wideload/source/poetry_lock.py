"""poetry.lock, of Poetry 2 (lock-version 2.1), which says for whom each package is."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from wideload.errors import WideloadError
from wideload.source.locks import (
    Selection,
    check_python,
    damaged,
    local_folder,
    only_selected,
    refused,
    sha256_of,
    stale,
    unique,
)
from wideload.source.requirement_names import pyproject_names
from wideload.source.toml import read_toml, table
from wideload.values.function import LockedFile, LockedPackage, LockedRequirements

if TYPE_CHECKING:
    from pathlib import Path

_OLDEST, _TOO_NEW = Version("2.1"), Version("3")
_RELOCK = "poetry lock"
# poetry.packages.locker.Locker, which hashes these of pyproject.toml.
_LEGACY_KEYS = ("dependencies", "source", "extras", "dev-dependencies")
_PROJECT_KEYS = ("requires-python", "dependencies", "optional-dependencies")


def read_poetry_lock(path: Path, selection: Selection) -> LockedRequirements:
    """What a poetry.lock locks for the target: the main group and the chosen ones.

    :raises WideloadError: it is of an old Poetry, damaged, for other Pythons, does not fit
        pyproject.toml any more, or locks a package at a place that is not taken.
    """
    document = read_toml(path)
    metadata = table(document, "metadata")
    _check_version(path, str(metadata.get("lock-version", "")))
    pyproject_path = path.parent / "pyproject.toml"
    pyproject = read_toml(pyproject_path) if pyproject_path.is_file() else {}
    if pyproject and metadata.get("content-hash") not in content_hashes(pyproject):
        raise stale(path, "pyproject.toml", _RELOCK)
    if python := metadata.get("python-versions"):
        check_python(path, str(python), selection.target, _RELOCK)
    entries = document.get("package", [])
    groups = {group for entry in entries for group in entry.get("groups", [])}
    groups |= {*table(pyproject, "dependency-groups"), *table(pyproject, "tool", "poetry", "group")}
    selection.check_known(path, groups - {"main"}, table(document, "extras"))
    chosen = [entry for entry in entries if _is_chosen(entry, selection, path)]
    names: set[str] = {canonicalize_name(entry["name"]) for entry in chosen}
    asked = pyproject_names(pyproject, selection.groups, selection.extras)
    return LockedRequirements(
        path=str(path),
        format="poetry.lock",
        packages=unique((_package(path, entry, names) for entry in chosen), path),
        roots=only_selected(asked, names),
    )


def content_hashes(pyproject: dict[str, Any]) -> tuple[str, str]:
    """What Poetry writes as ``content-hash`` for a pyproject.toml: as it does since 2.3, with
    dependency groups, and as it did before."""
    return _content_hash(pyproject, table(pyproject, "dependency-groups")), _content_hash(
        pyproject, {}
    )


def _content_hash(pyproject: dict[str, Any], groups: dict[str, Any]) -> str:
    project = table(pyproject, "project")
    poetry = table(pyproject, "tool", "poetry")
    of_project = {key: project[key] for key in _PROJECT_KEYS if key in project}
    of_poetry = {
        key: poetry.get(key)
        for key in (*_LEGACY_KEYS, "group")
        if key in poetry or (key in _LEGACY_KEYS and not of_project and not groups)
    }
    content: dict[str, Any] = {}
    if of_project:
        content["project"] = of_project
    if groups:
        content["dependency-groups"] = groups
    content = {**content, "tool": {"poetry": of_poetry}} if content else of_poetry
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _check_version(path: Path, found: str) -> None:
    try:
        version = Version(found)
    except InvalidVersion:
        raise damaged(path, f"bad lock-version {found!r}") from None
    if version < _OLDEST or version >= _TOO_NEW:
        raise WideloadError(
            f"cannot read {path}",
            why=f"its lock-version is {found}; known is {_OLDEST}, which Poetry 2 writes and "
            "which says in which group each package is",
            hint=f"run `{_RELOCK}` with Poetry 2",
        )


def _is_chosen(entry: dict[str, Any], selection: Selection, path: Path) -> bool:
    if not isinstance(entry.get("name"), str) or not isinstance(entry.get("version"), str):
        raise damaged(path, "a package without name or version")
    wanted = {"main", *selection.groups} & set(entry.get("groups", []))
    markers = entry.get("markers", "")
    by_group = markers if isinstance(markers, dict) else dict.fromkeys(wanted, markers)
    return any(
        not by_group.get(group) or selection.admits(by_group[group], path) for group in wanted
    )


def _package(path: Path, entry: dict[str, Any], names: set[str]) -> LockedPackage:
    name, source = canonicalize_name(entry["name"]), table(entry, "source")
    kind, url = source.get("type", ""), str(source.get("url", ""))
    files: tuple[LockedFile, ...] = ()
    directory = index = location = ""
    match kind:
        case "" | "legacy" | "pypi":
            index = url
        case "directory":
            directory = local_folder(path, name, url, str(source.get("subdirectory", "")))
        case "file" | "url" if not source.get("subdirectory"):
            location = url
        case _:
            raise refused(path, name, f"a {kind} source ({url})")
    if not directory:
        files = tuple(_file(path, file, name, location) for file in entry.get("files", []))
        if not files:
            raise damaged(path, f"{name} has no files")
    return LockedPackage(
        name=name,
        version=entry["version"],
        files=files,
        index=index,
        directory=directory,
        requires=only_selected(table(entry, "dependencies"), names),
    )


def _file(path: Path, file: dict[str, Any], name: str, location: str) -> LockedFile:
    filename, digest = file.get("file"), file.get("hash")
    if not isinstance(filename, str) or not isinstance(digest, str) or ":" not in digest:
        raise damaged(path, f"{name} has a file without name or hash")
    algorithm, _, value = digest.partition(":")
    sha256 = sha256_of({algorithm: value}, path, filename)
    return LockedFile(sha256=sha256, filename=filename, url=location)
