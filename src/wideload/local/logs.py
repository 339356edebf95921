"""CloudWatch Logs: functions write into moto's, where any client reads them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from moto.logs.models import logs_backends

if TYPE_CHECKING:
    from wideload.local.control import Control

# moto keeps every event in memory.
_KEPT_EVENTS = 20_000


class LogStreams:
    """An implementation of `Logs`. What is written is gone after a restart."""

    def __init__(self, control: Control, account: str, region: str) -> None:
        self._lock = control.lock
        self._account = account
        self._region = region

    def append(self, group: str, stream: str, text: str) -> None:
        """Add the lines of `text`, stamped with the present time."""
        now = int(time.time() * 1000)
        events = [{"timestamp": now, "message": line} for line in text.splitlines() if line]
        if not events:
            return
        with self._lock:
            backend = logs_backends[self._account][self._region]
            if group not in backend.groups:
                backend.create_log_group(group, {})
            if stream not in backend.groups[group].streams:
                backend.create_log_stream(group, stream)
            backend.put_log_events(group, stream, events)
            kept = backend.groups[group].streams[stream].events
            del kept[:-_KEPT_EVENTS]
