"""uv.lock, read by uv itself.

uv exports it as a pylock.toml, having checked that it fits pyproject.toml. What asks for
what, which an export does not say, is read from the lock.
"""

from __future__ import annotations

import os
import subprocess
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from wideload.errors import WideloadError
from wideload.interpreters import uv_command
from wideload.source.locks import Selection, check_python, damaged, only_selected, stale
from wideload.source.pylock import select_packages
from wideload.source.toml import read_toml, table
from wideload.values.function import LockedRequirements

if TYPE_CHECKING:
    from collections.abc import Mapping

# Switches of uv's that would contradict those it is called with.
_CONTRADICTING = ("UV_FROZEN", "UV_LOCKED", "UV_NO_DEV", "UV_NO_GROUP", "UV_NO_DEFAULT_GROUPS")


def read_uv_lock(path: Path, selection: Selection, package: str = "") -> LockedRequirements:
    """What a uv.lock locks for the target: a project's own and chosen dependencies, no more.

    The group `dev` is left out unless it is chosen.

    :param package: the member of the workspace that is wanted; empty is the root.
    :raises WideloadError: it does not fit pyproject.toml any more, or as for a pylock.toml.
    """
    document = read_toml(path)
    if (python := document.get("requires-python")) is not None:
        check_python(path, str(python), selection.target, "uv lock")
    exported = _exported(path, selection, package)
    # Extras and groups were chosen by uv; what is left are markers.
    packages = select_packages(path, exported, Selection(selection.target))
    names = {each.name for each in packages}
    asked_by_name, roots = _graph(path, document, selection, package)
    return LockedRequirements(
        path=str(path),
        format="uv.lock",
        packages=tuple(
            msgspec.structs.replace(
                each, requires=only_selected(asked_by_name.get(each.name, ()), names)
            )
            for each in packages
        ),
        roots=only_selected(roots, names),
    )


def workspace_member(path: Path, folder: Path) -> str:
    """The name of the package in this folder that a uv.lock covers; empty where it does not."""
    for entry in read_toml(path).get("package", []):
        if (at := _location(entry)) and (path.parent / at).resolve() == folder.resolve():
            return str(entry.get("name", ""))
    return ""


def _location(entry: dict[str, Any]) -> str:
    source = table(entry, "source")
    return str(source.get("virtual") or source.get("editable") or source.get("directory") or "")


def _exported(path: Path, selection: Selection, package: str) -> dict[str, Any]:
    command = [uv_command(), "export", "--locked", "--format", "pylock.toml"]
    command += ["--no-emit-project", "--no-header", "--quiet", "--color", "never"]
    command += [] if "dev" in selection.groups else ["--no-dev"]
    for group in selection.groups:
        command += ["--group", group]
    for extra in selection.extras:
        command += ["--extra", extra]
    if package:
        command += ["--package", package]
    # A lock that fits is read without the network. Only where that fails, for want of a
    # Python or of the metadata of a local project, may uv fetch what it lacks.
    done = _run([*command, "--offline"], path, {"UV_PYTHON_DOWNLOADS": "never"})
    if done.returncode and "needs to be updated" not in done.stderr:
        done = _run(command, path, {})
    if done.returncode:
        raise _failure(path, done.stderr)
    try:
        return tomllib.loads(done.stdout)
    except tomllib.TOMLDecodeError as error:
        raise damaged(path, f"uv's export of it is not TOML: {error}") from None


def _run(command: list[str], path: Path, extra: dict[str, str]) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k not in _CONTRADICTING}
    environment |= {"PATH": _path_with_pyenv(environment), **extra}
    return subprocess.run(
        command, cwd=path.parent, env=environment, capture_output=True, text=True, check=False
    )


def _path_with_pyenv(environment: Mapping[str, str]) -> str:
    """PATH with the Pythons that pyenv holds in place of its shims.

    A shim of a version that is not switched on fails when uv asks it what it is.
    """
    default = Path(environment.get("HOME", "/")) / ".pyenv"
    pyenv = Path(environment.get("PYENV_ROOT") or default)
    folders = environment.get("PATH", os.defpath).split(os.pathsep)
    kept = [folder for folder in folders if Path(folder) != pyenv / "shims"]
    return os.pathsep.join([*kept, *(str(each) for each in sorted(pyenv.glob("versions/3.*/bin")))])


def _failure(path: Path, stderr: str) -> WideloadError:
    words = "\n".join(line for line in stderr.splitlines() if line.strip())
    if "needs to be updated" in words:
        return stale(path, "pyproject.toml", "uv lock")
    for kind in ("Extra", "Group"):
        if words.startswith(f"error: {kind} `"):
            return WideloadError(
                f"unknown {kind.lower()} for {path}",
                why=words.removeprefix("error: "),
                hint=f"remove it from {kind.lower()}s",
            )
    return WideloadError(
        f"uv cannot read {path}",
        why=words.removeprefix("error: "),
        hint="install that Python, say with `uv python install`"
        if "No interpreter found" in words
        else "does `uv lock --check` pass in its folder? If not, run `uv lock`",
    )


def _graph(
    path: Path, document: dict[str, Any], selection: Selection, package: str
) -> tuple[dict[str, set[str]], set[str]]:
    """Names that each package asks for, and those that the project itself does."""
    asked: dict[str, set[str]] = {}
    roots: set[str] = set()
    for entry in document.get("package", []):
        main = _names(entry.get("dependencies"))
        optional = table(entry, "optional-dependencies")
        name = str(entry.get("name", ""))
        at = _location(entry)
        is_project = (
            name == package
            if package
            else bool(at) and (path.parent / at).resolve() == path.parent.resolve()
        )
        if is_project:
            roots |= main
            for extra in selection.extras:
                roots |= _names(optional.get(extra))
            for group in selection.groups:
                roots |= _names(table(entry, "dev-dependencies").get(group))
        # Which extras of a package are on is not said; what is off is not selected either.
        asked.setdefault(name, set()).update(main, *(_names(each) for each in optional.values()))
    return asked, roots


def _names(dependencies: Any) -> set[str]:
    return {str(each["name"]) for each in dependencies or () if "name" in each}
