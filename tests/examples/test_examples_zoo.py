"""The zoo of tiny functions is complete, and its answers are what the functions say."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ZOO = Path(__file__).parents[1] / "functions"
TABLES: dict[str, dict[str, Any]] = tomllib.loads((ZOO / "wideload.toml").read_text("utf-8"))[
    "functions"
]
# slow_init sleeps for longer than a fast test may; adder needs a package from the index.
ANSWERED_HERE = sorted(
    path.parent.name
    for path in ZOO.glob("*/expected.json")
    if path.parent.name not in ("adder", "slow_init")
)

# As the runtime does it: "/" stands for ".", the module is imported by its name.
CALL = """
import importlib, json, sys
sys.path.insert(0, "")
module, _, name = sys.argv[1].rpartition(".")
handler = getattr(importlib.import_module(module.replace("/", ".")), name)
print(json.dumps(handler(json.load(open("event.json", encoding="utf-8")), None)))
"""


def test_every_folder_has_a_table_and_every_table_a_folder() -> None:
    # Folders that begin with sandbox_ are fixtures of the sandbox's own tests.
    folders = {
        path.name
        for path in ZOO.iterdir()
        if path.is_dir()
        and path.name.isidentifier()
        and not path.name.startswith(("sandbox_", "__"))
    }
    assert folders == set(TABLES)
    assert all(table["source"] == name for name, table in TABLES.items())


def test_readme_shows_every_function() -> None:
    lines = (ZOO / "README.md").read_text("utf-8").splitlines()
    assert {line.split("`")[1] for line in lines if line.startswith("| `")} == set(TABLES)


@pytest.mark.parametrize("name", sorted(TABLES))
def test_handler_file_and_event_are_there(name: str) -> None:
    module = TABLES[name]["handler"].rpartition(".")[0]
    assert (ZOO / name / f"{module}.py").is_file()
    assert isinstance(json.loads((ZOO / name / "event.json").read_bytes()), dict)


@pytest.mark.parametrize("name", ANSWERED_HERE)
def test_handler_answers_what_is_expected(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-B", "-I", "-c", CALL, TABLES[name]["handler"]],
        cwd=ZOO / name,
        check=True,
        capture_output=True,
        timeout=10,
    )
    assert json.loads(done.stdout) == json.loads((ZOO / name / "expected.json").read_bytes())


def test_code_that_must_not_compile_does_not() -> None:
    path = ZOO / "bad_syntax" / "app.py"
    with pytest.raises(SyntaxError) as caught:
        compile(path.read_bytes(), str(path), "exec")
    assert caught.value.lineno == 4
