"""The packages that Lambda's Python runtime carries, installed once for each version."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import uv

from wideload.errors import WideloadError
from wideload.interpreters import Interpreter
from wideload.values.target import Architecture

_HERE = Path(__file__).parent
_REQUIREMENTS = _HERE / "runtime-requirements.txt"
BOOTSTRAP = _HERE / "bootstrap.py"
"""What runs first inside, at /var/runtime/bootstrap.py."""


def runtime_packages(interpreter: Interpreter, architecture: Architecture, cache: Path) -> Path:
    """The folder that becomes the runtime's site-packages, installed if it is not there yet.

    Every file that is installed is checked against the hashes kept with wideload. Runs at
    the same time wait for each other, and a run that is killed leaves nothing that counts.

    :raises WideloadError: the packages cannot be had.
    """
    digest = hashlib.sha256(_REQUIREMENTS.read_bytes()).hexdigest()[:16]
    folder = cache / f"runtime-{interpreter.version}-{architecture}-{digest}"
    if folder.is_dir():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    with _locked(folder.with_suffix(".lock")):
        if not folder.is_dir():
            with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=cache) as scratch:
                made = Path(scratch) / "site-packages"
                _install(interpreter, architecture, made)
                made.rename(folder)
    return folder


def _install(interpreter: Interpreter, architecture: Architecture, folder: Path) -> None:
    install = subprocess.run(
        [
            *(uv.find_uv_bin(), "pip", "install", "--quiet", "--color", "never"),
            *("--python", interpreter.executable, "--target", str(folder)),
            # The oldest glibc of any runtime, and so right for all of them.
            *("--python-platform", f"{architecture.machine}-manylinux2014"),
            *("--only-binary", ":all:", "--require-hashes", "--no-deps"),
            *("--link-mode", "copy", "--requirements", str(_REQUIREMENTS)),
        ],
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    if install.returncode != 0:
        raise WideloadError(
            f"the packages of Lambda's Python {interpreter.version} runtime cannot be installed",
            why=install.stderr.strip(),
            hint="they come from the package index that uv is set up with, once for each version",
        )
    shutil.rmtree(folder / "bin", ignore_errors=True)
    # Lambda's are compiled too; unchecked, for the folder is read-only inside.
    subprocess.run(
        [
            *(interpreter.executable, "-I", "-m", "compileall", "-q", "-j", "0"),
            *("-s", str(folder), "-p", f"/var/lang/lib/python{interpreter.version}/site-packages"),
            *("--invalidation-mode", "unchecked-hash", str(folder)),
        ],
        check=False,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
