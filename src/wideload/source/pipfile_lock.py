"""Pipfile.lock. It names versions and hashes, not files."""

from __future__ import annotations

import hashlib
import json
import os
import re
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name

from wideload.errors import WideloadError
from wideload.source.locks import (
    Selection,
    damaged,
    local_folder,
    only_selected,
    refused,
    sha256_of,
    stale,
    unique,
)
from wideload.source.toml import read_text, read_toml, table
from wideload.values.function import LockedFile, LockedPackage, LockedRequirements

if TYPE_CHECKING:
    from pathlib import Path

_RELOCK = "pipenv lock"
_SPEC = 6
# Tables of a Pipfile that are not groups of packages, and the two that have other names there.
_OTHER_TABLES = ("source", "requires", "scripts", "pipfile", "pipenv")
_RENAMED = {"packages": "default", "dev-packages": "develop"}
_PIN = re.compile(r"===?\s*(\S+)")


def read_pipfile_lock(path: Path, selection: Selection) -> LockedRequirements:
    """What a Pipfile.lock locks for the target: the section ``default`` and chosen ones.

    :raises WideloadError: it is damaged, for another Python, does not fit the Pipfile any
        more, or has a package without pin or hash or at a place that is not taken.
    """
    document = _read(path)
    meta = table(document, "_meta")
    if meta.get("pipfile-spec") != _SPEC:
        raise damaged(path, f"its pipfile-spec is {meta.get('pipfile-spec')!r}, known is {_SPEC}")
    pipfile_path = path.with_name("Pipfile")
    pipfile = read_toml(pipfile_path) if pipfile_path.is_file() else {}
    if pipfile and table(meta, "hash").get("sha256") != pipfile_hash(pipfile, meta):
        raise stale(path, "Pipfile", _RELOCK)
    _check_python(path, table(meta, "requires"), selection)
    selection.check_known(path, document.keys() - {"_meta", "default"}, ())
    indexes = {str(each.get("name")): str(each.get("url")) for each in meta.get("sources", [])}
    entries = {
        canonicalize_name(name): entry
        for section in (*selection.groups, "default")
        for name, entry in table(document, section).items()
        if not entry.get("markers") or selection.admits(entry["markers"], path)
    }
    asked = [
        name
        for section in ("default", *selection.groups)
        for key in (section, *(k for k, renamed in _RENAMED.items() if renamed == section))
        for name in table(pipfile, key)
    ]
    return LockedRequirements(
        path=str(path),
        format="Pipfile.lock",
        packages=unique(
            (_package(path, name, entry, indexes) for name, entry in entries.items()), path
        ),
        roots=only_selected(asked, entries),
    )


def pipfile_hash(pipfile: dict[str, Any], meta: dict[str, Any]) -> str:
    """What pipenv writes as hash of a Pipfile (``plette.Pipfile.get_hash``).

    :param meta: of the lock, whose sources stand in where the Pipfile names none.
    """
    content = {
        "_meta": {
            "sources": pipfile.get("source", meta.get("sources", [])),
            "requires": pipfile.get("requires", {}),
        },
        "default": pipfile.get("packages", {}),
        "develop": pipfile.get("dev-packages", {}),
    }
    known = (*_OTHER_TABLES, *_RENAMED, *_RENAMED.values())
    content |= {key: value for key, value in pipfile.items() if key not in known}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise damaged(path, f"it is not JSON: {error}") from None
    sections = document.values() if isinstance(document, dict) else [None]
    if not all(isinstance(section, dict) for section in sections) or not all(
        isinstance(entry, dict)
        for key, section in document.items()
        if key != "_meta"
        for entry in section.values()
    ):
        raise damaged(path, "it is not an object of sections of packages")
    return dict(document)


def _check_python(path: Path, requires: dict[str, Any], selection: Selection) -> None:
    # pipenv drops what other versions would need, so a lock is for one version alone.
    wanted = str(requires.get("python_full_version") or requires.get("python_version") or "")
    if wanted and ".".join(wanted.split(".")[:2]) != selection.target.python_version:
        raise WideloadError(
            f"{path} is not for {selection.target.runtime}",
            why=f"it is for Python {wanted}, and pipenv locks for one version alone",
            hint=f"set another runtime, or python_version in the Pipfile, and run `{_RELOCK}`",
        )


def _package(
    path: Path, name: str, entry: dict[str, Any], indexes: dict[str, str]
) -> LockedPackage:
    for kind in ("git", "hg", "svn", "bzr"):
        if kind in entry:
            raise refused(path, name, f"a {kind} repository ({entry[kind]})")
    for key in ("path", "file"):
        place = entry.get(key)
        if isinstance(place, str):
            if "://" in place or not (path.parent / place).is_dir():
                raise refused(path, name, f"{place} without a hash of its own")
            folder = local_folder(path, name, place)
            return LockedPackage(name=name, version="", files=(), directory=folder)
    pin = _PIN.fullmatch(str(entry.get("version", "")))
    if not pin:
        raise WideloadError(
            f"{name} is not locked in {path}",
            why=f"its version is {entry.get('version', 'missing')!r}, which is no pin",
            hint=f"lock on Linux, where its markers hold, with `{_RELOCK}`, or remove it",
        )
    hashes = entry.get("hashes") or []
    if not hashes:
        sha256_of({}, path, name)
    return LockedPackage(
        name=name,
        version=pin[1],
        files=tuple(
            LockedFile(sha256=sha256_of(dict([str(each).split(":", 1)[:2]]), path, name))
            if ":" in str(each)
            else LockedFile(sha256=sha256_of({"sha256": each}, path, name))
            for each in hashes
        ),
        index=_index(path, name, entry, indexes),
    )


def _index(path: Path, name: str, entry: dict[str, Any], indexes: dict[str, str]) -> str:
    chosen = entry.get("index")
    if chosen is not None and chosen not in indexes:
        raise damaged(path, f"{name} is of the index {chosen!r}, which is not among the sources")
    url = indexes[chosen] if chosen else next(iter(indexes.values()), "")
    expanded = os.path.expandvars(url)
    if "${" in expanded:
        raise WideloadError(
            f"the index of {name} is not known",
            why=f"{path} gives it as {url}, and the variable is not set",
            hint="set the variable in the environment",
        )
    return expanded
