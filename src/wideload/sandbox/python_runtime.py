"""Lambda's Python runtimes: an interpreter of theirs, and the packages that they carry."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from wideload.cache import made_once
from wideload.errors import WideloadError
from wideload.interpreters import Interpreter, find_interpreter, uv_command
from wideload.sandbox.runtime import MANAGED_PATHS

if TYPE_CHECKING:
    from wideload.values.environment import EnvironmentSpec
    from wideload.values.target import Architecture, Target

_HERE = Path(__file__).parent
_REQUIREMENTS = _HERE / "runtime-requirements.txt"
_BOOTSTRAP = _HERE / "bootstrap.py"


class PythonRuntime:
    """The interpreter at /var/lang, with the runtime's packages; implements `Runtime`."""

    def __init__(self, target: Target, cache: Path) -> None:
        """Find or fetch what it is made of.

        :raises WideloadError: it cannot be had.
        """
        self._interpreter = find_interpreter(target.python_version, cache)
        self._packages = runtime_packages(self._interpreter, target.architecture, cache)

    def mounts(self) -> list[str]:
        """The interpreter at /var/lang with the runtime's packages, and /var/runtime."""
        interpreter = self._interpreter
        lib = f"/var/lang/lib/python{interpreter.version}"
        if Path(interpreter.prefix) == Path("/usr"):
            # A distribution's Python shares /usr with all else. Only its own files are shown
            # at /var/lang, so that its dist-packages are not on the path; each linked by
            # itself, so that there is room for a site-packages among them.
            stdlib = Path(interpreter.stdlib)
            inside = "/var/lang/" + str(stdlib.relative_to("/usr"))
            arguments = ["--ro-bind", interpreter.executable, self._python]
            for entry in sorted(stdlib.iterdir()):
                if entry.name not in ("site-packages", "dist-packages"):
                    arguments += ["--symlink", str(entry), f"{inside}/{entry.name}"]
        else:
            arguments = ["--ro-bind", interpreter.prefix, "/var/lang"]
        return [
            *arguments,
            *("--ro-bind", str(self._packages), f"{lib}/site-packages"),
            *("--ro-bind", str(_BOOTSTRAP), "/var/runtime/bootstrap.py"),
        ]

    def variables(self) -> dict[str, str]:
        """Those of all runtimes that AWS makes."""
        return dict(MANAGED_PATHS)

    def command(self, spec: EnvironmentSpec) -> list[str]:  # noqa: ARG002
        """The interpreter with the runtime's bootstrap."""
        return [self._python, "/var/runtime/bootstrap.py"]

    @property
    def _python(self) -> str:
        return f"/var/lang/bin/python{self._interpreter.version}"


def runtime_packages(interpreter: Interpreter, architecture: Architecture, cache: Path) -> Path:
    """The folder that becomes the runtime's site-packages, installed if it is not there yet.

    Every file that is installed is checked against the hashes kept with wideload. Runs at
    the same time wait for each other, and a run that is killed leaves nothing that counts.

    :raises WideloadError: the packages cannot be had.
    """
    digest = hashlib.sha256(_REQUIREMENTS.read_bytes()).hexdigest()[:16]
    folder = cache / f"runtime-{interpreter.version}-{architecture}-{digest}"
    return made_once(folder, lambda made: _install(interpreter, architecture, made))


def _install(interpreter: Interpreter, architecture: Architecture, folder: Path) -> None:
    install = subprocess.run(
        [
            *(uv_command(), "pip", "install", "--quiet", "--color", "never"),
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
