"""The cold frames of a bundle, fetched when something wants them."""

from __future__ import annotations

import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .fetching import Fetching
    from .folder import Folder
    from .index import Index
    from .unpacking import Unpacking


class Cold:
    """Which of them were asked for, and which are there, for one process that unpacks.

    :param reused: called with the number of a frame whose files are all there already.
    """

    def __init__(
        self,
        index: Index,
        folder: Folder,
        unpacking: Unpacking,
        fetching: Fetching,
        reused: Callable[[int], None],
    ) -> None:
        self._index, self._folder = index, folder
        self._unpacking, self._fetching = unpacking, fetching
        self._reused = reused
        self._lock = threading.Lock()
        self._asked: set[int] = set()
        self._out: set[int] = set()

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way."""
        with self._lock:
            return not self._out

    def want(self, frames: Iterable[int]) -> None:
        """Fetch what lacks of these, and of the files that they hold a part of.

        :raises BundleError: /tmp has not the room.
        """
        cold = {frame for frame in frames if frame >= self._index.hot}
        new = sorted(self._unpacking.together(cold) - self._asked)
        self._asked.update(new)
        lacking = []
        for frame in new:
            # A process before this one may have had it, and been killed before it said so.
            if self._unpacking.survey(frame):
                self._reused(frame)
            else:
                lacking.append(frame)
        if lacking:
            self._folder.room(sum(self._index.frames[frame][3] for frame in lacking))
            with self._lock:
                self._out.update(lacking)
            self._fetching.want(lacking)

    def arrived(self, frame: int) -> None:
        """The files of a frame are there."""
        with self._lock:
            self._out.discard(frame)
