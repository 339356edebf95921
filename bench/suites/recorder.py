"""A plugin of pytest that writes each test's outcome down at once, and skips what is known.

Runs under the target's own Python, beside the packages under test: the standard library and
pytest are all there is. Lines of JSON: ``{"id", "outcome", "message"}``.
"""

from __future__ import annotations

import json
import os
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

OUTCOMES, RUNNING = "SUITES_OUTCOMES", "SUITES_RUNNING"
"""Variables with the paths of the file of outcomes and of that with the test under way."""
FINISHED = "SUITES_FINISHED"
"""Variable with the path of a file that is there once pytest came to its end."""
ONLY = "SUITES_ONLY"
"""Variable with the path of a file that lists the tests to run; unset: all."""
EVERY = "SUITES_EVERY"
"""Variable with a number N: of all tests about one in N is run, always the same."""
FILES = "SUITES_FILES"
"""Variable with a number N: of all files of tests about one in N is looked into."""
_MESSAGE = 2000


def is_chosen(test: str, every: int) -> bool:
    """Whether a test, or a file, is among one in so many by its name."""
    return zlib.crc32(test.encode()) % every == 0


class Recorder:
    def __init__(
        self, outcomes: Path, running: Path, only: frozenset[str] | None, every: int, files: int
    ) -> None:
        self._running = running
        self._only = only
        self._every = every
        self._files = files
        self._parts: dict[str, tuple[str, str]] = {}
        with outcomes.open("a+", encoding="utf-8") as file:
            file.seek(0)
            self._known = {json.loads(line)["id"] for line in file if line.endswith("\n")}
        self._file = outcomes.open("a", encoding="utf-8")

    def pytest_ignore_collect(self, collection_path: Path, config: pytest.Config) -> bool | None:
        if not collection_path.match("test_*.py"):
            return None
        path = collection_path.relative_to(config.rootpath).as_posix()
        return None if is_chosen(path, self._files) else True

    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        wanted = [
            item
            for item in items
            if item.nodeid not in self._known
            and (self._only is None or item.nodeid in self._only)
            and is_chosen(item.nodeid, self._every)
        ]
        left = {id(item) for item in wanted}
        config.hook.pytest_deselected(items=[item for item in items if id(item) not in left])
        items[:] = wanted

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.outcome != "passed" and report.nodeid not in self._known:
            self._write(report.nodeid, f"collection {report.outcome}", str(report.longrepr))

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._running.write_text(nodeid, encoding="utf-8")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        # What went wrong first is what counts; a failure while tearing down is one, too.
        before, _ = self._parts.get(report.nodeid, ("passed", ""))
        if before == "passed":
            self._parts[report.nodeid] = (_outcome(report), _words(report))
        if report.when == "teardown":
            self._write(report.nodeid, *self._parts.pop(report.nodeid))

    def pytest_sessionfinish(self) -> None:
        Path(os.environ[FINISHED]).touch()

    def _write(self, nodeid: str, outcome: str, message: str) -> None:
        line = {"id": nodeid, "outcome": outcome}
        if outcome != "passed":
            line["message"] = message[-_MESSAGE:]
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()


def _outcome(report: pytest.TestReport) -> str:
    if hasattr(report, "wasxfail"):
        return "xfailed" if report.skipped else "xpassed"
    if report.failed and report.when != "call":
        return f"error in {report.when}"
    return str(report.outcome)


def _words(report: pytest.TestReport) -> str:
    if isinstance(report.longrepr, tuple):  # of a skip: file, line and reason
        return str(report.longrepr[2])
    return "" if report.longrepr is None else str(report.longrepr)


def pytest_configure(config: pytest.Config) -> None:
    only = os.environ.get(ONLY)
    wanted = frozenset(json.loads(Path(only).read_text("utf-8"))) if only else None
    every, files = (int(os.environ.get(name, "1")) for name in (EVERY, FILES))
    outcomes, running = (Path(os.environ[name]) for name in (OUTCOMES, RUNNING))
    recorder = Recorder(outcomes, running, wanted, every, files)
    config.pluginmanager.register(recorder, "suites")
