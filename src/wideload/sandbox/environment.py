"""One execution environment: init, invocations one at a time, frozen between them."""

from __future__ import annotations

import math
import re
import secrets
import signal
import threading
import time
from typing import TYPE_CHECKING, Literal

import msgspec

from wideload.errors import WideloadError
from wideload.sandbox import lines, processes
from wideload.sandbox.runtime_api import (
    MAX_RESPONSE,
    Answered,
    Asked,
    Exited,
    InitFailed,
    Paused,
    RestoreFailed,
    RuntimeApi,
    Session,
    TooLarge,
    Work,
)
from wideload.values.environment import Initialised
from wideload.values.invocation import Invocation, Outcome

if TYPE_CHECKING:
    from wideload.relay import Relay
    from wideload.sandbox.cgroups import Group
    from wideload.sandbox.log import LogPipe
    from wideload.sandbox.supervised import Supervisor
    from wideload.values.environment import EnvironmentSpec

RESTORE_TIMEOUT = 10.0
"""Seconds that the hooks which run after a restore may take:
https://docs.aws.amazon.com/lambda/latest/dg/snapstart-runtime-hooks.html"""
MB_PER_VCPU = 1769
"""MB of memory that come with one vCPU's time; the same documentation, configuration-memory."""
INIT_VCPUS = 2.0
"""What functions of every memory size are seen to have while they initialise."""
_DEATH = 5.0
# As Lambda tells why environments that it was to keep initialised are not.
_INIT_FAILURE = "FUNCTION_ERROR_INIT_FAILURE"
_AFTER_RESTORE = "Runtime.AfterRestoreError"
_RESTORE_TIMEOUT = "Runtime.RestoreTimeout"
_NOT_RESTORED: dict[str, Literal["raised", "timed-out"]] = {
    _AFTER_RESTORE: "raised",
    _RESTORE_TIMEOUT: "timed-out",
}
# What bubblewrap says of a program that the system does not run.
_EXEC = re.compile(r"^bwrap: execvp (?P<path>.+): (?P<why>[^:\n]+)\n", re.MULTILINE)


class _Init(msgspec.Struct, frozen=True):
    """How an attempt to initialise went."""

    status: Literal["ready", "error", "timeout", "broken"]
    """``broken``: bubblewrap could not start it, which is none of the function's doing."""
    milliseconds: float
    log: str = ""
    error_type: str = ""
    document: bytes = b""
    """What the runtime itself said, where it said something."""
    exit_message: str = ""


class _Answer(msgspec.Struct, frozen=True):
    """How an attempt to run the handler went."""

    outcome: Outcome
    payload: bytes
    milliseconds: float
    ended: str = ""
    """Lines that tell of its end, where it has one of its own."""
    status: str = ""
    error_type: str = ""


class LinuxEnvironment:
    """An execution environment on this machine; made by `LinuxSandbox.start`."""

    def __init__(
        self,
        spec: EnvironmentSpec,
        supervisor: Supervisor,
        program: list[str],
        *,
        refusal: str,
        api: RuntimeApi,
        pumps: list[Relay],
        group: Group,
        log: LogPipe,
        missing: tuple[str, ...],
        init_timeout: float,
    ) -> None:
        self._spec = spec
        self._supervisor = supervisor
        self._program = program
        self._refusal = refusal
        self._api = api
        self._pumps = pumps
        self._group = group
        self._log = log
        self._missing = missing
        self._lock = threading.Lock()
        self._closing = threading.Lock()
        self._closed = False
        self._running = False
        self._frozen = False
        self._paused = False
        """Initialised, and waiting where Lambda would take a snapshot."""
        self._init: _Init | None = None
        self._oom_kills = 0
        self._initialising = threading.Thread(
            target=self._first_init, args=(init_timeout,), daemon=True
        )
        self._initialising.start()

    @property
    def alive(self) -> bool:
        """Whether it can serve another invocation; a crash or a time-out ends it."""
        return not self._closed

    def invoke(
        self, event: bytes, request_id: str, *, client_context: str = "", qualifier: str = ""
    ) -> Invocation:
        """Run the handler once, as `ExecutionEnvironment.invoke`.

        :raises RuntimeError: the environment is not alive any more.
        :raises WideloadError: bubblewrap could not set the sandbox up.
        """
        with self._lock:
            self._initialising.join()
            if self._closed:
                raise RuntimeError("the environment has ended")
            began = time.perf_counter()
            deadline = began + self._spec.timeout
            first, self._init = self._init, None
            text = first.log if first else ""
            init_ms = first.milliseconds if first and first.status == "ready" else None
            failed = None
            if not self._running:
                again = self._initialise(deadline, "invoke")
                text += again.log
                failed = again if again.status != "ready" else None
            restore_ms = None
            if self._paused and failed is None:
                restored = self._restore()
                text += restored.log + lines.restore_report(restored.milliseconds)
                init_ms, restore_ms = None, restored.milliseconds
                failed = restored if restored.status != "ready" else None
                began = time.perf_counter()
                deadline = began + self._spec.timeout
            text += lines.start(request_id, self._spec.version)
            if failed is None:
                answer = self._run(
                    self._work(event, request_id, client_context, qualifier, deadline),
                    began,
                    deadline,
                )
            else:
                answer = self._not_initialised(failed, request_id)
            invocation = self._conclude(answer, request_id, text, init_ms, restore_ms)
            # An init that failed is tried again by the next invocation; all else is the end.
            if not self._running and not (failed and failed.status == "error"):
                self.close()
            return invocation

    def await_init(self) -> None:
        """Wait until init is over, whatever came of it, without an invocation."""
        self._initialising.join()

    def initialised(self) -> Initialised:
        """Wait until init is over, as `ExecutionEnvironment.initialised`."""
        self._initialising.join()
        init = self._init
        if init is None or init.status == "ready":
            return Initialised()
        return Initialised(_INIT_FAILURE, init.log)

    def close(self) -> None:
        """End all processes and give back everything; safe to call more than once."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
        self._thaw()
        self._supervisor.close()
        self._initialising.join()
        self._api.close()
        for pump in self._pumps:
            pump.close()
        self._log.close()
        self._group.remove()

    def _first_init(self, timeout: float) -> None:
        init = self._initialise(time.perf_counter() + timeout, "init")
        self._init = init
        if init.status == "ready":
            self._freeze()

    def _initialise(self, deadline: float, phase: str) -> _Init:
        session = self._api.restart()
        self._group.limit_cpu(max(INIT_VCPUS, self._spec.memory / MB_PER_VCPU))
        began = time.perf_counter()
        if self._refusal:
            return _not_started(self._refusal, "", phase, began)
        self._supervisor.start(self._program)
        failed = InitFailed(b"", lines.EXIT_ERROR)
        while True:
            got = session.wait(deadline)
            now = got[0] if got else time.perf_counter()
            spent = (now - began) * 1000
            match got[1] if got else None:
                case None:
                    self._kill(session)
                    log = self._log.take() + lines.init_report(spent, phase, "timeout")
                    return _Init("timeout", spent, log)
                case (Asked() | Paused()) as ready:
                    self._running = True
                    self._paused = isinstance(ready, Paused)
                    return _Init("ready", spent, self._log.take())
                case InitFailed() as failed:
                    pass
                case Exited(code=None):
                    log = self._log.take()
                    unfit = _EXEC.search(log)
                    if unfit is None:
                        return _Init("broken", spent, log)
                    why = f"fork/exec {unfit['path']}: {unfit['why'].lower()}"
                    return _not_started(why, log.replace(unfit[0], ""), phase, began)
                case Exited(code=int(code)):
                    message = lines.exit_message(code)
                    log = self._log.take()
                    log += lines.init_report(spent, phase, "error", failed.error_type)
                    return _Init("error", spent, log, failed.error_type, failed.body, message)
                case _:
                    continue

    def _restore(self) -> _Init:
        """Resume the runtime where a snapshot would have been taken, and wait for its hooks."""
        self._paused = False
        session = self._api.session
        began = time.perf_counter()
        self._thaw()
        session.restore()
        document = b""
        while True:
            got = session.wait(began + RESTORE_TIMEOUT)
            spent = ((got[0] if got else time.perf_counter()) - began) * 1000
            match got[1] if got else None:
                case None:
                    self._kill(session)
                    why = f"Restore timed out after {RESTORE_TIMEOUT:.2f} seconds"
                    return _Init("error", spent, self._log.take(), _RESTORE_TIMEOUT, b"", why)
                case Asked():
                    return _Init("ready", spent, self._log.take())
                case RestoreFailed(body=document):
                    pass
                case Exited(code=code):
                    self._running = False
                    why = lines.exit_message(code or 0)
                    return _Init("error", spent, self._log.take(), _AFTER_RESTORE, document, why)
                case _:
                    continue

    def _not_initialised(self, init: _Init, request_id: str) -> _Answer:
        if init.status == "broken":
            self.close()
            raise WideloadError("the sandbox could not be started", why=init.log.strip())
        if init.status == "timeout":
            return self._timed_out(request_id)
        if init.document:
            return _Answer(
                Outcome.CRASHED, init.document, init.milliseconds, "", "error", init.error_type
            )
        return self._exited(
            request_id, init.exit_message, init.milliseconds, init.error_type or lines.EXIT_ERROR
        )

    def _run(self, work: Work, began: float, deadline: float) -> _Answer:
        self._group.limit_cpu(self._spec.memory / MB_PER_VCPU)
        self._thaw()
        session = self._api.session
        session.offer(work)
        answer: _Answer | None = None
        while True:
            got = session.wait(deadline)
            spent = ((got[0] if got else time.perf_counter()) - began) * 1000
            match got[1] if got else None:
                case Answered(body=body, failed=failed):
                    outcome = Outcome.HANDLED if failed else Outcome.SUCCESS
                    answer = _Answer(outcome, body, spent)
                case TooLarge():
                    document = lines.too_large_document(MAX_RESPONSE)
                    answer = _Answer(Outcome.HANDLED, document, spent)
                case Asked():
                    self._freeze()
                    if answer is not None:
                        return answer
                    raise AssertionError("the runtime asked for work without having answered")
                case Exited(code=code):
                    self._running = False
                    message = lines.exit_message(code or 0)
                    if answer is None:
                        return self._exited(work.request_id, message, spent)
                    ended = lines.exited(work.request_id, message)
                    return msgspec.structs.replace(answer, ended=ended)
                case None:
                    self._kill(session)
                    return answer or self._timed_out(work.request_id)
                case _:
                    continue

    def _work(
        self, event: bytes, request_id: str, client_context: str, qualifier: str, deadline: float
    ) -> Work:
        spec = self._spec
        remaining = deadline - time.perf_counter()
        now = time.time()
        arn = f"arn:aws:lambda:{spec.region}:{spec.account}:function:{spec.function}"
        suffix = qualifier or ("" if spec.version == "$LATEST" else spec.version)
        root = f"1-{int(now):08x}-{secrets.token_hex(12)}"
        return Work(
            request_id,
            event,
            deadline_ms=int((now + remaining) * 1000),
            function_arn=f"{arn}:{suffix}" if suffix else arn,
            trace_id=f"Root={root};Parent={secrets.token_hex(8)};Sampled=0",
            client_context=client_context,
        )

    def _exited(
        self, request_id: str, message: str, spent: float, error_type: str = lines.EXIT_ERROR
    ) -> _Answer:
        return _Answer(
            Outcome.CRASHED,
            lines.exit_document(request_id, message, error_type),
            spent,
            lines.exited(request_id, message, error_type),
            "error",
            "Runtime.OutOfMemory" if self._ran_out_of_memory() else error_type,
        )

    def _timed_out(self, request_id: str) -> _Answer:
        timeout = self._spec.timeout
        return _Answer(
            Outcome.TIMED_OUT,
            lines.timeout_document(request_id, timeout),
            timeout * 1000.0,
            lines.timed_out(request_id, timeout),
            "timeout",
        )

    def _conclude(
        self,
        answer: _Answer,
        request_id: str,
        text: str,
        init_ms: float | None,
        restore_ms: float | None,
    ) -> Invocation:
        text += self._log.take() + answer.ended
        max_memory = self._max_memory()
        tmp_bytes = processes.tmp_in_use(processes.descendants(self._supervisor.inner))
        text += lines.report(
            request_id,
            duration_ms=answer.milliseconds,
            init_ms=init_ms,
            restore_ms=restore_ms,
            memory=self._spec.memory,
            max_memory=max_memory,
            status=answer.status,
            error_type=answer.error_type,
        )
        return Invocation(
            request_id=request_id,
            outcome=answer.outcome,
            payload=answer.payload,
            log=text,
            duration_ms=answer.milliseconds,
            billed_ms=lines.billed(answer.milliseconds, init_ms),
            init_ms=init_ms,
            max_memory_mb=max_memory,
            tmp_bytes=tmp_bytes if self._running else None,
            not_restored=_NOT_RESTORED.get(answer.error_type),
            missing=self._missing,
        )

    def _kill(self, session: Session) -> None:
        self._thaw()
        self._supervisor.kill()
        limit = time.perf_counter() + _DEATH
        while got := session.wait(limit):
            if isinstance(got[1], Exited):
                break
        self._running = False

    def _ran_out_of_memory(self) -> bool:
        kills = self._group.out_of_memory()
        ran_out = kills > self._oom_kills
        self._oom_kills = kills
        return ran_out

    def _max_memory(self) -> int:
        """MB, rounded up.

        The group's own count has what is of the kernel and of files in it, and that of the
        processes what the files are that other environments brought in: the larger one.
        """
        pids = self._group.pids() or processes.descendants(self._supervisor.inner)
        used = max(self._group.peak(), processes.peak_memory(pids))
        megabytes = math.ceil(used / (1 << 20))
        return min(megabytes, self._spec.memory) if self._group.holds("memory") else megabytes

    def _freeze(self) -> None:
        if self._closed or self._frozen:
            return
        self._frozen = True
        if self._group.holds("freezer"):
            self._group.freeze()
        else:
            processes.signal_all(self._supervisor.inner, signal.SIGSTOP)

    def _thaw(self) -> None:
        if not self._frozen:
            return
        self._frozen = False
        if self._group.holds("freezer"):
            self._group.thaw()
        else:
            processes.signal_all(self._supervisor.inner, signal.SIGCONT)


def _not_started(why: str, log: str, phase: str, began: float) -> _Init:
    """There was nothing that could be run."""
    spent = (time.perf_counter() - began) * 1000
    log += lines.init_report(spent, phase, "error", lines.ENTRY_ERROR)
    return _Init("error", spent, log, lines.ENTRY_ERROR, exit_message=why)
