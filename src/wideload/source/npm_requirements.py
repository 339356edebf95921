"""Which packages of npm's are a function's: of the lock beside its package.json."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wideload.errors import WideloadError
from wideload.source.nearest import nearest
from wideload.source.npm_lock import (
    LOCK_NAMES,
    MANIFEST_NAME,
    RELOCK,
    read_manifest,
    read_npm_lock,
)
from wideload.source.requirements import Asked, refuse_selection
from wideload.values.function import NoRequirements

if TYPE_CHECKING:
    from pathlib import Path

    from wideload.source.locks import Selection

_OTHER_LOCKS = {
    "yarn.lock": "npm install --package-lock-only",
    "pnpm-lock.yaml": "npm install --package-lock-only",
    "bun.lock": "npm install --package-lock-only",
    "bun.lockb": "npm install --package-lock-only",
}


def read_npm_requirements(
    key: str | None,
    source: Path,
    root: Path,
    selection: Selection,
    *,
    install_scripts: bool = False,
) -> Asked:
    """The packages of a function in Node.js; none where it has no package.json that asks for any.

    A lock in the function's folder counts before one in the project's.

    :param key: what the configuration says: the path of a lock or of a package.json, empty for
        none, or nothing.
    :raises WideloadError: a package.json asks for packages and has no lock, or the lock cannot
        be read as it must be.
    """
    refuse_selection(selection, "a function in Node.js")
    if key == "":
        return Asked(NoRequirements())
    lock = _lock_in(source, root) if key is None else _named(key, source, root)
    if lock is None:
        return Asked(NoRequirements())
    found = read_npm_lock(lock, selection.target, install_scripts=install_scripts)
    names = frozenset(one.label for one in found.packages)
    return Asked(found, (str(lock),), names)


def _lock_in(source: Path, root: Path) -> Path | None:
    for folder in dict.fromkeys((source, root)):
        for name in LOCK_NAMES:
            if (folder / name).is_file():
                return folder / name
        if (folder / MANIFEST_NAME).is_file():
            return _beside(folder / MANIFEST_NAME)
    return None


def _beside(manifest: Path) -> Path | None:
    """The lock beside a package.json; nothing where it needs none."""
    for name in LOCK_NAMES:
        if manifest.with_name(name).is_file():
            return manifest.with_name(name)
    if not read_manifest(manifest).needs_any:
        return None
    other = next((name for name in _OTHER_LOCKS if manifest.with_name(name).is_file()), "")
    raise WideloadError(
        f"{manifest} has no lock",
        why=(f"there is {other}, which npm does not read" if other else "no ")
        + ("" if other else f"{' or '.join(LOCK_NAMES[::-1])} is beside it")
        + ", and without one the next build may ship other versions",
        hint=f"run `{RELOCK}` in that folder, and commit the lock",
    )


def _named(key: str, source: Path, root: Path) -> Path | None:
    for folder in (source, root):
        path = folder / key
        if path.is_file():
            path = path.resolve()
            if path.name == MANIFEST_NAME:
                return _beside(path)
            if path.name in LOCK_NAMES:
                return path
            raise WideloadError(
                f"cannot read {path.name} as the requirements of a function in Node.js",
                why=f"known are {MANIFEST_NAME} and {' and '.join(LOCK_NAMES[::-1])}",
                hint="name one of these in the key requirements",
            )
    there = [path.name for path in (*source.iterdir(), *root.iterdir()) if path.is_file()]
    guess = nearest(key, there)
    raise WideloadError(
        f"no requirements file {key!r}",
        why=f"it is neither in {source}" + (f" nor in {root}" if root != source else ""),
        hint=f"did you mean {guess!r}?" if guess else "mend the key requirements",
    )
