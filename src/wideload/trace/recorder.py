"""Runs a function under the tracer and writes down what of its package it uses, and when."""

from __future__ import annotations

import hashlib
import os
import posixpath
import tempfile
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec

from wideload.errors import WideloadError
from wideload.trace import strace
from wideload.trace.paths import as_source, in_package
from wideload.values.environment import ExecutionEnvironment, Mount
from wideload.values.invocation import Outcome
from wideload.values.profile import INIT, PROFILE_SCHEMA, Profile, TracedEvent, Use, UsedPath

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from wideload.values.environment import EnvironmentSpec
    from wideload.values.invocation import Invocation
    from wideload.values.verdict import Case

INIT_TIMEOUT = 300.0
"""Seconds that init may take in a sandbox that is traced in. A second init, as Lambda begins
after ten seconds, would be taken for the first event's."""
_TIMEOUT = 900
_INSIDE = "/mnt/wideload-trace"
_LOG = "strace.log"
_SHOWN = 2000
_RANK: dict[Use, int] = {"list": 0, "stat": 1, "open": 2}


class TracedEnvironment(ExecutionEnvironment, Protocol):
    """An environment whose init can be waited for."""

    def await_init(self) -> None:
        """Wait until init is over, whatever came of it."""
        ...


class TracingSandbox(Protocol):
    """Starts environments that keep to `EnvironmentSpec.wrapper`."""

    def start(self, spec: EnvironmentSpec) -> TracedEnvironment:
        """As `Sandbox.start`."""
        ...


def trace_function(
    sandbox: TracingSandbox,
    spec: EnvironmentSpec,
    cases: Sequence[Case],
    packages: Iterable[str],
) -> Profile:
    """Run init and each event once, one after the other, and tell what was used.

    :param sandbox: one that gives init the time of `INIT_TIMEOUT`.
    :param spec: of the function as it will run, nothing being left out that it might use.
    :param packages: ``name==version`` of what its package was made from.
    :raises WideloadError: there is no event, no tracer, or the function fails with one.
    """
    if not cases:
        raise WideloadError(
            f"no event to trace {spec.function} with",
            why="what only its import uses is not what it needs to run",
            hint="give one with --event FILE, or put event.json into the function's folder",
        )
    names = _unique([case.name for case in cases])
    package = _Package(spec)
    with tempfile.TemporaryDirectory(prefix="wideload-trace-") as folder:
        # The function runs as another user.
        Path(folder).chmod(0o755)
        log = Path(folder) / _LOG
        log.touch()
        log.chmod(0o666)
        environment = sandbox.start(_traced(spec, folder))
        try:
            reader = strace.Reader(log, "/var/task")
            # The tracer is frozen with the function, so what it wrote is all of a phase.
            environment.await_init()
            package.note(reader.read(), INIT)
            for name, case in zip(names, cases, strict=True):
                answer = environment.invoke(case.event, str(uuid.uuid4()))
                _check(answer, spec.function, name, log)
                package.note(reader.read(), name)
        finally:
            environment.close()
    return Profile(
        schema=PROFILE_SCHEMA,
        function=spec.function,
        target=spec.target,
        packages=tuple(sorted(packages)),
        events=tuple(
            TracedEvent(name, hashlib.sha256(case.event).hexdigest())
            for name, case in zip(names, cases, strict=True)
        ),
        entries=package.used(),
    )


class _Package:
    """The files that lie at /var/task and /opt, and what was done with them."""

    def __init__(self, spec: EnvironmentSpec) -> None:
        self._files: set[str] = set()
        self._folders: set[str] = set()
        for root, inside in ((spec.task, "/var/task"), *((one, "/opt") for one in spec.layers)):
            for folder, _, names in os.walk(root):
                place = posixpath.normpath(f"{inside}/{os.path.relpath(folder, root)}")
                self._folders.add(place)
                self._files.update(f"{place}/{name}" for name in names)
        self._used: dict[str, UsedPath] = {}

    def note(self, accesses: Iterable[strace.Access], phase: str) -> None:
        """Write down what belongs to the package."""
        for access in accesses:
            known = self._folders if access.use == "list" else self._files
            path = in_package(access.path) if access.path in known else None
            if path is None:
                continue
            path = as_source(path)
            before = self._used.get(path)
            if before is None:
                self._used[path] = UsedPath(path, phase, access.use)
            elif _RANK[access.use] > _RANK[before.use]:
                self._used[path] = msgspec.structs.replace(before, use=access.use)

    def used(self) -> tuple[UsedPath, ...]:
        """In the order of first use."""
        return tuple(self._used.values())


def _traced(spec: EnvironmentSpec, folder: str) -> EnvironmentSpec:
    return msgspec.structs.replace(
        spec,
        wrapper=strace.command(strace.tracer(), f"{_INSIDE}/{_LOG}"),
        mounts=(*spec.mounts, Mount(folder, _INSIDE)),
        timeout=_TIMEOUT,
        # The order in which a set is gone through decides what is imported first.
        environment={"PYTHONHASHSEED": "0", **spec.environment},
    )


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    taken = [INIT]
    for name in names:
        number, unique = 2, name
        while unique in taken:
            unique = f"{name} ({number})"
            number += 1
        taken.append(unique)
    return tuple(taken[1:])


def _check(answer: Invocation, function: str, event: str, log: Path) -> None:
    if answer.outcome is Outcome.SUCCESS:
        return
    if not log.stat().st_size:
        raise WideloadError(
            "this machine does not let a function be traced",
            why=answer.log.strip()[-_SHOWN:],
            hint="strace must be allowed to trace its own children (ptrace): see "
            "/proc/sys/kernel/yama/ptrace_scope, and the seccomp profile of a container",
        )
    raise WideloadError(
        f"{function} fails with {event}, so nothing is to be learnt of what it needs",
        why=f"{answer.outcome}: {answer.payload.decode(errors='replace')[:_SHOWN]}",
        hint="`wideload verify` shows the same failure with Lambda's own limits",
    )
