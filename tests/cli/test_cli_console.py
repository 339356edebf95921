"""What long work says of itself where there is no terminal."""

from __future__ import annotations

import pytest

from wideload.cli import console


def test_without_a_terminal_a_line_now_and_then_says_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(console, "_SILENT_S", 0.0)
    with console.Console().progress("packing the bundle", 2_000_000) as done:
        done(1_500_000)
    assert capsys.readouterr().err == "packing the bundle: 1.5 of 2.0 MB\n"


def test_short_work_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with console.Console().progress("packing the bundle", 2_000_000) as done:
        done(2_000_000)
    assert capsys.readouterr().err == ""
