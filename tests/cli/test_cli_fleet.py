"""Several functions at once from the command line: what is said, and how it ends."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from transcripts import Terminal

from fleet_maker import NEEDS, fleet, stock

if TYPE_CHECKING:
    from pathlib import Path

    from local_index import LocalIndex


@pytest.fixture
def shop(index: LocalIndex, tmp_path: Path) -> Path:
    stock(index)
    return fleet(tmp_path / "shop", {name: NEEDS[name] for name in ("one", "two")})


def test_a_table_of_functions_and_one_of_layers(shop: Path) -> None:
    done = Terminal(shop).run("plan", "--all")
    assert done.returncode == 0
    assert sorted(done.stderr.splitlines()) == [
        f"{name}: resolved into pylock.{name}.toml; commit it" for name in ("one", "six", "two")
    ]
    rows = [line.split() for line in done.stdout.splitlines()]
    assert ["one", "layers", "2.8", "MB", "2.8", "MB", "2"] in rows
    assert ["six", "direct-zip"] in [row[:2] for row in rows]
    assert ["1.3", "MB", "1.3", "MB", "2", "functions", "alpha"] in rows
    assert ["1.8", "MB", "1.8", "MB", "two", "charlie"] in rows
    assert "4.6 MB stored, with each layer once; 7.4 MB if each function were one package" in (
        done.stdout
    )
    assert "\x1b" not in done.stdout + done.stderr


def test_json_has_the_documents_of_the_functions(shop: Path) -> None:
    one = json.loads(Terminal(shop).run("plan", "one", "--json").stdout)
    document = json.loads(Terminal(shop).run("plan", "two", "one", "--json").stdout)
    assert document["schema"] == 1
    assert [each["function"] for each in document["functions"]] == ["two", "one"]
    within = document["functions"][1]["document"]
    assert within | {"downloaded_bytes": 0} == one | {"downloaded_bytes": 0}
    shared = next(each for each in document["layers"] if each["packages"] == ["alpha"])
    assert shared["functions"] == ["two", "one"]
    assert document["stored_bytes"] < document["one_package_each_bytes"]


def test_one_that_fails_is_told_at_the_end_and_the_exit_code_tells(shop: Path) -> None:
    (shop / "two" / "app.py").write_text("def other(event, context):\n    return 1\n")
    done = Terminal(shop).run("build", "--all", "--json")
    assert done.returncode == 1
    document = json.loads(done.stdout)
    failed = {each["function"]: each["error"] for each in document["functions"]}
    assert failed["one"] is None
    assert failed["two"]["what"] in done.stderr
    assert f"error: two: {failed['two']['what']}" in done.stderr.splitlines()
    assert document["functions"][1]["document"] is None
    text = Terminal(shop).run("plan", "--all")
    assert text.returncode == 1
    assert ["two", "failed"] in [line.split() for line in text.stdout.splitlines()]


def test_a_build_says_where_nothing_is_to_be_found(shop: Path) -> None:
    done = Terminal(shop).run("-q", "build", "--all")
    assert (done.returncode, done.stderr) == (0, "")
    assert ["one", "layers"] in [line.split()[:2] for line in done.stdout.splitlines()]
    for name in ("one", "two", "six"):
        assert (shop / ".wideload" / "build" / name / "function.zip").is_file()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (("plan", "--all", "one"), "which functions?"),
        (("plan", "one", "three"), "no function 'three'"),
        (("deploy", "--all", "--smoke", "wideload.toml"), "--smoke is for one function"),
        (("build", "--all", "--jobs", "0"), "--jobs"),
    ],
)
def test_what_is_not_understood(shop: Path, typed: tuple[str, ...], said: str) -> None:
    done = Terminal(shop).run(*typed)
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr
