"""stdout is data, stderr is narration; colours, exit codes, interrupts and broken pipes."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from transcripts import COMMAND, Terminal

from local_index import LocalIndex
from made_projects import ProjectMaker
from wheel_maker import wheel

COLOUR = re.compile(r"\x1b\[[0-9;]*(3[0-9]|9[0-9]|38|48)[0-9;]*m")
DEFECT = (
    "import wideload.source.choose as choose, wideload.pipeline as pipeline\n"
    "def fail(*_): raise ZeroDivisionError('of apples')\n"
    "pipeline.find_function = fail\n"
    "from wideload.cli import main\n"
    "main()\n"
)


def on_a_terminal(folder: Path, *arguments: str, **variables: str) -> str:
    """What a person would see, streams mixed."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "120", **variables}
    process = subprocess.Popen(
        [COMMAND, *arguments],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    seen = b""
    while True:
        try:
            more = os.read(ours, 65536)
        except OSError:
            break
        if not more:
            break
        seen += more
    os.close(ours)
    process.wait(30)
    return seen.decode()


@pytest.fixture
def shop(index: LocalIndex, projects: ProjectMaker) -> Path:
    index.add(wheel("demo"))
    return projects.make("shop", "demo\n")


def test_narration_goes_to_stderr(shop: Path) -> None:
    first = Terminal(shop).run("plan", "--json")
    assert json.loads(first.stdout)["choice"] == "direct-zip"
    assert first.stderr == "resolved into pylock.shop.toml; commit it\n"
    second = Terminal(shop).run("plan", "--json")
    assert second.stderr == ""
    assert json.loads(second.stdout)["packages"] == json.loads(first.stdout)["packages"]


def test_quiet_says_nothing(shop: Path) -> None:
    done = Terminal(shop).run("-q", "build")
    assert done.stderr == ""
    assert done.stdout.startswith("built shop for direct-zip")


def test_another_folder(shop: Path, tmp_path: Path) -> None:
    done = Terminal(tmp_path).run("-C", str(shop), "plan", "--json")
    assert json.loads(done.stdout)["function"] == "shop"
    assert (
        Terminal(tmp_path).run("plan", str(shop), "--json").stdout
        == Terminal(shop).run("plan", "--json").stdout
    )


def test_without_a_terminal_there_is_no_colour(shop: Path) -> None:
    for arguments in (("plan",), ("plan", "nope"), ("limits",)):
        done = Terminal(shop).run(*arguments)
        assert "\x1b" not in done.stdout + done.stderr


def test_a_terminal_gets_colour_unless_it_is_not_wanted(shop: Path) -> None:
    for arguments in (("plan",), ("plan", "nope")):
        assert COLOUR.search(on_a_terminal(shop, *arguments)), arguments
        assert not COLOUR.search(on_a_terminal(shop, *arguments, NO_COLOR="1")), arguments


def test_a_defect_ends_with_2_and_no_traceback(shop: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", DEFECT, "plan"],
        cwd=shop,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: unexpected: ZeroDivisionError: of apples\n")
    assert "--debug" in done.stderr
    assert "Traceback" not in done.stderr


def test_debug_shows_the_traceback(shop: Path) -> None:
    for command in ([sys.executable, "-c", DEFECT], [str(COMMAND)]):
        done = subprocess.run(
            [*command, "--debug", "plan", "nope"],
            cwd=shop,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode != 0
        assert "Traceback (most recent call last)" in done.stderr


def test_it_runs_as_a_module(shop: Path) -> None:
    told = [
        subprocess.run([*command, "limits"], cwd=shop, capture_output=True, check=True).stdout
        for command in ([sys.executable, "-m", "wideload"], [str(COMMAND)])
    ]
    assert told[0]
    assert told[0] == told[1]


def test_a_reader_that_has_had_enough(shop: Path) -> None:
    process = subprocess.Popen(
        [COMMAND, "limits"], cwd=shop, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout
    assert process.stderr
    process.stdout.close()
    assert process.wait(30) == 1
    assert b"Traceback" not in process.stderr.read()
    process.stderr.close()


def test_an_interrupt_ends_at_once_and_leaves_nothing_half_written(
    index: LocalIndex, projects: ProjectMaker, tmp_path: Path
) -> None:
    big = wheel("big", files={"big/lib.so": bytes(8_000_000)}, stored=True)
    index.add(big)
    index.manners.pause = 0.02
    root = projects.make("shop", "big\n")
    process = subprocess.Popen(
        # What was started in the background of a shell has its children ignore interrupts.
        ["env", "--default-signal=INT", COMMAND, "build"],
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 30
    while index.sent_of(big) < 1_000_000:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert stdout == ""
    assert stderr.endswith("interrupted; nothing is half written\n")
    assert index.sent_of(big) < len(big.data) / 2
    assert not list(tmp_path.rglob("*.partial"))
    assert not list(root.rglob("function.zip"))
