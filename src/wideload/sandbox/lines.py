"""The words in which Lambda tells what became of an invocation: log lines and documents."""

from __future__ import annotations

import json
import math
import signal
from datetime import UTC, datetime

EXIT_ERROR = "Runtime.ExitError"
ENTRY_ERROR = "Runtime.InvalidEntrypoint"


def exit_message(code: int) -> str:
    """How a process ended, as Lambda words it, from its exit code as a shell gives it."""
    if code == 0:
        return "Runtime exited without providing a reason"
    # 129 is what the Node.js runtimes exit with, and nobody sends SIGHUP.
    if code > 129 and (words := signal.strsignal(code - 128)):
        return f"Runtime exited with error: signal: {words.lower()}"
    return f"Runtime exited with error: exit status {code}"


def exit_document(request_id: str, message: str, error_type: str = EXIT_ERROR) -> bytes:
    """The answer to an invocation whose process ended, or could not be started."""
    return _document(error_type, f"RequestId: {request_id} Error: {message}")


def timeout_document(request_id: str, timeout: int) -> bytes:
    """The answer to an invocation that ran out of time."""
    return _document(
        "Sandbox.Timedout",
        f"RequestId: {request_id} Error: Task timed out after {timeout:.2f} seconds",
    )


def too_large_document(limit: int) -> bytes:
    """The answer to an invocation whose response is over the limit, in bytes."""
    return _document(
        "Function.ResponseSizeTooLarge",
        f"Response payload size exceeded maximum allowed payload size ({limit} bytes).",
    )


def start(request_id: str, version: str) -> str:
    """The line before the function's own."""
    return f"START RequestId: {request_id} Version: {version}\n"


def exited(request_id: str, message: str, error_type: str = EXIT_ERROR) -> str:
    """The lines of a process that ended, or could not be started."""
    return f"RequestId: {request_id} Error: {message}\n{error_type}\n"


def timed_out(request_id: str, timeout: int) -> str:
    """The lines of an invocation that ran out of time."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
    return f"{now}Z {request_id} Task timed out after {timeout:.2f} seconds\n\n"


def init_report(milliseconds: float, phase: str, status: str, error_type: str = "") -> str:
    """The line of an init that did not succeed; Lambda writes none for one that did."""
    fields = [f"Init Duration: {milliseconds:.2f} ms", f"Phase: {phase}", f"Status: {status}"]
    if error_type:
        fields.append(f"Error Type: {error_type}")
    return "INIT_REPORT " + "\t".join(fields) + "\n"


def restore_report(milliseconds: float) -> str:
    """The line of a restore from a snapshot."""
    return f"RESTORE_REPORT Restore Duration: {milliseconds:.2f} ms\n"


def billed(duration_ms: float, init_ms: float | None) -> int:
    """Milliseconds billed: init and duration together, rounded up.

    Init counts for every kind of function since 2025-08-01.
    """
    return math.ceil(duration_ms + (init_ms or 0))


def report(
    request_id: str,
    *,
    duration_ms: float,
    init_ms: float | None,
    memory: int,
    max_memory: int,
    restore_ms: float | None = None,
    status: str = "",
    error_type: str = "",
) -> str:
    """The END and REPORT lines."""
    fields = [
        f"REPORT RequestId: {request_id}",
        f"Duration: {duration_ms:.2f} ms",
        f"Billed Duration: {billed(duration_ms, init_ms)} ms",
        f"Memory Size: {memory} MB",
        f"Max Memory Used: {max_memory} MB",
    ]
    if init_ms is not None:
        fields.append(f"Init Duration: {init_ms:.2f} ms")
    if restore_ms is not None:
        fields.append(f"Restore Duration: {restore_ms:.2f} ms")
    if status:
        fields.append(f"Status: {status}")
    if error_type:
        fields.append(f"Error Type: {error_type}")
    return f"END RequestId: {request_id}\n" + "\t".join(fields) + "\t\n"


def _document(error_type: str, message: str) -> bytes:
    return json.dumps(
        {"errorType": error_type, "errorMessage": message}, separators=(",", ":")
    ).encode()
