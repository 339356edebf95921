"""The examples in Node.js and Go: what their scripts make is what they ship, and is used."""

from __future__ import annotations

import ipaddress
import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


def table(name: str) -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((EXAMPLES / "wideload.toml").read_text())["functions"]
    configured: dict[str, Any] = found[name]
    return configured


def test_thumbnailer_asks_for_three_packages_of_fixed_versions() -> None:
    manifest = json.loads((EXAMPLES / "thumbnailer" / "package.json").read_text())
    lock = json.loads((EXAMPLES / "thumbnailer" / "package-lock.json").read_text())
    assert set(manifest["dependencies"]) == {"googleapis", "onnxruntime-node", "sharp"}
    assert lock["packages"][""]["dependencies"] == manifest["dependencies"]
    assert all(wanted[0].isdigit() for wanted in manifest["dependencies"].values())
    assert table("thumbnailer")["runtime"] == "nodejs22.x"


def test_thumbnailers_model_is_what_its_script_makes(tmp_path: Path) -> None:
    source = EXAMPLES / "thumbnailer"
    shutil.copy(source / "make_model.mjs", tmp_path)
    subprocess.run(["node", "make_model.mjs"], cwd=tmp_path, check=True)
    for name in ("model.onnx", "labels.json"):
        assert (tmp_path / name).read_bytes() == (source / name).read_bytes()


def test_router_is_made_by_the_tools_on_the_path() -> None:
    configured = table("router")
    assert configured["build"] == "python3 make_routes.py && go build -o bootstrap ."
    assert configured["runtime"] == "provided.al2023"
    source = (EXAMPLES / "router" / "main.go").read_text()
    imported = source.partition("import (")[2].partition(")")[0].split()
    assert not [name for name in imported if "." in name]


@pytest.mark.heavy
def test_routers_answer_is_what_its_table_says(tmp_path: Path) -> None:
    source = EXAMPLES / "router"
    for name in ("make_routes.py", "routers.json"):
        shutil.copy(source / name, tmp_path)
    subprocess.run([sys.executable, "make_routes.py"], cwd=tmp_path, check=True)
    made = (tmp_path / "routes.bin").read_bytes()
    routers = json.loads((source / "routers.json").read_text())
    asked = json.loads((source / "event.json").read_text())["addresses"]
    expected = json.loads((source / "expected.json").read_text())
    assert expected["entries"] == len(made) // 4 == 1 << 26
    for address, route in zip(asked, expected["routes"], strict=True):
        at = int(ipaddress.ip_address(address)) >> 6 << 2
        router, length, low, high = made[at : at + 4]
        network = ipaddress.ip_network(f"{address}/{length}", strict=False)
        assert route == {
            "address": address,
            "prefix": str(network),
            "router": routers[router],
            "distance": low | high << 8,
        }
