"""Work spread over the processors of this machine."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import ProcessPoolExecutor

Job = TypeVar("Job")
Answer = TypeVar("Answer")

_SMALL = 2_000_000
"""Bytes of work below which starting processes costs more than it saves."""


def each(work: Callable[[Job], Answer], jobs: Sequence[Job], size: int) -> Iterator[Answer]:
    """The answer to each job, in order, as they come.

    :param work: a function of a module, so that another process finds it.
    :param size: bytes of work in all.
    """
    count = min(len(jobs), len(os.sched_getaffinity(0)))
    if count < 2 or size < _SMALL:
        yield from map(work, jobs)
        return
    with processes(count) as pool:
        yield from pool.map(work, jobs)


def processes(count: int) -> ProcessPoolExecutor:
    """As many processes, started as they are needed, which end when this one does, killed too."""
    # Most runs start none, and to import these takes a while.
    from concurrent.futures import ProcessPoolExecutor  # noqa: PLC0415
    from multiprocessing import get_context  # noqa: PLC0415

    # Not forked: threads of this process, of a progress bar, say, must not be copied.
    return ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=_end_with_parent)


def _end_with_parent() -> None:
    threading.Thread(target=_await_end, daemon=True).start()


def _await_end() -> None:
    from multiprocessing import parent_process  # noqa: PLC0415

    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
