"""What several deployments of one process have in common is done by the first that comes to it."""

from __future__ import annotations

import threading
from collections import defaultdict


class Once:
    """A lock for each shared thing, by name; made once and given to every deployment."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def of(self, name: str) -> threading.Lock:
        """The lock of a thing: whoever has it looks whether the thing is there, or makes it."""
        with self._guard:
            return self._locks[name]
