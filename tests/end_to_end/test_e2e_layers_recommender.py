"""The recommender by layers: refused whole, split where slimmed, updated in kilobytes."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from e2e_command import EXAMPLES, Command, shared_cache

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.heavy, pytest.mark.sandbox, pytest.mark.network]

TABLE = """\
[functions.recommender]
source = "recommender"
handler = "app.handler"
runtime = "python3.13"
memory = 1769
strategy = "layers"
slim = "{slim}"
"""
# A light package, first in a version that is not the latest.
OLDER = "idna==3.10\n"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Command]:
    folder = tmp_path_factory.mktemp("layers")
    shutil.copytree(
        EXAMPLES / "recommender",
        folder / "recommender",
        ignore=shutil.ignore_patterns(".wideload", "pylock.*", "*.pyc", "*.split.json"),
    )
    with (folder / "recommender" / "requirements.txt").open("a") as file:
        file.write(OLDER)
    command = Command(folder, shared_cache(tmp_path_factory))
    yield command
    command("local", "down")


def configure(project: Command, slim: str) -> None:
    (project.folder / "wideload.toml").write_text(TABLE.format(slim=slim))


def manifest(project: Command) -> Any:
    folder = project.folder / ".wideload" / "build" / "recommender"
    return json.loads((folder / "manifest.json").read_bytes())


def sizes(project: Command) -> dict[str, int]:
    return {one["filename"]: one["size"] for one in manifest(project)["artifacts"]}


def kinds(result: Any) -> list[str]:
    return [line["do"] for line in result["instructions"]]


def expected(project: Command) -> Any:
    return json.loads((project.folder / "recommender" / "expected.json").read_bytes())


def test_whole_it_is_refused_in_the_words_of_aws(project: Command) -> None:
    configure(project, "none")
    plan = project.json("plan", "recommender")
    layers = next(one for one in plan["candidates"] if one["strategy"] == "layers")
    words = (
        "InvalidParameterValueException: Layers consume more than the available size of "
        "262144000 bytes"
    )
    assert not layers["feasible"]
    assert layers["unzipped_bytes"] > 262_144_000
    assert [each["aws_error"] for each in layers["refusals"]] == [words]
    refused = project.refused("deploy", "recommender")
    assert refused.what.startswith("layers is no way to ship recommender: it is ")
    assert refused.why == f"AWS would answer {words}"


def test_slimmed_it_is_split_and_answers(project: Command) -> None:
    configure(project, "safe")
    result = project.json("deploy", "recommender")
    assert result["strategy"] == "layers"
    layers = [one for one in manifest(project)["artifacts"] if one["role"] != "function"]
    assert 2 <= len(layers) <= 5
    assert kinds(result).count("publish-layer") == len(layers)
    packed = [name for one in manifest(project)["artifacts"] for name in one["packages"]]
    assert len(packed) == len(set(packed))
    assert {"numpy", "scipy", "pandas", "scikit-learn", "idna"} < set(packed)
    assert project("invoke", "recommender").json() == expected(project)
    assert project.json("deploy", "recommender")["instructions"] == []


def test_a_changed_line_uploads_no_more_than_20_kb(project: Command) -> None:
    app = project.folder / "recommender" / "app.py"
    text = app.read_text("utf-8")
    changed = text.replace("NEIGHBOURS = 15", "NEIGHBOURS = 15  # enough")
    assert changed != text
    app.write_text(changed, "utf-8")
    result = project.json("deploy", "recommender")
    assert kinds(result)[0] == "update-code"
    assert 0 < result["uploaded_bytes"] <= 20_000
    assert result["uploaded_bytes"] == sizes(project)["function.zip"]
    assert project("invoke", "recommender").json() == expected(project)


def test_a_new_version_of_a_light_package_uploads_what_contains_it(project: Command) -> None:
    before = manifest(project)
    requirements = project.folder / "recommender" / "requirements.txt"
    requirements.write_text(requirements.read_text().replace("idna==3.10", "idna>3.10"))
    result = project.json("deploy", "recommender")
    after = manifest(project)
    changed = [
        new
        for old, new in zip(before["artifacts"], after["artifacts"], strict=True)
        if old["sha256"] != new["sha256"]
    ]
    (layer,) = changed
    assert "idna" in layer["packages"]
    assert "scipy" not in layer["packages"]
    assert kinds(result).count("upload-object") == 1
    assert kinds(result).count("publish-layer") == 1
    assert "update-code" not in kinds(result)
    assert result["uploaded_bytes"] == layer["size"] < 4_000_000
    assert project("invoke", "recommender").json() == expected(project)
    project("rollback", "recommender")
    assert project("invoke", "recommender").json() == expected(project)
