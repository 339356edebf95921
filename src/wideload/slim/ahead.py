"""What no rule decides on, begun while wheels still arrive: code is read, libraries are laid anew.

Everything that is found out or made lies in the cache when it is wanted. So this changes when
things are done, never what comes of them.
"""

from __future__ import annotations

import contextlib
import os
from concurrent.futures import Future, wait
from pathlib import Path
from typing import TYPE_CHECKING, Self

from wideload.cache import Cache
from wideload.errors import WideloadError
from wideload.slim import derive
from wideload.slim.elf.facts import facts_of_wheels
from wideload.slim.survey import known_survey, survey_wheels
from wideload.slim.workers import processes
from wideload.slim.workshop import Workshop
from wideload.values.layout import wheel_entries

if TYPE_CHECKING:
    from types import TracebackType

    from wideload.values.resolution import Wheel
    from wideload.values.target import Target

_SMALL = 1_000_000
"""Bytes of a wheel that is read faster than a process for it starts."""


class SlimAhead:
    """Begins on each wheel as it arrives. A context manager: leaving it ends all work.

    :param whole: whether all libraries of a wheel are likely to ship.
    """

    def __init__(self, target: Target, cache: Cache, *, whole: bool = True) -> None:
        self.paths: dict[str, Path] = {}
        """Where the wheels lie that have arrived, by sha256."""
        self.workshop = Workshop(target, cache, self.paths)
        self._cache = cache
        self._whole = whole
        # Reading code holds the interpreter: half of the processors for it, half for the rest.
        self._readers = processes(max(1, len(os.sched_getaffinity(0)) // 2))
        self._reading: list[Future[None]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._readers.shutdown(cancel_futures=True)
        self.workshop.__exit__(kind, error, trace)

    def arrived(self, wheel: Wheel, path: Path) -> None:
        """Begin on a wheel, unless that was done. From any thread."""
        if self.paths.setdefault(wheel.sha256, path) is not path:
            return
        if wheel.size > _SMALL and known_survey(wheel, self._cache) is None:
            self._reading.append(self._readers.submit(_read, wheel, path, self._cache.root))
        if self._whole:
            self.workshop.begin([derive.libraries(wheel_entries(wheel))])

    def finish_reading(self) -> None:
        """Wait for the code that is being read."""
        wait(self._reading)


def _read(wheel: Wheel, path: Path, root: Path) -> None:
    """Runs in another process; what is wrong with the wheel is said by whoever reads it next."""
    cache, paths = Cache(root), {wheel.sha256: path}
    with contextlib.suppress(WideloadError):
        survey_wheels([wheel], paths, cache)
        facts_of_wheels([wheel], cache, paths)
