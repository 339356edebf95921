"""The examples are what their descriptions say, and answer what they promise."""

from __future__ import annotations

import ast
import csv
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import uv

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = ("recommender", "trader")

# Runs in an environment that has the example's requirements, in the example's folder.
ANSWER = """
import json, sys
sys.path.insert(0, "")
from app import handler
print(json.dumps(handler(json.load(open("event.json")), None)))
"""


def config() -> dict[str, dict[str, Any]]:
    content = tomllib.loads((EXAMPLES / "wideload.toml").read_text("utf-8"))
    functions: dict[str, dict[str, Any]] = content["functions"]
    return functions


def expected(name: str) -> Any:
    return json.loads((EXAMPLES / name / "expected.json").read_bytes())


def test_they_are_configured_as_described() -> None:
    assert set(config()) == {*NAMES, "classifier", "analyst", "thumbnailer", "router"}
    recommender = config()["recommender"]
    assert recommender == {
        "source": "recommender",
        "handler": "app.handler",
        "runtime": "python3.13",
        "architecture": "x86_64",
        "memory": 1769,
        "timeout": 30,
    }
    assert config()["trader"]["runtime"] == "python3.13"


def test_recommender_requires_the_six_packages_and_no_version() -> None:
    content = (EXAMPLES / "recommender" / "requirements.txt").read_text("utf-8")
    assert content == "boto3\ngraypy\nnumpy\npandas\nrequests\nscikit-learn\n"


def test_trader_requires_alpaca_py_and_what_that_forgets() -> None:
    lines = (EXAMPLES / "trader" / "requirements.txt").read_text("utf-8").splitlines()
    assert [line for line in lines if not line.startswith("#")] == ["alpaca-py==0.21.1", "pytz"]


@pytest.mark.parametrize("name", NAMES)
def test_handler_is_defined_where_the_configuration_says(name: str) -> None:
    table = config()[name]
    module, function = table["handler"].split(".")
    path = EXAMPLES / table["source"] / f"{module}.py"
    tree = ast.parse(path.read_text("utf-8"), str(path))
    compile(tree, str(path), "exec")
    defined = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert [argument.arg for argument in defined[function].args.args] == ["event", "context"]


@pytest.mark.parametrize(
    ("name", "script", "data"),
    [("recommender", "make_ratings.py", "ratings.csv"), ("trader", "make_bars.py", "bars.json")],
)
def test_shipped_data_is_what_its_script_makes(name: str, script: str, data: str) -> None:
    folder = EXAMPLES / name
    # Isolated and without site-packages: the script has the standard library and no more.
    made = subprocess.run(
        [sys.executable, "-I", "-S", folder / script], check=True, capture_output=True, timeout=10
    )
    assert made.stdout == (folder / data).read_bytes()


def test_ratings_name_a_hundred_films_and_many_people() -> None:
    with (EXAMPLES / "recommender" / "ratings.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({row["title"] for row in rows}) == 100
    assert len({row["user"] for row in rows}) == 120
    assert {row["rating"] for row in rows} == {"1", "2", "3", "4", "5"}
    assert len({(row["user"], row["title"]) for row in rows}) == len(rows) == 3154


def test_recommendations_are_of_films_that_the_person_has_not_seen() -> None:
    folder = EXAMPLES / "recommender"
    event = json.loads((folder / "event.json").read_bytes())
    with (folder / "ratings.csv").open(encoding="utf-8", newline="") as file:
        seen = {row["title"] for row in csv.DictReader(file) if row["user"] == str(event["user"])}
    answer = expected("recommender")
    films = answer["recommendations"]
    assert answer["user"] == event["user"]
    assert len(films) == event["count"]
    assert not {film["title"] for film in films} & seen
    assert {film["because"] for film in films} <= seen
    assert films == sorted(films, key=lambda film: (-film["score"], film["title"]))


def test_bars_are_as_alpaca_answers_them() -> None:
    answer = json.loads((EXAMPLES / "trader" / "bars.json").read_bytes())
    assert set(answer) == {"bars", "next_page_token"}
    for bars in answer["bars"].values():
        assert len(bars) == 120
        for bar in bars:
            assert set(bar) == {"t", "o", "h", "l", "c", "v", "n", "vw"}
            assert bar["l"] <= min(bar["o"], bar["c"]) <= max(bar["o"], bar["c"]) <= bar["h"]


def test_trader_shows_every_action_there_is() -> None:
    signals = expected("trader")["signals"]
    assert {signal["action"] for signal in signals.values()} == {"buy", "sell", "hold"}
    event = json.loads((EXAMPLES / "trader" / "event.json").read_bytes())
    assert list(signals) == event["symbols"]


@pytest.mark.heavy
@pytest.mark.network
@pytest.mark.parametrize(
    ("name", "python"), [("recommender", "3.13"), ("recommender", "3.11"), ("trader", "3.13")]
)
def test_handler_answers_what_is_expected(name: str, python: str) -> None:
    folder = EXAMPLES / name
    # A throw-away environment with what the index has today: the answer must not hang on it.
    command = [
        *(uv.find_uv_bin(), "run", "--quiet", "--no-project", "--isolated", "--no-build"),
        *("--python", python, "--with-requirements", "requirements.txt"),
        *("python", "-B", "-I", "-c", ANSWER),
    ]
    done = subprocess.run(
        command, cwd=folder, env=environment(), capture_output=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    assert json.loads(done.stdout) == expected(name)


def environment() -> dict[str, str]:
    """This process's, with the Pythons of pyenv on PATH, where uv does not look by itself."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    pythons = sorted(str(folder) for folder in root.glob("versions/*/bin"))
    own = {key: value for key, value in os.environ.items() if key != "GRAYLOG_HOST"}
    return own | {"PATH": os.pathsep.join([os.environ.get("PATH", os.defpath), *pythons])}
