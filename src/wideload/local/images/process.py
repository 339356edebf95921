"""Docker's registry as a child process, on a socket that only this user gets to."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import urllib3

from wideload.errors import WideloadError
from wideload.local.images.unix import UnixPool

if TYPE_CHECKING:
    from collections.abc import Sequence

PROGRAM = "docker-registry"
_START_SECONDS = 20.0
_POLL_SECONDS = 0.02


class RegistryProcess:
    """Started when it is first needed, ended with this process however that ends.

    :param storage: folder in which it keeps all that is pushed.
    :param log: file that it writes to.
    """

    def __init__(self, storage: Path, log: Path) -> None:
        self.storage = storage
        self._log = log
        self._lock = threading.Lock()
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._pool: UnixPool | None = None

    def pool(self) -> UnixPool:
        """Connections to it.

        :raises WideloadError: it is not installed, or does not start.
        """
        with self._lock:
            if self._pool is None or self._process is None or self._process.poll() is not None:
                self._pool = self._start()
            return self._pool

    def close(self) -> None:
        """End it."""
        with self._lock:
            if self._process is not None:
                self._process.terminate()
                self._process.wait()
                self._process = None
            if self._folder is not None:
                self._folder.cleanup()
                self._folder = None

    def _start(self) -> UnixPool:
        program = shutil.which(PROGRAM)
        if program is None:
            raise WideloadError(
                "the embedded AWS has no registry for container images",
                why=f"`{PROGRAM}` is not on the PATH",
                hint=f"install it: Debian's and Ubuntu's package is `{PROGRAM}`",
            )
        if self._folder is not None:
            self._folder.cleanup()
        # A socket's path may have a hundred characters; the state folder's often has more.
        self._folder = tempfile.TemporaryDirectory(prefix="wideload-registry-")
        folder = Path(self._folder.name)
        socket = folder / "socket"
        (folder / "config.yml").write_text(json.dumps(self._config(socket)))
        self.storage.mkdir(parents=True, exist_ok=True)
        self._process = self._spawn([program, "serve", str(folder / "config.yml")])
        pool = UnixPool(socket)
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end and self._process.poll() is None:
            try:
                pool.request("GET", "/v2/", retries=False, timeout=5)
            except urllib3.exceptions.HTTPError:
                time.sleep(_POLL_SECONDS)
            else:
                return pool
        self._process.kill()
        tail = self._log.read_text(errors="replace")[-2000:].strip()
        raise WideloadError(
            "the registry of the embedded AWS does not start", why=tail, hint=f"see {self._log}"
        )

    def _spawn(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        # What it is told to die with is the thread that started it: one that lives as long.
        started: list[subprocess.Popen[bytes] | OSError] = []
        ready = threading.Event()
        setpriv = shutil.which("setpriv")
        words = [setpriv, "--pdeathsig", "KILL", *command] if setpriv else list(command)

        def keep() -> None:
            try:
                with self._log.open("ab") as log:
                    process = subprocess.Popen(
                        words,
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=log,
                        env={"PATH": os.defpath, "OTEL_TRACES_EXPORTER": "none"},
                    )
            except OSError as error:
                started.append(error)
                ready.set()
            else:
                started.append(process)
                ready.set()
                process.wait()

        threading.Thread(target=keep, name="registry", daemon=True).start()
        ready.wait()
        (process,) = started
        if isinstance(process, OSError):
            raise WideloadError(
                "the registry of the embedded AWS does not start", why=str(process)
            ) from process
        return process

    def _config(self, socket: Path) -> dict[str, Any]:
        # JSON is YAML.
        return {
            "version": "0.1",
            "log": {"level": "error", "accesslog": {"disabled": True}},
            "storage": {
                "filesystem": {"rootdirectory": str(self.storage)},
                "delete": {"enabled": True},
            },
            "http": {
                "net": "unix",
                "addr": str(socket),
                "relativeurls": True,
                "secret": secrets.token_hex(16),
            },
        }
