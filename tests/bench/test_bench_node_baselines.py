"""What the bench compares functions in Node.js with: it works."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from wideload.bench import node_baselines
from wideload.bench.measure import phases
from wideload.cache import default_root
from wideload.nodejs import find_node
from wideload.sandbox import LinuxSandbox
from wideload.values.environment import EnvironmentSpec
from wideload.values.target import Target

pytestmark = pytest.mark.network


def test_the_plain_function_tells_how_long_its_import_took(tmp_path: Path) -> None:
    (tmp_path / "task").mkdir()
    (tmp_path / "task/app.mjs").write_text("export const handler = async (event) => event;")
    file = tmp_path / "layer" / node_baselines.PLAIN_FILE
    file.parent.mkdir(parents=True)
    file.write_text(node_baselines.PLAIN)
    environment = LinuxSandbox(default_root()).start(
        EnvironmentSpec(
            function="probe",
            version="1",
            target=Target.parse("nodejs22.x", "x86_64"),
            handler=node_baselines.PLAIN_HANDLER,
            task=str(tmp_path / "task"),
            layers=(str(tmp_path / "layer"),),
            environment={"BENCH_HANDLER": "app.handler"},
            memory=512,
        )
    )
    try:
        answer = environment.invoke(b'{"n": 1}', "id-1")
    finally:
        environment.close()
    assert json.loads(answer.payload) == {"n": 1}
    assert 0 < phases(answer, 1000.0)["import"] < 1000


def test_what_the_shell_imports_is_installed_to_the_letter(tmp_path: Path) -> None:
    node = find_node(20, default_root() / "sandbox")
    packages = node_baselines.shell_packages(tmp_path / "packages", node)
    lock = json.loads((packages / "package-lock.json").read_text())
    for name, told in lock["packages"].items():
        if name:
            found = json.loads((packages / name / "package.json").read_text())
            assert found["version"] == told["version"]
            assert told["integrity"].startswith("sha512-")
            assert "resolved" not in told
    for name, text in (("shell", node_baselines.SHELL), ("main", node_baselines.SHELL_MAIN)):
        (packages / f"{name}.mjs").write_text(text)
        subprocess.run([node.executable, "--check", packages / f"{name}.mjs"], check=True)
    loads = "await import('@aws-sdk/client-s3'); await import('unzipper');"
    subprocess.run([node.executable, "--input-type=module", "-e", loads], cwd=packages, check=True)
