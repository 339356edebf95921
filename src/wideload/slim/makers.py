"""Who answers what derived files are: one that makes them, and one that only remembers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from wideload.slim import derive
from wideload.slim.estimate import estimated
from wideload.slim.workshop import Workshop
from wideload.values.tree import WheelMember

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wideload.cache import Cache
    from wideload.slim.derive import Batch
    from wideload.slim.derived import Made
    from wideload.values.target import Target


class Maker(Protocol):
    """Answers for batches of files what is made of each file."""

    exact: bool
    """Whether every answer so far was no estimate."""

    @property
    def target(self) -> Target:
        """What it makes them for."""
        ...

    def can_compile(self, batches: Sequence[Batch]) -> bool:
        """Whether modules of all these can be had."""
        ...

    def make(self, batches: Sequence[Batch]) -> list[dict[str, Made]]:
        """What is made of the files of each batch, by path."""
        ...


class Recalling:
    """Knows what was made before, and estimates the rest.

    :param surveyed: whether the rules had all that they judge by.
    :param python: compiles the function's own modules, for which nothing has to be fetched.
    """

    def __init__(
        self, target: Target, cache: Cache, *, surveyed: bool, python: str | None = None
    ) -> None:
        self.target = target
        self.exact = surveyed
        self._cache = cache
        self._python = python

    def can_compile(self, batches: Sequence[Batch]) -> bool:  # noqa: ARG002
        """Takes it that an interpreter will be there."""
        return True

    def make(self, batches: Sequence[Batch]) -> list[dict[str, Made]]:
        """Recalled or estimated, the function's own perhaps made."""
        answers = []
        for batch in batches:
            made = derive.known(batch, self.target, self._cache)
            if made is None and self._python is not None and _is_at_hand(batch):
                with Workshop(self.target, self._cache, {}) as workshop:
                    workshop.python = self._python
                    (made,) = workshop.finish([batch])
            if made is None:
                self.exact = False
                made = estimated(batch)
            answers.append(made)
        return answers


def _is_at_hand(batch: Batch) -> bool:
    return not any(isinstance(entry.origin, WheelMember) for entry in batch.entries)


class Making:
    """Makes what was not made before.

    :param workshop: where it is made.
    :param progress: told how many bytes are done.
    """

    def __init__(
        self, target: Target, cache: Cache, workshop: Workshop, progress: Callable[[int], None]
    ) -> None:
        self.target = target
        self.exact = True
        self._cache = cache
        self._workshop = workshop
        self._progress = progress

    def can_compile(self, batches: Sequence[Batch]) -> bool:
        """Whether there is an interpreter, or all was compiled before."""
        return self._workshop.python is not None or all(
            derive.known(batch, self.target, self._cache) is not None for batch in batches
        )

    def make(self, batches: Sequence[Batch]) -> list[dict[str, Made]]:
        """Recalled or made."""
        return self._workshop.finish(batches, self._progress)
