"""Work on several functions at once, where one that fails leaves the others whole."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from wideload.errors import WideloadError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

JOBS = 4
"""Functions that are worked on at once, if nobody says how many."""


def error_of(work: Callable[[], object]) -> WideloadError | None:
    """Why it failed, if it did; a defect of ours counts as a failure as well."""
    try:
        work()
    except WideloadError as error:
        return error
    except Exception as error:
        return WideloadError(
            f"unexpected: {type(error).__name__}: {error}",
            hint="this is a defect of wideload; run it for this function alone with --debug",
        )
    return None


def in_threads(work: Callable[[str], object], names: Iterable[str], jobs: int) -> None:
    """Do it for each, at most so many at once. An interrupt begins no other."""
    if jobs == 1:
        for name in names:
            work(name)
        return
    with ThreadPoolExecutor(jobs, "wideload") as pool:
        try:
            for _ in pool.map(work, names):
                pass
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
