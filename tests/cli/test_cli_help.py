"""The help of every verb, word for word, and what `wideload` alone says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from transcripts import Terminal, compare, transcript

from wideload import __version__
from wideload.cli.group import wideload
from wideload.cli.options import STRATEGIES
from wideload.values.function import Strategy


def verbs(group: click.Group, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, command in sorted(group.commands.items()):
        yield (*before, name)
        if isinstance(command, click.Group):
            yield from verbs(command, (*before, name))


VERBS = [(), *verbs(wideload)]


@pytest.mark.parametrize("verb", VERBS, ids=lambda words: "-".join(words) or "wideload")
def test_help(tmp_path: Path, update_golden: bool, verb: tuple[str, ...]) -> None:
    done = Terminal(tmp_path).run(*verb, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    text = transcript(" ".join([*verb, "--help"]), done)
    compare(f"help/{'-'.join(verb) or 'wideload'}.txt", text, update=update_golden)


def test_golden_files_are_of_verbs_that_there_are() -> None:
    folder = Path(__file__).parents[1] / "golden" / "help"
    names = {"-".join(verb) or "wideload" for verb in VERBS}
    assert {path.stem for path in folder.iterdir()} == names


def test_every_strategy_can_be_asked_for() -> None:
    assert set(STRATEGIES) == set(Strategy)


@pytest.mark.parametrize("verb", VERBS[1:], ids="-".join)
def test_every_verb_says_what_it_does_in_a_sentence(verb: tuple[str, ...]) -> None:
    command: click.Command = wideload
    for name in verb:
        assert isinstance(command, click.Group)
        command = command.commands[name]
    assert command.help
    assert command.help.strip().splitlines()[0].endswith((".", ":"))


def test_version(tmp_path: Path) -> None:
    done = Terminal(tmp_path).run("--version")
    assert (done.stdout, done.stderr) == (f"wideload {__version__}\n", "")
