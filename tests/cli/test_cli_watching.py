"""How far many functions are: lines without a terminal, one display on one."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from rich.console import Console as Rich
from rich.progress import Progress, TextColumn

from wideload.cli.console import Console
from wideload.cli.watching import Display, watching
from wideload.errors import WideloadError
from wideload.values.instruction import CreateLogGroup

if TYPE_CHECKING:
    import pytest

GROUP = CreateLogGroup("/aws/lambda/one")


def test_lines_name_the_function(capsys: pytest.CaptureFixture[str]) -> None:
    with watching(Console()) as watcher:
        watcher.begins("shipping", 2)
        watcher.narrator("").tell("of all")
        watcher.narrator("one").tell("a note")
        with watcher.narrator("one").progress("fetching", 10) as done:
            done(10)
        progress = watcher.deployment("one")
        progress.started(0, 2, GROUP)
        progress.sent(5, 10)
        progress.finished(0, 2, GROUP)
        progress.waited(1)
        progress.waited(3)
        watcher.ended("one", None)
        watcher.ended("two", WideloadError("it is broken"))
    assert capsys.readouterr().err.splitlines() == [
        "of all",
        "one: a note",
        "one: [1/2] create log group /aws/lambda/one",
        "one:       waiting for Lambda …",
        "two: failed: it is broken",
    ]


def test_quiet_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with watching(Console(quiet=True)) as watcher:
        watcher.narrator("one").tell("a note")
        watcher.ended("two", WideloadError("it is broken"))
    assert capsys.readouterr().err == ""


def test_one_display_with_a_bar_for_each_that_is_under_way() -> None:
    out = io.StringIO()
    console = Rich(file=out, force_terminal=True, width=80, highlight=False)
    bars = Progress(
        TextColumn("{task.description}"), TextColumn("{task.fields[state]}"), console=console
    )
    with bars:
        display = Display(bars)
        display.begins("shipping", 3)
        with display.narrator("one").progress("fetching", 2_000_000) as done:
            done(500_000)
            assert [task.description for task in bars.tasks] == ["shipping", "one: fetching"]
            assert bars.tasks[1].completed == 500_000
        progress = display.deployment("one")
        display.deployment("two")
        progress.started(0, 2, GROUP)
        assert [task.description for task in bars.tasks] == ["shipping", "one", "two"]
        assert bars.tasks[1].fields["state"] == "create log group /aws/lambda/one"
        progress.sent(5, 10)
        assert (bars.tasks[1].completed, bars.tasks[1].total) == (5, 10)
        progress.finished(0, 2, GROUP)
        assert (bars.tasks[1].completed, bars.tasks[1].total) == (1, 2)
        display.narrator("two").tell("[a note]")
        display.ended("one", None)
        display.ended("two", WideloadError("it is broken"))
        assert [task.description for task in bars.tasks] == ["shipping"]
        assert (bars.tasks[0].completed, bars.tasks[0].total) == (2, 3)
        assert bars.tasks[0].fields["state"] == "2 of 3 functions"
        # What fails before it is deployed has no bar.
        display.ended("three", WideloadError("it is not there"))
    shown = out.getvalue()
    assert "two: [a note]" in shown
    assert "two: failed: it is broken" in shown
    assert "three: failed: it is not there" in shown
