from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from wideload.errors import WideloadError
from wideload.source.config import load_project
from wideload.source.starter import guess, write_config

if TYPE_CHECKING:
    from pathlib import Path


def test_a_folder_that_is_a_function(tmp_path: Path) -> None:
    folder = tmp_path / "my service"
    folder.mkdir()
    (folder / "helpers.py").write_text("def main(): ...\n")
    (folder / "lambda_function.py").write_text("def lambda_handler(event, context): ...\n")
    (folder / ".python-version").write_text("3.12.4\n")
    (found,) = guess(folder)
    assert (found.name, found.source) == ("my-service", ".")
    assert (found.handler, found.runtime) == ("lambda_function.lambda_handler", "python3.12")


def test_folders_of_functions_become_a_project_that_loads(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "app.py").write_text("async def handler(event, context): ...\n")
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "app.py").write_text("def handler(): ...\n")
    path, functions = write_config(tmp_path)
    assert [one.name for one in functions] == ["one", "two"]
    project = load_project(tmp_path)
    assert project.config == str(path)
    assert project.functions["two"].handler == "app.handler"
    assert project.functions["two"].runtime == "python3.13"


def test_an_existing_configuration_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("def handler(event, context): ...\n")
    (tmp_path / "wideload.toml").write_text("# mine\n")
    with pytest.raises(WideloadError, match="is there already"):
        write_config(tmp_path)
    assert (tmp_path / "wideload.toml").read_text() == "# mine\n"


def test_nothing_found_says_what_was_looked_for(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("def handler(:\n")
    with pytest.raises(WideloadError) as caught:
        guess(tmp_path)
    assert "lambda_handler" in caught.value.why
    assert "[functions.NAME]" in caught.value.hint


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("index.mjs", "export const handler = async () => 1;\n"),
        ("app.js", "exports.handler = async () => 1;\n"),
        ("handler.cjs", "module.exports = { handler };\n"),
    ],
)
def test_a_function_in_node_is_found(tmp_path: Path, path: str, text: str) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / path).write_text(text)
    (found,) = guess(tmp_path)
    assert (found.name, found.source, found.runtime) == ("shop", "shop", "nodejs22.x")
    assert found.handler == f"{path.partition('.')[0]}.handler"


def test_what_exports_no_handler_is_none(tmp_path: Path) -> None:
    (tmp_path / "index.js").write_text("exports.other = 1; // a handler\n")
    with pytest.raises(WideloadError, match="no handler found"):
        guess(tmp_path)
