"""The documentation says what the code does, and nothing of the machine that it was written on."""

from __future__ import annotations

import importlib
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

import click
import pytest

from wideload.cli.group import wideload

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(
    [ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md")]
    + list(DOCS.rglob("*.md"))
    + [
        page
        for page in (ROOT / "examples").rglob("README.md")
        # What running them left there is not ours.
        if not {".wideload", "node_modules"} & set(page.parts)
    ]
)
WRITTEN = [page for page in PAGES if page.parent != DOCS / "reference"]

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_URL = re.compile(r"\w[\w+]*://\S+")
_FOLDER = re.compile(r"(?<![\w.)…}*~$-])/(\w[\w.-]*)/\w")

# Absolute paths of Lambda's, and of every Linux.
_KNOWN_FOLDERS = {"dev", "etc", "mnt", "opt", "proc", "tmp", "usr", "var", "aws", "project"}


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def prose(text: str) -> str:
    """A page without its blocks of code."""
    return _FENCE.sub("", text)


def anchors(text: str) -> set[str]:
    """The anchors that a page's headings get."""
    found = set()
    for heading in re.findall(r"^#+ (.+)$", prose(text), re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
        found.add(re.sub(r"[^\w\- ]", "", plain).replace(" ", "-"))
    return found


def commands(text: str) -> Iterator[list[str]]:
    """Every run of wideload that a page shows, in words, in blocks or within a line."""
    for language, block in _FENCE.findall(text):
        if language not in ("", "sh", "console", "yaml"):
            continue
        for line in block.replace("\\\n", " ").splitlines():
            if language == "console" and not line.startswith("$ "):
                continue
            yield from _runs(line)
    for inline in re.findall(r"`([^`\n]+)`", prose(text)):
        yield from _runs(inline)


def _runs(line: str) -> Iterator[list[str]]:
    for part in re.split(r"\||&&|\$\(|;", line):
        found = re.match(r"(?:\$ |- |- run: )?\s*(?:\w+=\S* )*(wideload(?: .*)?)$", part.strip())
        if not found:
            continue
        try:
            words = shlex.split(found[1], comments=True)
        except ValueError:
            words = found[1].split()
        yield [word.rstrip(')"') for word in words[1:]]


def check_command(words: list[str]) -> str | None:
    """What is wrong with a command line, by click's own knowledge of the options."""
    command: click.Command = wideload
    expects_value = False
    for word in words:
        if expects_value:
            expects_value = False
        elif word in ("…", "...", ">") or word.startswith(("$", ">")):
            return None
        elif word.startswith("-") and word != "-":
            name = word.partition("=")[0]
            option = next(
                (each for each in command.params if name in (*each.opts, *each.secondary_opts)),
                None,
            )
            if name in ("-h", "--help"):
                return None
            if option is None:
                return f"{command.name} has no option {name}"
            is_flag = isinstance(option, click.Option) and (option.is_flag or option.count)
            expects_value = not is_flag and "=" not in word
        elif isinstance(command, click.Group):
            if word in ("VERB",):
                return None
            if word not in command.commands:
                return f"there is no command {word!r}"
            command = command.commands[word]
    return None


def verbs(group: click.Group, prefix: str = "") -> Iterator[str]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from verbs(command, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}"


def test_the_reference_is_what_the_code_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    wanted: dict[str, str] = importlib.import_module("reference").files()
    folder = DOCS / "reference"
    there = {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in folder.rglob("*.*")
        if path.name not in ("bundle-format.md", "corpus.md")  # not made of the code
    }
    hint = "run scripts/make-reference"
    assert there.keys() == wanted.keys(), hint
    assert [name for name in wanted if there[name] != wanted[name]] == [], hint


def test_the_script_agrees() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "make-reference", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("verb", sorted(verbs(wideload)))
def test_every_json_is_in_the_reference(verb: str) -> None:
    command: click.Command = wideload
    for word in verb.split():
        assert isinstance(command, click.Group)
        command = command.commands[word]
    has_json = any("--json" in parameter.opts for parameter in command.params)
    page = (DOCS / "reference" / "json.md").read_text(encoding="utf-8")
    assert (f"\n## wideload {verb} --json\n" in page) is has_json


@pytest.mark.parametrize("verb", sorted(verbs(wideload)))
def test_every_verb_is_in_the_reference(verb: str) -> None:
    page = (DOCS / "reference" / "command-line.md").read_text(encoding="utf-8")
    assert f"\n## wideload {verb}\n" in page
    assert f"Usage: wideload {verb} " in page


@pytest.mark.parametrize("verb", sorted(verbs(wideload)))
def test_every_verb_is_shown_in_use(verb: str) -> None:
    words = verb.split()
    shown = [run for page in WRITTEN for run in commands(page.read_text(encoding="utf-8"))]
    plain = [[word for word in run if not word.startswith("-")] for run in shown]
    assert any(run[: len(words)] == words for run in plain), f"no page shows `wideload {verb}`"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_are_such_as_exist(page: Path) -> None:
    wrong = {
        f"wideload {shlex.join(words)}": problem
        for words in commands(page.read_text(encoding="utf-8"))
        if (problem := check_command(words))
    }
    assert wrong == {}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_resolve(page: Path) -> None:
    broken = []
    for link in _LINK.findall(prose(page.read_text(encoding="utf-8"))):
        if _URL.match(link) or link.startswith("mailto:"):
            continue
        place, _, anchor = unquote(link).partition("#")
        target = (page.parent / place).resolve() if place else page
        found = target.exists() and target.is_relative_to(ROOT)
        if found and anchor:
            found = anchor in anchors(target.read_text(encoding="utf-8"))
        if not found:
            broken.append(link)
    assert broken == []


def test_every_page_is_reached_from_the_readme() -> None:
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        for link in _LINK.findall(page.read_text(encoding="utf-8")):
            place = link.partition("#")[0]
            if place and not _URL.match(link):
                waiting.append((page.parent / place).resolve())
    assert [name_of(page) for page in DOCS.rglob("*.md") if page not in reached] == []


@pytest.mark.parametrize(
    "page", [*PAGES, *sorted((DOCS / "reference").rglob("*.json"))], ids=name_of
)
def test_no_path_of_this_machine(page: Path) -> None:
    text = _URL.sub("", page.read_text(encoding="utf-8"))
    own = {str(place) for place in (ROOT, Path.home(), Path(sys.prefix)) if place != Path("/")}
    assert [place for place in own if place in text] == []
    folders = set(_FOLDER.findall(prose(text))) | {
        found
        for _, block in _FENCE.findall(text)
        for line in block.splitlines()
        for found in re.findall(r"(?<=[\s\"'=(])/(\w[\w.-]*)/\w", line)
    }
    assert folders <= _KNOWN_FOLDERS


def test_decisions_are_numbered_and_listed() -> None:
    folder = DOCS / "decisions"
    files = sorted(path.name for path in folder.glob("[0-9]*.md"))
    assert [int(name[:4]) for name in files] == list(range(1, len(files) + 1))
    index = (folder / "README.md").read_text(encoding="utf-8")
    for name in files:
        assert f"({name})" in index
        assert (folder / name).read_text(encoding="utf-8").startswith(f"# {name[:4]}: ")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("plan recommender --json", None),
        ("local up --idle-minutes 0", None),
        ("-C folder plan", None),
        ("deploy --to aws --smoke event.json", None),
        ("plan --yes", "plan has no option --yes"),
        ("ship", "there is no command 'ship'"),
        ("local sideways", "there is no command 'sideways'"),
    ],
)
def test_what_counts_as_a_wrong_command(line: str, problem: str | None) -> None:
    assert check_command(line.split()) == problem
