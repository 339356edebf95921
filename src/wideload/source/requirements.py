"""Which requirements are a function's, and reading them.

Where the configuration does not name a file, the source folder is looked through and then
the project's, each in this order: pylock.NAME.toml, pylock.toml, uv.lock, poetry.lock,
Pipfile.lock, requirements.txt, a pyproject.toml with dependencies. A folder's pyproject.toml
that a uv.lock of the project covers as a member of its workspace counts as that lock.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from wideload.errors import WideloadError
from wideload.source.locks import Selection
from wideload.source.nearest import nearest
from wideload.source.pipfile_lock import read_pipfile_lock
from wideload.source.poetry_lock import read_poetry_lock
from wideload.source.pylock import is_own_pylock, read_pylock
from wideload.source.requirement_names import pyproject_names
from wideload.source.requirements_txt import read_requirements_txt
from wideload.source.toml import read_toml, table
from wideload.source.uv_lock import read_uv_lock, workspace_member
from wideload.values.function import (
    LockedRequirements,
    NoRequirements,
    OpenRequirements,
    Requirements,
)

if TYPE_CHECKING:
    from collections.abc import Callable

_READABLE = "requirements.txt, pyproject.toml, pylock.toml, uv.lock, poetry.lock, Pipfile.lock"


class Asked(msgspec.Struct, frozen=True):
    """The requirements of a function and what they were read from."""

    requirements: Requirements
    inputs: tuple[str, ...] = ()
    """Absolute paths of the files that were read."""
    names: frozenset[str] = frozenset()
    """Normalised names of required packages, as far as they are known."""


def read_requirements(
    name: str,
    key: str | None,
    source: Path,
    root: Path,
    selection: Selection,
    tell: Callable[[str], None] = lambda _: None,
) -> Asked:
    """The requirements of a function.

    :param name: the function's.
    :param key: what the configuration says: a path, empty for none, or nothing.
    :param tell: takes a note where one file was preferred to others.
    :raises WideloadError: none are found, or they cannot be read as they must be.
    """
    if key == "":
        refuse_selection(selection, 'requirements = ""')
        return Asked(NoRequirements())
    if key is not None:
        return _read(_named(key, source, root), selection, source)
    folders = [source] if source == root else [source, root]
    found = [path for folder in folders for path in _candidates(name, folder)]
    if not found:
        looked = " and ".join(str(folder) for folder in folders)
        raise WideloadError(
            f"no requirements for function {name!r}",
            why=f"none of {_READABLE} is in {looked}",
            hint='write a requirements.txt, or requirements = "" if it needs none',
        )
    chosen = found[0]
    if chosen == source / "pyproject.toml":
        covering = (path for path in found if path.name == "uv.lock")
        chosen = next((lock for lock in covering if workspace_member(lock, source)), chosen)
    others = [path for path in found if path != chosen and path.name != "pyproject.toml"]
    if others:
        shown = ", ".join(_shown(path, root) for path in others)
        tell(f"requirements of {name}: {_shown(chosen, root)}, not {shown}")
    return _read(chosen, selection, source)


def _candidates(name: str, folder: Path) -> list[Path]:
    names = [f"pylock.{name}.toml", "pylock.toml", "uv.lock", "poetry.lock", "Pipfile.lock"]
    names += ["requirements.txt", "pyproject.toml"]
    there = [folder / each for each in names if (folder / each).is_file()]
    return [path for path in there if _counts(path)]


def _counts(path: Path) -> bool:
    if path.name.startswith("pylock."):
        return not is_own_pylock(path)
    if path.name != "pyproject.toml":
        return True
    document = read_toml(path)
    project = table(document, "project")
    return (
        "dependencies" in project
        or "dependencies" in project.get("dynamic", [])
        or "dependencies" in table(document, "tool", "poetry")
    )


def _named(key: str, source: Path, root: Path) -> Path:
    for folder in (source, root):
        path = folder / key
        if path.is_file():
            return path.resolve()
    there = [path.name for path in (*source.iterdir(), *root.iterdir()) if path.is_file()]
    guess = nearest(key, there)
    raise WideloadError(
        f"no requirements file {key!r}",
        why=f"it is neither in {source}" + (f" nor in {root}" if root != source else ""),
        hint=f"did you mean {guess!r}?" if guess else "mend the key requirements",
    )


def _read(path: Path, selection: Selection, source: Path) -> Asked:
    match path.name:
        case "uv.lock":
            member = "" if source == path.parent else workspace_member(path, source)
            return _locked(read_uv_lock(path, selection, member))
        case "poetry.lock":
            return _locked(read_poetry_lock(path, selection))
        case "Pipfile.lock":
            return _locked(read_pipfile_lock(path, selection))
        case "pyproject.toml":
            return _open_pyproject(path, selection)
        case filename if filename.startswith("pylock.") and filename.endswith(".toml"):
            return _locked(read_pylock(path, selection))
        case filename if filename.endswith((".txt", ".in")):
            refuse_selection(selection, filename)
            read = read_requirements_txt(path)
            return Asked(OpenRequirements(str(path), "requirements"), read.files, read.names)
        case filename:
            raise WideloadError(
                f"cannot read {filename} as requirements",
                why=f"known are {_READABLE} and other .txt and .in files",
                hint="lock a Pipfile with `pipenv lock`"
                if filename == "Pipfile"
                else "name one of these in the key requirements",
            )


def _locked(requirements: LockedRequirements) -> Asked:
    names = frozenset(package.name for package in requirements.packages)
    return Asked(requirements, (requirements.path,), names)


def _open_pyproject(path: Path, selection: Selection) -> Asked:
    document = read_toml(path)
    project = table(document, "project")
    if not project and table(document, "tool", "poetry"):
        raise WideloadError(
            f"{path} has its dependencies in Poetry's own tables",
            why="only Poetry reads [tool.poetry.dependencies], and there is no poetry.lock",
            hint="run `poetry lock`",
        )
    selection.check_known(
        path, table(document, "dependency-groups"), table(project, "optional-dependencies")
    )
    return Asked(
        OpenRequirements(str(path), "pyproject", selection.groups, selection.extras),
        (str(path),),
        frozenset(pyproject_names(document, selection.groups, selection.extras)),
    )


def refuse_selection(selection: Selection, what: str) -> None:
    """Refuse groups and extras where there are none to choose from.

    :raises WideloadError: some are chosen.
    """
    for kind, chosen in (("groups", selection.groups), ("extras", selection.extras)):
        if chosen:
            raise WideloadError(
                f"{what} has no {kind}",
                why=f"{kind} = {list(chosen)} is set",
                hint=f"remove {kind}, or name a pyproject.toml or a lock in requirements",
            )


def _shown(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
