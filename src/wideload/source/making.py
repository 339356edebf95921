"""Runs the command of the key ``build``: a copy of the source goes in, a program comes out.

The command runs in a copy, so that it leaves nothing in the user's folder and sees nothing but
what is a source. Made once: as long as sources, command, target and the program that is called
are the same, what came out is taken again.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from wideload.errors import WideloadError
from wideload.source.bootstrap_file import BOOTSTRAP
from wideload.source.files import SourceFile, list_files
from wideload.source.ignore import Rules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from wideload.values.target import Target

_KEY = "key"
_OUT = "out"
_TAIL = 30
"""Lines of a failed command that are shown."""
_VERSION = 1


def make(
    command: str,
    source: Path,
    target: Target,
    include: tuple[str, ...],
    kept: Path,
    tell: Callable[[str], None] = lambda _: None,
) -> list[SourceFile]:
    """What ships of a function that is built: its bootstrap, and what `include` names.

    :param command: run by ``sh`` in the copy, with GOOS, GOARCH and CGO_ENABLED=0 for the
        target where the environment does not set this one, and the user's own PATH.
    :param include: patterns of further files of the copy, as it is after the command.
    :param kept: folder of this function, where what was made is kept.
    :param tell: told that the command is run.
    :return: the files, sorted by path; whether bootstrap is among them is not checked.
    :raises WideloadError: the command fails or cannot be run.
    """
    sources = list_files(source, Rules(tests=True))
    key = _key(command, target, include, sources)
    try:
        if (kept / _KEY).read_text(encoding="ascii") == key:
            return _listed(kept / _OUT)
    except (OSError, UnicodeDecodeError):
        pass
    tell(f"running {command}")
    kept.mkdir(parents=True, exist_ok=True)
    # Beside what is kept, so that what was made is renamed into its place.
    with tempfile.TemporaryDirectory(dir=kept, prefix="work-") as folder:
        copy, out = Path(folder) / "source", Path(folder) / _OUT
        _copy(sources, copy)
        _run(command, copy, _environment(target))
        _take(copy, out, include)
        (kept / _KEY).unlink(missing_ok=True)
        shutil.rmtree(kept / _OUT, ignore_errors=True)
        out.rename(kept / _OUT)
        draft = Path(folder) / _KEY
        draft.write_text(key, encoding="ascii")
        draft.replace(kept / _KEY)
    return _listed(kept / _OUT)


def _listed(folder: Path) -> list[SourceFile]:
    return list_files(folder, Rules(include=("*",), tests=True))


def _key(
    command: str, target: Target, include: Iterable[str], sources: Iterable[SourceFile]
) -> str:
    """Digest of all that what comes out depends on, as far as it can be known."""
    digest = hashlib.sha256(f"{_VERSION}\0{command}\0{target.runtime}\0".encode())
    digest.update(f"{target.architecture}\0{_tool(command)}\0".encode())
    for word in include:
        digest.update(f"{word}\0".encode())
    for file in sources:
        with Path(file.location).open("rb") as stream:
            content = hashlib.file_digest(stream, "sha256").hexdigest()
        digest.update(f"{file.path}\0{file.executable:d}\0{content}\0".encode())
    return digest.hexdigest()


def _tool(command: str) -> str:
    """The program that the command calls first, so that another version of it builds again."""
    try:
        words = shlex.split(command)
    except ValueError:
        return ""
    name = next((word for word in words if "=" not in word), "")
    path = shutil.which(name) if name else None
    if path is None:
        return ""
    status = os.stat(path)  # noqa: PTH116
    return f"{os.path.realpath(path)} {status.st_size} {status.st_mtime_ns}"


def _copy(sources: Iterable[SourceFile], into: Path) -> None:
    for file in sources:
        path = into / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file.location, path)
        path.chmod(0o755 if file.executable else 0o644)


def _environment(target: Target) -> dict[str, str]:
    environment = dict(os.environ)
    environment |= {"GOOS": "linux", "GOARCH": target.architecture.goarch}
    environment.setdefault("CGO_ENABLED", "0")
    # The copy lies elsewhere each time, and no program should tell where or when.
    flags = ["-trimpath", "-buildvcs=false", *environment.get("GOFLAGS", "").split()]
    environment["GOFLAGS"] = " ".join(dict.fromkeys(flags))
    environment.setdefault("SOURCE_DATE_EPOCH", "315532800")
    return environment


def _run(command: str, folder: Path, environment: dict[str, str]) -> None:
    try:
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
    except OSError as error:
        raise WideloadError(f"{command} cannot be run", why=str(error)) from error
    if done.returncode == 0:
        return
    said = done.stdout.decode(errors="replace").strip().splitlines()
    missing = done.returncode == 127
    raise WideloadError(
        f"{command} failed",
        why="\n".join(said[-_TAIL:]) or f"it ended with {done.returncode} and said nothing",
        hint="install what it calls, or put it on the PATH"
        if missing
        else "it was run in a copy of the source folder; does it need something beside that?",
    )


def _take(copy: Path, out: Path, include: tuple[str, ...]) -> None:
    """Move what is to ship out of the copy."""
    wanted = Rules(exclude=("*",), include=(f"/{BOOTSTRAP}", *include), tests=True)
    out.mkdir()
    for file in list_files(copy, wanted):
        path = out / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file.location, path)
        path.chmod(0o755 if file.executable else 0o644)
