"""The embedded AWS in the background: started when it is needed, one on each state folder.

Whether one lives is told by a lock on ``daemon.lock``, which the kernel lets go however the
process ends; where it serves, by ``daemon.json``. What it has to say goes to ``daemon.log``.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING

import msgspec
import urllib3

from wideload import __version__
from wideload.errors import WideloadError
from wideload.local.database import Database
from wideload.local.principals import DEFAULT_ACCOUNT, Keyring

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from wideload.local.http import Server
    from wideload.local.server import LambdaFactory

COMMAND = (sys.executable, "-m", "wideload.embedded")
"""What serves in the foreground; the state folder and options are added."""

_START_SECONDS = 60.0
_STOP_SECONDS = 20.0
_POLL_SECONDS = 0.05
_HOLD_SECONDS = 1.0
_HEALTH_SECONDS = 3.0
_TAIL = 4000


class Endpoint(msgspec.Struct, frozen=True):
    """Where the embedded AWS serves, and the keys of an account's root."""

    url: str
    access_key: str
    secret: str
    region: str
    account: str


class Running(msgspec.Struct, frozen=True):
    """What ``daemon.json`` holds."""

    pid: int
    port: int
    instance: str
    version: str
    region: str

    @property
    def url(self) -> str:
        """Of the endpoint."""
        return f"http://127.0.0.1:{self.port}"


def ensure(
    state: Path,
    *,
    account: str = DEFAULT_ACCOUNT,
    region: str = "us-east-1",
    idle_minutes: float = 60,
    command: Sequence[str] = COMMAND,
) -> Endpoint:
    """The endpoint of this state folder's AWS, started if it is not running.

    :param account: whose root's keys to give; an account comes to be by being named.
    :param command: what to start.
    :raises WideloadError: it does not start, or the extra ``local`` is not installed.
    """
    _need_extra()
    state = state.absolute()
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _locked(state / "start.lock"):
        running = status(state)
        if running is not None and running.version != __version__:
            stop(state)
            running = None
        if running is None:
            running = _start(state, region, idle_minutes, command)
    key = Keyring(Database(state / "aws.sqlite")).root(account)
    return Endpoint(running.url, key.id, key.secret, region, account)


def status(state: Path) -> Running | None:
    """What serves this state folder; nothing where nothing does or it does not answer."""
    running = _recorded(state)
    if running is None or not _is_locked(state / "daemon.lock"):
        return None
    return running if _answers(running) else None


def stop(state: Path) -> bool:
    """End what serves this state folder; whether there was anything.

    :raises WideloadError: it does not end.
    """
    running = _recorded(state)
    if running is None or not _is_locked(state / "daemon.lock"):
        return False
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.kill(running.pid, number)
        if _wait_until_free(state, _STOP_SECONDS):
            return True
    raise WideloadError(
        "the embedded AWS does not stop",
        why=f"process {running.pid} still holds {state / 'daemon.lock'}",
    )


def environment(endpoint: Endpoint) -> dict[str, str]:
    """The environment variables that point any AWS client at this endpoint."""
    return {
        "AWS_ENDPOINT_URL": endpoint.url,
        "AWS_ACCESS_KEY_ID": endpoint.access_key,
        "AWS_SECRET_ACCESS_KEY": endpoint.secret,
        # Empty is none; a token of the user's own would spoil the keys above.
        "AWS_SESSION_TOKEN": "",
        "AWS_REGION": endpoint.region,
        "AWS_DEFAULT_REGION": endpoint.region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false",
    }


def run(
    state: Path,
    lambda_app: LambdaFactory,
    *,
    region: str,
    idle_minutes: float,
    instance: str,
    unsigned: tuple[str, ...] = (),
    listening: Callable[[Server], None],
) -> None:
    """Serve a state folder in this process, recorded so that :func:`status` finds it.

    :raises WideloadError: another process serves it already.
    """
    _need_extra()
    from wideload.local.server import serve  # noqa: PLC0415

    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    _hold(state / "daemon.lock")
    instance = instance or secrets.token_hex(8)

    def record(server: Server) -> None:
        running = Running(os.getpid(), server.port, instance, __version__, region)
        fresh = state / "daemon.json.new"
        fresh.write_bytes(msgspec.json.encode(running))
        fresh.replace(state / "daemon.json")
        listening(server)

    before = _recorded(state)
    serve(
        state,
        lambda_app,
        port=_free_or_any(before.port if before else 0),
        region=region,
        idle_minutes=idle_minutes,
        instance=instance,
        unsigned=unsigned,
        listening=record,
    )


def _free_or_any(port: int) -> int:
    """The port, if nobody has it; 0 otherwise."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            return 0
    return port


def _start(state: Path, region: str, idle_minutes: float, command: Sequence[str]) -> Running:
    if not _wait_until_free(state, _STOP_SECONDS):
        # It holds the lock but does not answer: it hangs, or is only just ending.
        stop(state)
    instance = secrets.token_hex(8)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    with (state / "daemon.log").open("ab") as log:
        at = log.tell()
        process = subprocess.Popen(
            [
                *command,
                str(state),
                f"--region={region}",
                f"--idle-minutes={idle_minutes}",
                f"--instance={instance}",
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd=state,
            env=environ,
        )
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end:
        code = process.poll()
        if code is not None:
            raise _failed(state, at, f"it ended with code {code}")
        running = _recorded(state)
        if running is not None and running.instance == instance and _answers(running):
            return running
        time.sleep(_POLL_SECONDS)
    process.kill()
    raise _failed(state, at, f"it did not answer within {_START_SECONDS:.0f} s")


def _failed(state: Path, at: int, what: str) -> WideloadError:
    log = state / "daemon.log"
    tail = log.read_bytes()[at:][-_TAIL:].decode(errors="replace").strip()
    return WideloadError(
        "the embedded AWS does not start", why=f"{what}\n{tail}".strip(), hint=f"see {log}"
    )


def _recorded(state: Path) -> Running | None:
    try:
        return msgspec.json.decode((state / "daemon.json").read_bytes(), type=Running)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def _answers(running: Running) -> bool:
    try:
        answer = urllib3.request(
            "GET", f"{running.url}/_wideload/health", timeout=_HEALTH_SECONDS, retries=False
        )
        health = msgspec.json.decode(answer.data, type=dict[str, object])
    except (urllib3.exceptions.HTTPError, msgspec.DecodeError):
        return False
    return health.get("instance") == running.instance


def _is_locked(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _hold(path: Path) -> None:
    """Lock a file for as long as this process lives."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    end = time.monotonic() + _HOLD_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            # Whoever only looks whether it is locked holds it for a moment too.
            if time.monotonic() > end:
                raise WideloadError(
                    "the embedded AWS is running already", why=f"another process holds {path}"
                ) from None
            time.sleep(_POLL_SECONDS)
        else:
            return


def _wait_until_free(state: Path, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while _is_locked(state / "daemon.lock"):
        if time.monotonic() > end:
            return False
        time.sleep(_POLL_SECONDS)
    return True


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _need_extra() -> None:
    missing = [name for name in ("awscrt", "cheroot", "moto") if find_spec(name) is None]
    if missing:
        raise WideloadError(
            "the embedded AWS is not installed",
            why=f"there is no {' and no '.join(missing)}",
            hint="pip install 'wideload[local]'",
        )
