"""Transcripts: the zoo's functions through the local index, and every kind of refusal."""

from __future__ import annotations

import json
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest
from transcripts import ZOO, Terminal, compare, normalised, transcript

from local_index import LocalIndex
from made_projects import ProjectMaker
from sdist_maker import sdist
from wheel_maker import Made, wheel, with_claimed_size

ROMAN = wheel("roman", "5.2", files={"roman.py": "def toRoman(n):\n    return 'I' * n\n"})
CONFIG = '[functions.shop]\nhandler = "app.handler"\nruntime = "python3.13"\n'


@pytest.fixture
def zoo(tmp_path: Path) -> Path:
    """Some of the zoo, where locks can be written."""
    folder = tmp_path / "zoo"
    for name in ("hello", "adder"):
        shutil.copytree(
            ZOO / name, folder / name, ignore=shutil.ignore_patterns("pylock.*", "__pycache__")
        )
    # Nothing is compiled: whether the target's Python is here must not matter.
    config = (ZOO / "wideload.toml").read_text(encoding="utf-8")
    config = config.replace("[defaults]\n", '[defaults]\nslim = "none"\n')
    (folder / "wideload.toml").write_text(config, encoding="utf-8")
    return folder


def enormous(name: str, size: int, packed: int) -> Made:
    """A wheel that says that it is as big as that; its body is never looked at by a plan."""
    plain = wheel(name, files={f"{name}/lib.so": "x" * 50})
    return plain.with_data(with_claimed_size(plain.data, f"{name}/lib.so", size, packed))


def check(
    name: str, terminal: Terminal, index: LocalIndex | None, typed: str, *, update: bool
) -> str:
    done = terminal.run(*typed.split())
    text = transcript(typed, done)
    url = index.url if index else ""
    compare(f"{name}.txt", normalised(text, terminal.folder, url), update=update)
    assert "Traceback" not in done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("plan-hello", "plan hello"),
        ("plan-hello-json", "plan hello --json"),
        ("plan-adder", "plan adder"),
        ("plan-adder-json", "plan adder --json"),
        ("build-hello", "build hello"),
        ("build-adder", "build adder"),
        ("build-adder-json", "build adder --json"),
        ("limits", "limits"),
        ("limits-json", "limits --json"),
    ],
)
def test_what_a_verb_prints(
    index: LocalIndex, zoo: Path, update_golden: bool, name: str, typed: str
) -> None:
    index.add(ROMAN)
    stdout = check(name, Terminal(zoo), index, typed, update=update_golden)
    if typed.endswith("--json"):
        document: dict[str, Any] = json.loads(stdout)
        assert document["schema"] == 1


def test_the_recommenders_fate_in_small(
    index: LocalIndex, projects: ProjectMaker, update_golden: bool
) -> None:
    index.add(
        wheel("boto3", "1.44.5", requires=["botocore"]),
        enormous_sdk := enormous("botocore", 30_000_000, 15_000_000),
        enormous("numlib", 180_000_000, 60_000_000),
    )
    assert enormous_sdk.name == "botocore"
    terminal = Terminal(projects.make("shop", "boto3\nnumlib\n", slim=True))
    check("plan-too-big-to-send", terminal, index, "plan", update=update_golden)


def test_a_function_that_no_way_ships(
    index: LocalIndex, projects: ProjectMaker, update_golden: bool
) -> None:
    # More than images take together; a wheel of more than 4 GiB would need zip64.
    names = ["numlib", "sublib", "overlib", "sidelib"]
    index.add(*(enormous(name, 3_000_000_000, 90_000_000) for name in names))
    terminal = Terminal(projects.make("shop", "\n".join(names) + "\n"))
    check("plan-too-big-at-all", terminal, index, "plan", update=update_golden)
    check("build-too-big-at-all", terminal, index, "build", update=update_golden)
    assert not list(terminal.folder.glob(".wideload/build/*/*"))


@pytest.mark.parametrize(
    ("name", "config", "typed"),
    [
        ("no-config", "", "plan"),
        ("config-is-no-toml", "[functions.shop\n", "plan"),
        ("no-function", "[functions]\n", "plan"),
        ("unknown-function", CONFIG, "plan shoop"),
        ("unknown-key", CONFIG + "memmory = 128\n", "plan"),
        ("unknown-runtime", CONFIG.replace("3.13", "3.9"), "plan"),
        ("unknown-architecture", CONFIG + 'architecture = "aarch64"\n', "plan"),
        ("memory-out-of-range", CONFIG + "memory = 64\n", "plan"),
        ("no-requirements", CONFIG, "plan"),
        ("no-source-folder", CONFIG + 'source = "shopp"\n', "plan"),
        ("no-handler-file", CONFIG.replace("app.", "main.") + 'requirements = ""\n', "plan"),
        (
            "no-handler-function",
            CONFIG.replace(".handler", ".main") + 'requirements = ""\n',
            "plan",
        ),
        ("which-function", CONFIG + CONFIG.replace("shop", "store"), "plan"),
        ("strategy-to-come", CONFIG + 'requirements = ""\nstrategy = "efs"\n', "build"),
        ("unknown-verb", CONFIG, "ship"),
        ("unknown-option", CONFIG, "plan --fast"),
        ("unknown-strategy", CONFIG, "build --strategy carrier-pigeon"),
    ],
)
@pytest.mark.usefixtures("clean_environment")
def test_what_bad_input_gets(
    tmp_path: Path, update_golden: bool, name: str, config: str, typed: str
) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "app.py").write_text("def handler(event, context):\n    return event\n")
    if config:
        (folder / "wideload.toml").write_text(config)
    before = sorted(folder.rglob("*"))
    stdout = check(f"errors/{name}", Terminal(folder), None, typed, update=update_golden)
    assert stdout == ""
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize(
    ("name", "requirements"),
    [
        ("requirement-that-is-not-there", "nope\n"),
        ("version-that-is-not-there", "roman==9\n"),
        ("conflict", "roman==5.2\nlatin\n"),
        ("no-wheel-for-the-target", "winlib\n"),
        ("needs-a-compiler", "native\n"),
        ("hash-mismatch", f"roman==5.2 --hash=sha256:{'0' * 64}\n"),
        ("file-that-is-not-there", "-r more.txt\n"),
    ],
)
def test_what_bad_requirements_get(
    index: LocalIndex,
    projects: ProjectMaker,
    update_golden: bool,
    name: str,
    requirements: str,
) -> None:
    index.add(
        ROMAN,
        wheel("latin", requires=["roman<5"]),
        wheel("winlib", tag="cp313-cp313-win_amd64"),
        sdist("native", extra_files={"setup.py": "setup(ext_modules=[])\n"}),
    )
    terminal = Terminal(projects.make("shop", requirements))
    stdout = check(f"errors/{name}", terminal, index, "plan", update=update_golden)
    assert stdout == ""


def test_what_an_index_that_refuses_gets(
    index: LocalIndex, projects: ProjectMaker, update_golden: bool
) -> None:
    index.add(ROMAN)
    index.manners.credentials = ("alice", "s3cret")
    terminal = Terminal(projects.make("shop", "roman\n"))
    check("errors/index-refuses", terminal, index, "plan", update=update_golden)


def test_what_an_index_out_of_reach_gets(
    clean_environment: pytest.MonkeyPatch, projects: ProjectMaker, update_golden: bool
) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        clean_environment.setenv("UV_DEFAULT_INDEX", f"http://127.0.0.1:{port}/simple/")
        terminal = Terminal(projects.make("shop", "roman\n"))
        check("errors/index-out-of-reach", terminal, None, "plan", update=update_golden)


def test_what_a_file_gone_from_the_index_gets(
    index: LocalIndex, projects: ProjectMaker, update_golden: bool
) -> None:
    index.add(ROMAN)
    root = projects.make("shop", "roman\n")
    terminal = Terminal(root)
    assert terminal.run("plan").returncode == 0
    index.remove(ROMAN)
    shutil.rmtree(root.parents[1] / "cache")
    check("errors/file-gone-from-the-index", terminal, index, "plan", update=update_golden)
