"""The command `wideload` as a user has it: run in a folder, with a cache of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import msgspec
from botocore.config import Config

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pytest

WIDELOAD = str(Path(sys.executable).with_name("wideload"))
ROOT = Path(__file__).parents[2]
ZOO = ROOT / "tests" / "functions"
EXAMPLES = ROOT / "examples"
# Nothing of these reaches the command, whatever the shell of the one who runs the tests has.
_DROPPED = ("AWS_", "WIDELOAD_", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV", "FORCE_COLOR")
# Seconds. The first build of a heavy function fetches and packs hundreds of megabytes.
_PATIENCE = 900


def clean_environ(**more: str) -> dict[str, str]:
    """This process's environment without settings that would change what is shown."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_DROPPED)}
    return kept | {"NO_COLOR": "1"} | more


class Done(msgspec.Struct, frozen=True):
    """What came of a command."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


class Refusal(msgspec.Struct, frozen=True):
    """The one clear message of a command that was refused."""

    what: str
    why: str
    hint: str
    before: str
    """What stands on stderr before it."""


class Command:
    """Runs `wideload` in one folder."""

    def __init__(self, folder: Path, cache: Path, **environ: str) -> None:
        self.folder = folder
        self.cache = cache
        self._environ = environ

    @property
    def environ(self) -> dict[str, str]:
        return clean_environ(WIDELOAD_CACHE=str(self.cache), **self._environ)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Started, not waited for."""
        return subprocess.Popen(
            [WIDELOAD, *arguments],
            cwd=self.folder,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, wrapper: tuple[str, ...] = (), stdin: str = "") -> Done:
        """Its outcome, whatever it is."""
        done = subprocess.run(
            [*wrapper, WIDELOAD, *arguments],
            cwd=self.folder,
            env=self.environ,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def __call__(self, *arguments: str) -> Done:
        """It must succeed."""
        done = self.run(*arguments)
        assert done.code == 0, f"wideload {' '.join(arguments)}\n{done.out}{done.err}"
        return done

    def json(self, *arguments: str) -> Any:
        """What it prints with ``--json``; it must succeed."""
        return self(*arguments, "--json").json()

    def refused(self, *arguments: str) -> Refusal:
        """It must be refused with one clear message, and nothing on stdout."""
        return refusal(self.run(*arguments))


def refusal(done: Done) -> Refusal:
    """The message of a refusal: exit code 1, what, why, hint, and nothing behind it."""
    assert done.code == 1, f"exit code {done.code}\n{done.out}{done.err}"
    assert done.out == "", "a refusal leaves nothing on stdout"
    lines = done.err.splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith("error: ")]
    assert len(starts) == 1, f"not one message:\n{done.err}"
    what, *rest = lines[starts[0] :]
    found: dict[str, list[str]] = {}
    label = ""
    for line in rest:
        for name in ("why", "hint"):
            if line.startswith(f"  {name}: "):
                label = name
                assert label not in found, done.err
                found[label] = [line.removeprefix(f"  {name}: ")]
                break
        else:
            assert label, f"a line that belongs to nothing: {line!r}"
            assert line.startswith("       "), f"a line that belongs to nothing: {line!r}"
            found[label].append(line.strip())
    assert set(found) == {"why", "hint"}, f"without why or hint:\n{done.err}"
    assert list(found) == ["why", "hint"]
    message = "\n".join(lines[starts[0] :])
    assert str(ROOT / "src") not in done.err, "a traceback of wideload's own"
    assert "unexpected" not in what
    assert "/wideload/cli/" not in message
    return Refusal(
        what.removeprefix("error: "),
        "\n".join(found["why"]),
        "\n".join(found["hint"]),
        "\n".join(lines[: starts[0]]),
    )


def exports(text: str) -> dict[str, str]:
    """The variables that `wideload local env` prints."""
    lines = [line.partition("=") for line in text.splitlines()]
    return {name: value.strip("'") for name, _, value in lines}


class Aws:
    """Clients of a project's embedded AWS, with what `wideload local env` prints."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self.variables = dict(variables)
        self._session = boto3.Session(
            aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
            region_name=variables["AWS_REGION"],
        )

    def client(self, service: str) -> Any:
        """One attempt a call: what fails is to be seen."""
        return self._session.client(  # type: ignore[call-overload]
            service,
            endpoint_url=self.variables["AWS_ENDPOINT_URL"],
            config=Config(retries={"total_max_attempts": 1}, read_timeout=120),
        )


def shared_cache(factory: pytest.TempPathFactory) -> Path:
    """wideload's cache of all tests, of all workers, that do not ask for an empty one."""
    shared = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    return shared / "wideload-cache"


def snapshot(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, with its content."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


def partials(folder: Path) -> list[str]:
    """Files that were begun and not finished."""
    return [str(path) for path in folder.rglob("*") if path.name.endswith(".partial")]
