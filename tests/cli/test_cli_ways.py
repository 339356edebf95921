"""Transcripts of `wideload plan`: the seven ways, for functions from small to enormous."""

from __future__ import annotations

import json
import random
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from transcripts import Terminal, compare, normalised, transcript

from wideload.values.function import Strategy

EXAMPLES = Path(__file__).parents[2] / "examples"
THEN = "2026-11-20T00:00:00Z"
"""The examples name no versions: what came out after this is not looked at."""
APP = "def handler(event, context):\n    return event\n"
VPC = (
    'subnets = ["subnet-0a1b2c3d", "subnet-1a2b3c4d"]\n'
    'security_groups = ["sg-0a1b2c3d"]\n'
    'efs_access_point = "arn:aws:elasticfilesystem:eu-west-1:123456789012:access-point/'
    'fsap-0123456789abcdef0"\n'
    's3_files_access_point = "arn:aws:s3files:eu-west-1:123456789012:file-system/'
    'fs-0123456789abcdef0/access-point/fsap-0123456789abcdef0"\n'
)
GIANT = 12 * 10**9


def check(terminal: Terminal, name: str, typed: str, *, update: bool) -> str:
    done = terminal.run(*typed.split())
    text = normalised(transcript(typed, done), terminal.folder)
    # How much a table of contents takes is the index's affair.
    text = re.sub(r"[\d.]+ k?M?B fetched", "N fetched", text)
    compare(f"ways/{name}.txt", text, update=update)
    assert done.returncode == 0, done.stderr
    return done.stdout


def feasible(terminal: Terminal, typed: str) -> set[str]:
    document: dict[str, Any] = json.loads(terminal.run(*typed.split(), "--json").stdout)
    assert sorted(one["strategy"] for one in document["candidates"]) == sorted(Strategy)
    return {one["strategy"] for one in document["candidates"] if one["feasible"]}


def project(folder: Path, name: str, lines: str) -> Path:
    """A project of one function; returns the function's folder."""
    source = folder / name
    source.mkdir(parents=True)
    (source / "app.py").write_text(APP)
    table = f'[functions.{name}]\nsource = "{name}"\nhandler = "app.handler"\n'
    (folder / "wideload.toml").write_text(table + 'runtime = "python3.13"\n' + lines)
    return source


@pytest.mark.usefixtures("clean_environment")
@pytest.mark.parametrize("prefer", ["simple", "cold-start", "cheap"])
def test_a_function_of_three_megabytes(tmp_path: Path, update_golden: bool, prefer: str) -> None:
    folder = tmp_path / "shop"
    source = project(folder, "small", f'requirements = ""\nprefer = "{prefer}"\n' + VPC)
    (source / "prices.bin").write_bytes(random.Random(7).randbytes(3_000_000))
    terminal = Terminal(folder)
    check(terminal, f"small-{prefer}", "plan small", update=update_golden)
    assert {"direct-zip", "s3-zip", "layers", "s3-bootstrap"} <= feasible(terminal, "plan small")


@pytest.mark.usefixtures("clean_environment")
def test_a_model_of_twelve_gigabytes(tmp_path: Path, update_golden: bool) -> None:
    folder = tmp_path / "shop"
    source = project(folder, "giant", 'requirements = ""\nmemory = 10240\n' + VPC)
    with (source / "model.bin").open("wb") as file:
        file.truncate(GIANT)
    terminal = Terminal(folder)
    check(terminal, "giant", "plan giant", update=update_golden)
    assert feasible(terminal, "plan giant") <= {"efs", "s3-files"}


@pytest.mark.usefixtures("clean_environment")
def test_a_model_of_twelve_gigabytes_without_a_network(tmp_path: Path, update_golden: bool) -> None:
    folder = tmp_path / "shop"
    source = project(folder, "giant", 'requirements = ""\nephemeral = 10240\n')
    with (source / "model.bin").open("wb") as file:
        file.truncate(GIANT)
    terminal = Terminal(folder)
    check(terminal, "giant-nowhere", "plan giant", update=update_golden)
    assert not feasible(terminal, "plan giant")


@pytest.mark.network
@pytest.mark.parametrize("name", ["recommender", "trader", "classifier"])
def test_an_example(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, update_golden: bool, name: str
) -> None:
    # Nothing was built yet, of these packages or any.
    monkeypatch.setenv("WIDELOAD_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("UV_EXCLUDE_NEWER", THEN)
    folder = tmp_path / "shop"
    left = shutil.ignore_patterns("pylock.*", "*.h5", ".wideload")
    shutil.copytree(EXAMPLES / name, folder / name, ignore=left)
    shutil.copy(EXAMPLES / "wideload.toml", folder)
    if name == "classifier":
        # As large as the weights that make_model.py writes, and as little to compress.
        weights = random.Random(7).randbytes(88_077_416)
        (folder / name / "inception.weights.h5").write_bytes(weights)
    terminal = Terminal(folder)
    check(terminal, name, f"plan {name}", update=update_golden)
    fits = {"layers", "s3-zip"} if name == "recommender" else {"direct-zip", "s3-zip", "layers"}
    found = feasible(terminal, f"plan {name}")
    assert found >= (set() if name == "classifier" else fits)
    assert "s3-bootstrap" in found
