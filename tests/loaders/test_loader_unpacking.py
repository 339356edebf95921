"""The order in which frames are unpacked."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any, cast

from wideload.loaders.python import unpacking
from wideload.loaders.python.index import Index
from wideload.loaders.python.unpacking import Unpacking

if TYPE_CHECKING:
    import pytest

    from wideload.loaders.python.folder import Folder

EMPTY: dict[str, Any] = {
    "format": 1,
    "sha256": "",
    "size": 0,
    "part": 1,
    "tmp_bytes": 0,
    "frames": [[0, 0, "", 0, ""]] * 4,
    "files": [],
    "units": [],
    "own": [],
    "first": [],
    "digests": "",
}


class Recording(Unpacking):
    def _unpack(self, frame: int, parts: list[memoryview]) -> None:
        """What is unpacked here is told by `done`."""


def test_what_somebody_waits_for_is_unpacked_before_what_came_earlier(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(unpacking, "decompressor", lambda: None)
    order: list[int] = []
    whole = threading.Event()

    def done(frame: int) -> None:
        order.append(frame)
        if len(order) == len(EMPTY["frames"]):
            whole.set()

    index = Index(json.dumps(EMPTY).encode())
    made = Recording(index, cast("Folder", None), done, print, print)
    for frame in (0, 1, 2):
        made.add(frame, [])
    # One that is there already, and one that is still on its way.
    made.hurry([2, 3])
    made.add(3, [])
    made.start(1)
    assert whole.wait(10)
    assert order == [2, 3, 0, 1]
