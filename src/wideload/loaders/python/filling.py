"""The handler of the function that fills directories of a mounted file system, and sweeps them.

It is there for the length of a deployment, and called until it says ``complete``. ``do`` of its
event says what it is to do:

- ``fill``: unpack the bundle into `directory`. What is there and right is kept, so that a call
  goes on where the one before ran out of time or was killed; the marker is written last.
- ``sweep``: remove the directories ``FUNCTION/DIGEST`` below `path` that `keep` does not name and
  that have not changed for `age` seconds; those of one `function` only, where it is named.
"""

# ruff: noqa: PTH100, PTH103, PTH104, PTH106, PTH112, PTH116, PTH118, PTH120, PTH208 - importing pathlib would take longer than all that is done here

from __future__ import annotations

import json
import os
import re
import select
import shutil
import time

from .engine import launch
from .trouble import BundleError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from typing import Any

_MARGIN_S = 4.0
"""Seconds before the time-out in which nothing new is begun."""
_DIGEST = re.compile(r"[0-9a-f]{32}")
_GONE = ".gone"


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Do what the event says, as far as time allows."""
    until = time.monotonic() + context.get_remaining_time_in_millis() / 1000 - _MARGIN_S
    if event["do"] == "fill":
        return fill(os.path.dirname(os.path.abspath(__file__)), event["directory"], until)
    return sweep(event["path"], event["keep"], event["age"], event.get("function", ""), until)


def fill(home: str, directory: str, until: float) -> dict[str, Any]:
    """Unpack the bundle into a directory.

    :param home: the loader's folder.
    :param until: of the monotonic clock.
    :raises BundleError: it cannot be done, however often it is tried.
    """
    os.makedirs(os.path.dirname(directory), exist_ok=True)
    channel = launch(home, directory, shared=True)
    try:
        return _heard(channel, until)
    finally:
        # The process ends with it, wherever it is.
        channel.close()


def _heard(channel: socket.socket, until: float) -> dict[str, Any]:
    data, frames, account = b"", 0, {"reused_frames": 0}
    while True:
        wait = until - time.monotonic()
        if wait <= 0 or not select.select([channel], [], [], wait)[0]:
            return {"complete": False, "frames": frames}
        got = channel.recv(1 << 16)
        if not got:
            raise BundleError("the process that unpacks ended without a word")
        *lines, data = (data + got).split(b"\n")
        for line in lines:
            kind, _, rest = line.partition(b" ")
            if kind == b"e":
                raise BundleError(*json.loads(rest))
            if kind == b"t":
                account = json.loads(rest)
            elif kind == b"f":
                return {"complete": True, "frames": frames, "reused": account["reused_frames"]}
            else:
                frames += 1


def sweep(path: str, keep: list[str], age: float, function: str, until: float) -> dict[str, Any]:
    """Remove directories.

    A directory is renamed before anything in it is touched: what was half removed is never taken
    for one that is complete.
    """
    removed: list[str] = []
    kept: list[str] = []
    young: list[str] = []
    for name in [function] if function else sorted(os.listdir(path)):
        above = os.path.join(path, name)
        for digest in sorted(os.listdir(above)) if os.path.isdir(above) else []:
            if time.monotonic() > until:
                return {"complete": False, "removed": removed, "kept": kept, "young": young}
            found, inside = f"{name}/{digest}", os.path.join(above, digest)
            if not _DIGEST.fullmatch(digest.removesuffix(_GONE)):
                continue
            if found in keep:
                kept.append(found)
            elif not digest.endswith(_GONE) and time.time() - os.stat(inside).st_mtime < age:
                young.append(found)
            else:
                gone = inside.removesuffix(_GONE) + _GONE
                if inside != gone:
                    shutil.rmtree(gone, ignore_errors=True)
                    os.rename(inside, gone)
                shutil.rmtree(gone)
                removed.append(found)
        if os.path.isdir(above) and not os.listdir(above):
            os.rmdir(above)
    return {"complete": True, "removed": removed, "kept": kept, "young": young}
