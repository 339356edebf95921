"""Leaves garbage alone while packages are imported: what they make is there to stay."""

from __future__ import annotations

import gc
import threading


class Garbage:
    """A context, entered again by each module that is imported within another's import.

    Within it Python does not look for garbage, which would cost a twentieth of an import of
    large packages. When the outermost is left, what was made counts as old; none of it is kept
    from being collected later. Nothing is done where the function has a mind of its own: where
    it has switched collecting off, changed its thresholds, or frozen what there is.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._depth = 0
        self._usual: tuple[int, int, int] | None = None
        self._ours = (0, 0, 0)

    def __enter__(self) -> None:
        with self._lock:
            self._depth += 1
            if self._depth == 1 and gc.isenabled() and not gc.get_freeze_count():
                self._usual = gc.get_threshold()
                gc.set_threshold(0)
                self._ours = gc.get_threshold()

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._depth -= 1
            if self._depth or self._usual is None:
                return
            if gc.get_threshold() == self._ours:
                gc.set_threshold(*self._usual)
                if not gc.get_freeze_count():
                    # Frozen and thawed, all is in the oldest generation, untouched.
                    gc.freeze()
                    gc.unfreeze()
            self._usual = None
