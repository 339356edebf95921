"""What the user himself asked for: the lines of his requirement files, and their digest."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import msgspec
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from wideload.errors import WideloadError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from wideload.values.function import OpenRequirements
    from wideload.values.target import Target

_INCLUDE = re.compile(r"^(?:-r|--requirement|-c|--constraint)[ =]*(\S.*)$")
_HASH = re.compile(r"--hash[= ](\w+):([0-9a-fA-F]+)")
_OPTION_TAIL = re.compile(r"\s+--\w[\w-]*[ =].*$")
_COMMENT = re.compile(r"(^|\s)#.*$")


class Asked(msgspec.Struct, frozen=True):
    """A requirement file with all that it includes."""

    files: tuple[str, ...]
    """Absolute paths, the file itself first."""
    wishes: tuple[str, ...]
    """PEP 508 lines of requirements, markers still on."""
    constraints: tuple[str, ...]
    fingerprint: str
    """sha256 of all that the resolution depends on."""
    hashes: dict[str, tuple[str, ...]] = {}
    """By normalised name, the sha256 of the files that ``--hash`` admits."""


def read_asked(requirements: OpenRequirements, target: Target) -> Asked:
    """The user's lines.

    :raises WideloadError: a file cannot be read.
    """
    path = Path(requirements.path)
    digest = hashlib.sha256()
    digest.update(
        json.dumps(
            [target.runtime, target.architecture, requirements.groups, requirements.extras]
        ).encode()
    )
    if requirements.kind == "pyproject":
        table = tomllib.loads(_text(path))
        relevant, wishes = _pyproject(table, requirements)
        digest.update(json.dumps(relevant, sort_keys=True, default=str).encode())
        for place in _paths(relevant["uv"].get("sources", {})):
            _digest_project(digest, path, place)
        return Asked((str(path),), wishes, (), digest.hexdigest())
    files: list[Path] = []
    wished: list[str] = []
    hashes: dict[str, tuple[str, ...]] = {}
    constraints: list[str] = []
    for file, constraint, line in _lines(path, False, files):
        digest.update(f"{file.name}\0{constraint}\0{line}\0".encode())
        _digest_project(digest, file, line)
        for wish in _pep508(line):
            (constraints if constraint else wished).append(wish)
            found = _HASH.findall(line)
            if found:
                name = str(canonicalize_name(Requirement(wish).name))
                admitted = (sha256.lower() for kind, sha256 in found if kind == "sha256")
                hashes[name] = (*hashes.get(name, ()), *admitted)
    return Asked(
        tuple(map(str, files)), tuple(wished), tuple(constraints), digest.hexdigest(), hashes
    )


def not_admitted(name: str, version: str) -> WideloadError:
    """What to say when no file of a release has a hash that the requirements admit."""
    return WideloadError(
        f"the hash of {name} {version} does not match",
        why="none of its files has a sha256 that the requirements admit",
        hint="find out why the release changed before you renew the hashes",
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise WideloadError(
            f"{path.name} cannot be read", why=str(error), hint="mend or name another file"
        ) from error


def _lines(path: Path, constraint: bool, files: list[Path]) -> Iterator[tuple[Path, bool, str]]:
    if path in files:
        return
    files.append(path)
    for line in _text(path).replace("\\\n", " ").splitlines():
        bare = _COMMENT.sub("", line).strip()
        if not bare:
            continue
        included = _INCLUDE.match(bare)
        # Addresses and variables are uv's to follow.
        if included and "://" not in bare and "${" not in bare:
            inner = constraint or bare.startswith(("-c", "--constraint"))
            target = (path.parent / included[1].strip().strip("\"'")).resolve()
            yield from _lines(target, inner, files)
        else:
            yield path, constraint, bare


def _paths(sources: Mapping[str, Any]) -> Iterator[str]:
    for source in sources.values():
        for each in source if isinstance(source, list) else [source]:
            yield from [each["path"]] if "path" in each else []


def _digest_project(digest: hashlib._Hash, file: Path, line: str) -> None:
    """What a folder that the line names says of its own requirements."""
    place = re.sub(r"^(?:-e|--editable)[ =]*", "", _OPTION_TAIL.sub("", line))
    place = place.rpartition(" @ ")[2].partition(";")[0].strip().partition("[")[0]
    place = unquote(urlsplit(place).path) if place.startswith("file:") else place
    folder = file.parent / place
    for name in ("pyproject.toml", "setup.cfg", "setup.py"):
        with contextlib.suppress(OSError, ValueError):
            digest.update((folder / name).read_bytes())


def _pep508(line: str) -> Iterator[str]:
    if line.startswith("-"):
        return
    bare = _OPTION_TAIL.sub("", line)
    try:
        yield str(Requirement(bare))
    except InvalidRequirement:
        # A path or a bare URL: uv reads it; it pins nothing by name.
        return


def _pyproject(
    table: dict[str, Any], requirements: OpenRequirements
) -> tuple[dict[str, Any], tuple[str, ...]]:
    project = table.get("project", {})
    groups = table.get("dependency-groups", {})
    optional = project.get("optional-dependencies", {})
    wishes: list[str] = list(project.get("dependencies", []))
    for extra in requirements.extras:
        for name, lines in optional.items():
            if canonicalize_name(name) == canonicalize_name(extra):
                wishes.extend(lines)
    for group in requirements.groups:
        wishes.extend(line for line in groups.get(group, []) if isinstance(line, str))
    relevant = {
        "dependencies": project.get("dependencies", []),
        "optional": optional,
        "groups": groups,
        "uv": table.get("tool", {}).get("uv", {}),
    }
    return relevant, tuple(wishes)
