from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from trace_made import TARGET

from wideload.sandbox import LinuxSandbox
from wideload.trace.recorder import INIT_TIMEOUT, TracingSandbox
from wideload.values.environment import EnvironmentSpec

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def tracing_sandbox(tmp_path_factory: pytest.TempPathFactory) -> TracingSandbox:
    cache = tmp_path_factory.getbasetemp() / "sandbox-cache"
    return LinuxSandbox(cache, init_timeout=INIT_TIMEOUT)


@pytest.fixture
def spec(tmp_path: Path) -> EnvironmentSpec:
    task = tmp_path / "task"
    task.mkdir()
    return EnvironmentSpec(
        function="probe",
        version="$LATEST",
        target=TARGET,
        handler="app.handler",
        task=str(task),
        memory=1769,
    )
