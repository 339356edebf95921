"""Looks at and signals the processes of an environment from outside, without control groups."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path


def descendants(pid: int) -> list[int]:
    """This process and all below it, as far as they are alive."""
    found = [pid]
    for parent in found:
        for children in Path(f"/proc/{parent}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                found += [int(child) for child in children.read_text().split()]
    return found


def signal_all(pid: int, number: int) -> None:
    """Signal this process and all below it, until none is new."""
    if pid <= 0:  # to the kernel that would be a group of processes, this one's own
        return
    done: set[int] = set()
    while new := set(descendants(pid)) - done:
        for each in new:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(each, number)
        done |= new


def tmp_in_use(pids: list[int]) -> int | None:
    """Bytes in use of the /tmp that these processes see; nothing where it cannot be looked at."""
    for pid in reversed(pids):
        with contextlib.suppress(OSError):
            found = os.statvfs(Path("/proc", str(pid), "root", "tmp"))
            return (found.f_blocks - found.f_bfree) * found.f_frsize
    return None


def peak_memory(pids: list[int]) -> int:
    """The sum of the most memory that each of these processes ever had resident, in bytes."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            status = Path(f"/proc/{pid}/status").read_text()
            match = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
            total += int(match[1]) << 10 if match else 0
    return total
