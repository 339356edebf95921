"""Lines in the function's log that say what of its bundle was fetched, and who waited for it.

Only of bundles that have cold frames. Each is one JSON object in CloudWatch's embedded metric
format, of which CloudWatch makes metrics by itself:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

    from .garbage import Garbage
    from .index import Index

VARIABLE = "WIDELOAD_METRICS"
"""Environment variable: ``off`` writes no line."""
_NAMESPACE = "Wideload"
_UNITS = {
    "BundleBytes": "Bytes",
    "BundleFrames": "Count",
    "BundleWaits": "Count",
    "ColdHits": "Count",
    "BundleMs": "Milliseconds",
}
_PATHS = 20


class Metrics:
    """Counts until a line is written, and from then on for the next.

    :ivar first_cold: the number of the first frame that is not fetched at start.
    """

    def __init__(self, index: Index) -> None:
        self._lengths = [frame[1] for frame in index.frames]
        self.first_cold = index.hot if index.has_cold else len(index.frames)
        self._is_on = index.has_cold and os.environ.get(VARIABLE, "").lower() != "off"
        self._lock = threading.Lock()
        self._is_started = False
        self._depth = 0
        self._hit: set[int] = set()
        self._clear()

    def _clear(self) -> None:
        self._bytes = self._frames = self._waits = self._hits = 0
        self._ms = 0.0
        self._paths: list[str] = []

    def arrived(self, frame: int, *, fetched: bool) -> None:
        """A frame is there.

        :param fetched: whether it was not there before.
        """
        if fetched:
            with self._lock:
                self._frames += 1
                self._bytes += self._lengths[frame]

    def wanted(self, frames: set[int], path: str) -> None:
        """Something waits for frames that are not there.

        :param path: what it is that is wanted, relative to the tree.
        """
        cold = {frame for frame in frames if frame >= self.first_cold}
        with self._lock:
            self._waits += 1
            if not cold <= self._hit:
                self._hit |= cold
                self._hits += 1
                if len(self._paths) < _PATHS:
                    self._paths.append(path)

    def refused(self, frames: set[int]) -> None:
        """These will not come; who wants them again is counted again."""
        with self._lock:
            self._hit -= frames

    def waited(self, seconds: float) -> None:
        """Something was held back for so long."""
        with self._lock:
            self._ms += seconds * 1000

    def started(self, seconds: float) -> None:
        """Write the line of a start.

        :param seconds: that it took, imports and all.
        """
        with self._lock:
            self._ms = seconds * 1000
            line = self._line("init")
            self._is_started = True
        self._tell(line)

    def settled(self) -> None:
        """Write a line where cold frames were wanted since the last one, unless what wanted them
        is a module that is still being imported."""
        with self._lock:
            if not self._is_started or not self._hits or self._depth:
                return
            line = self._line("cold")
        self._tell(line)

    def enter(self) -> None:
        """A module is run."""
        with self._lock:
            self._depth += 1

    def leave(self) -> None:
        """It was."""
        with self._lock:
            self._depth -= 1
        self.settled()

    def _tell(self, line: dict[str, Any]) -> None:
        if self._is_on:
            # One write, so that Lambda makes one event of it.
            sys.stderr.write(json.dumps(line) + "\n")
            sys.stderr.flush()

    def _line(self, phase: str) -> dict[str, Any]:
        """What was counted; from here on it is counted anew."""
        values = dict(
            zip(
                _UNITS,
                (self._bytes, self._frames, self._waits, self._hits, round(self._ms, 1)),
                strict=True,
            )
        )
        line: dict[str, Any] = {
            "_aws": {
                "Timestamp": int(time.time() * 1000),
                "CloudWatchMetrics": [
                    {
                        "Namespace": _NAMESPACE,
                        "Dimensions": [["FunctionName", "Phase"]],
                        "Metrics": [{"Name": name, "Unit": unit} for name, unit in _UNITS.items()],
                    }
                ],
            },
            "FunctionName": os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "unknown"),
            "FunctionVersion": os.environ.get("AWS_LAMBDA_FUNCTION_VERSION", ""),
            "Phase": phase,
            "ColdPaths": self._paths,
            **values,
        }
        self._clear()
        return line


class Running:
    """A context to run a module of the bundle in."""

    def __init__(self, metrics: Metrics, garbage: Garbage) -> None:
        self._metrics, self._garbage = metrics, garbage

    def __enter__(self) -> None:
        self._metrics.enter()
        self._garbage.__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._garbage.__exit__(kind, error, trace)
        self._metrics.leave()
