"""Open requirements become ``pylock.NAME.toml`` beside them, and stay so until they change."""

from __future__ import annotations

import re
import secrets
import shutil
import tomllib
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from wideload.cache import write_atomically
from wideload.errors import WideloadError
from wideload.resolve import uv
from wideload.resolve.requirements import Asked, not_admitted, read_asked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wideload.resolve.fixed import Fixed
    from wideload.values.function import OpenRequirements
    from wideload.values.target import Target


def lock_path(requirements: OpenRequirements, name: str) -> Path:
    """Where the lock of a function lies: beside its requirements, named by the function."""
    # PEP 751 allows no dot in the name, Lambda allows none either.
    return Path(requirements.path).with_name(f"pylock.{name}.toml")


def _fingerprint(path: Path) -> str | None:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise WideloadError(
            f"the lock {path.name} cannot be read",
            why=str(error),
            hint="restore it from version control, or delete it to resolve anew",
        ) from error
    value = table.get("tool", {}).get("wideload", {}).get("fingerprint")
    if value is None:
        raise WideloadError(
            f"{path.name} was not made by wideload",
            why="it has no [tool.wideload] table, so it cannot be told whether it fits the "
            "requirements",
            hint="name it in the function's table to obey it as it is: requirements = \""
            f'{path.name}"',
        )
    return str(value)


def lock(
    requirements: OpenRequirements,
    name: str,
    target: Target,
    *,
    upgrade: bool = False,
    asked: Asked | None = None,
    fixed: Fixed | None = None,
) -> tuple[Path, Asked, bool]:
    """Make sure that a lock is there which fits the requirements and the target.

    A lock that fits is obeyed. One that does not is resolved anew, keeping the versions that
    still may stand; with `upgrade` nothing is kept.

    :param asked: what `read_asked` said of the requirements, where that is known.
    :param fixed: what is there already and is left out of the lock.
    :return: the lock, what the user asked for, and whether the lock was written just now.
    :raises WideloadError: the requirements cannot be met.
    """
    asked = asked or read_asked(requirements, target)
    fingerprint = fixed.fingerprint(asked.fingerprint) if fixed else asked.fingerprint
    path = lock_path(requirements, name)
    kept = _fingerprint(path)
    if kept == fingerprint and not upgrade:
        return path, asked, False

    # In the same folder, since the paths in a lock are relative to it.
    # Under a name that is no function's, so that it is not the lock of another one.
    next_path = path.with_name(f"pylock.{name}~{secrets.token_hex(4)}.toml")
    source = Path(requirements.path)
    try:
        if kept is not None and not upgrade:
            shutil.copyfile(path, next_path)
        else:
            next_path.unlink(missing_ok=True)
        arguments = [source.name, "-o", next_path.name, "--quiet"]
        for extra in requirements.extras:
            arguments += ["--extra", extra]
        for group in requirements.groups:
            arguments += ["--group", group]
        pins: AbstractContextManager[list[str]] = fixed.arguments() if fixed else nullcontext([])
        with pins as more:
            uv.compile_lock([*arguments, *more], source.parent, target, what=source.name)
        text = next_path.read_text(encoding="utf-8")
    except OSError as error:
        raise WideloadError(
            f"the lock {path.name} cannot be written",
            why=str(error),
            hint="make the folder writable, or free disk space",
        ) from error
    finally:
        next_path.unlink(missing_ok=True)
    _refuse_others(text, asked.hashes)
    left_out = bool(fixed and fixed.distributions)
    stamped = _stamped(text, source.name, fingerprint, target, left_out=left_out)
    write_atomically(path, stamped.encode())
    return path, asked, True


def _refuse_others(text: str, hashes: Mapping[str, tuple[str, ...]]) -> None:
    """Stop, before a lock is written, where the index has none of the files that the user admits.

    :param hashes: by name, the only sha256 that are admitted of a package.
    """
    for package in tomllib.loads(text).get("packages", []):
        name = package["name"]
        files = [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]
        found = {file.get("hashes", {}).get("sha256") for file in files}
        if name in hashes and found and found.isdisjoint(hashes[name]):
            raise not_admitted(name, package.get("version", ""))


def _stamped(text: str, source: str, fingerprint: str, target: Target, *, left_out: bool) -> str:
    # uv writes the stamp of the file it continued into the new one too.
    body = re.split(r"^\[tool\.wideload\]$", text, maxsplit=1, flags=re.MULTILINE)[0].rstrip()
    body = re.sub(r"\A(#.*\n)+", "", body)
    return (
        f"# Resolved from {source} for {target.runtime} on {target.architecture}. Commit it:\n"
        "# the same commit then ships the same bytes. `wideload plan --upgrade` renews it.\n"
        + ("# What the attached layers carry is left out.\n" if left_out else "")
        + f"{body}\n\n[tool.wideload]\n"
        f'fingerprint = "{fingerprint}"\n'
        f'runtime = "{target.runtime}"\n'
        f'architecture = "{target.architecture}"\n'
    )
