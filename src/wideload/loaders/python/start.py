"""Starts the function: its packages come while its module is imported."""

# ruff: noqa: PTH104, PTH120, PTH123 - importing pathlib would take longer than all that is done here

from __future__ import annotations

import importlib
import json
import os
import sys
import time

from .engine import launch
from .finder import Modules, install
from .index import Index
from .trouble import BundleError
from .waiting import Waiting

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from typing import Any

_INIT_S = 9.0
"""Of the ten seconds that Lambda grants, what is used for more than the import.
https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html"""
_TIMINGS = "WIDELOAD_TIMINGS"
"""Environment variable: where it is set, a line of JSON on standard error says how it went."""


def start(home: str) -> Callable[..., Any]:
    """The function's own handler, all that it needs being there or on its way.

    :param home: the loader's folder in the function's zip.
    :raises BundleError: the bundle cannot be had.
    """
    began = time.monotonic()
    with open(f"{home}/function.json", "rb") as file:
        function = json.loads(file.read())
    root = f"{function['folder']}/wideload-{function['bundle'][:32]}"
    # Lambda ran out of time once already: what it now takes is the caller's time.
    is_rerun = os.path.lexists(root)
    first = launch(home, root)
    launches = iter([first])
    index = Index.read(home)

    def launched(cold: bool) -> socket.socket:
        return next(launches, None) or launch(home, root, cold=cold)

    waiting = Waiting(launched, index)
    modules = Modules(f"{root}/tree", index, waiting)
    task = os.environ.get("LAMBDA_TASK_ROOT") or os.path.dirname(home)
    at = sys.path.index(task) if task in sys.path else 0
    install(modules, at if index.own else at + 1, has_cold=index.has_cold)
    if index.own or not _metadata(index).issuperset(index.first):
        waiting.until(index.first or range(index.hot))
    if index.own:
        _lay(index.own, task, root)
        os.environ["LAMBDA_TASK_ROOT"] = modules.tree
        os.chdir(modules.tree)
    _read_pth(index, modules)
    os.environ["_HANDLER"] = function["handler"]
    handler = _handler(function["handler"])
    imported = time.monotonic()
    kind = os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
    deadline = None
    if kind == "on-demand":
        deadline = time.monotonic() if is_rerun else began + _INIT_S - _age(began)
    if waiting.raised is not None:
        # Somebody may have taken it for a package that is not installed.
        raise waiting.raised
    is_whole = waiting.finish(deadline)
    if kind != "on-demand":
        # Nobody waits for this init, so that nobody has to wait later.
        waiting.everything()
    if kind == "snap-start":
        _after_restore(home, root, index)
    if index.has_cold:
        waiting.metrics.started(time.monotonic() - began)
    if os.environ.get(_TIMINGS):
        _tell(began, imported, waiting, is_whole)
    return handler


def _handler(name: str) -> Callable[..., Any]:
    """What Lambda itself would have called."""
    module, _, attribute = name.rpartition(".")
    found = importlib.import_module(module.replace("/", "."))
    try:
        handler: Callable[..., Any] = vars(found)[attribute]
    except KeyError:
        raise BundleError(
            f"handler {attribute!r} missing on module {module!r}",
            hint="set `handler` in wideload.toml to module.function",
        ) from None
    return handler


def _lay(paths: list[str], task: str, root: str) -> None:
    """Lay the files of the function's zip beside those of the bundle."""
    for number, path in enumerate(paths):
        temporary = f"{root}/own-{os.getpid()}-{number}"
        with open(f"{task}/{path}", "rb") as source:
            data = source.read()
            mode = os.fstat(source.fileno()).st_mode & 0o755
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with open(os.open(temporary, flags, 0o600), "wb") as copy:
            copy.write(data)
            os.fchmod(copy.fileno(), mode)
        os.rename(temporary, f"{root}/tree/{path}")


def _metadata(index: Index) -> set[int]:
    """Frames of the distributions' metadata, which who asks for it waits for by himself."""
    return {file[1] for file in index.files if ".dist-info/" in file[0] or ".egg-info/" in file[0]}


def _read_pth(index: Index, modules: Modules) -> None:
    """What Lambda does with the .pth files of /var/task."""
    names = [file[0] for file in index.files if "/" not in file[0] and file[0].endswith(".pth")]
    if names:
        import site  # noqa: PLC0415 (rarely wanted)

        for name in sorted(names):
            site.addpackage(modules.tree, name, None)


def _age(now: float) -> float:
    """Seconds that this process has been there."""
    try:
        with open("/proc/self/stat", encoding="ascii", errors="replace") as file:
            ticks = int(file.read().rpartition(")")[2].split()[19])
        boot = time.clock_gettime(time.CLOCK_BOOTTIME)
        return max(0.0, boot - (time.monotonic() - now) - ticks / os.sysconf("SC_CLK_TCK"))
    except (OSError, ValueError, IndexError):
        return 1.0


def _after_restore(home: str, root: str, index: Index) -> None:
    """After each restore of a snapshot, see that /tmp is what it was."""
    hooks = importlib.import_module("snapshot_restore_py")

    def check() -> None:
        waiting = Waiting(lambda cold: launch(home, root, cold=cold), index)
        waiting.everything()

    hooks.register_after_restore(check)


def _tell(began: float, imported: float, waiting: Waiting, is_whole: bool) -> None:
    account = dict(waiting.account)
    moments = ("began", "first_byte", "first_frame", "fetched", "unpacked")
    told: dict[str, Any] = {
        f"{name}_ms": round((account.pop(name) - began) * 1000, 1)
        for name in moments
        if account.get(name)
    }
    told["cpu_ms"] = round(account.pop("cpu", 0) * 1000, 1)
    told |= account
    told["imported_ms"] = round((imported - began) * 1000, 1)
    told["ready_ms"] = round((time.monotonic() - began) * 1000, 1)
    told["held_ms"] = round(waiting.waited * 1000, 1)
    told["whole"] = is_whole
    print(json.dumps({"wideload": told}), file=sys.stderr, flush=True)
