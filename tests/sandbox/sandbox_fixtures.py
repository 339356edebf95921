"""Fixtures of the sandbox's tests, named so as to be one of its name."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import msgspec
import pytest

from wideload.sandbox import LinuxSandbox
from wideload.sandbox.environment import LinuxEnvironment
from wideload.values.environment import EnvironmentSpec, Sandbox
from wideload.values.target import Target


class Starter(Protocol):
    """Starts an environment of a function given as source text."""

    def __call__(self, source: str = ..., **changes: Any) -> LinuxEnvironment: ...


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.getbasetemp() / "sandbox-cache"


@pytest.fixture(scope="session")
def sandbox(cache: Path) -> LinuxSandbox:
    made = LinuxSandbox(cache)
    _: Sandbox = made
    return made


@pytest.fixture
def spec_of(tmp_path: Path) -> Callable[..., EnvironmentSpec]:
    def make(source: str = "", **changes: Any) -> EnvironmentSpec:
        task = tmp_path / "task"
        task.mkdir(exist_ok=True)
        if source:
            (task / "app.py").write_text(textwrap.dedent(source))
        spec = EnvironmentSpec(
            function="probe",
            version="$LATEST",
            target=Target.parse("python3.13", "x86_64"),
            handler="app.handler",
            task=str(task),
            memory=1769,
            timeout=10,
        )
        return msgspec.structs.replace(spec, **changes)

    return make


@pytest.fixture
def start(sandbox: LinuxSandbox, spec_of: Callable[..., EnvironmentSpec]) -> Iterator[Starter]:
    yield from starter(sandbox, spec_of)


@pytest.fixture
def start_impatiently(cache: Path, spec_of: Callable[..., EnvironmentSpec]) -> Iterator[Starter]:
    """With two seconds for init."""
    yield from starter(LinuxSandbox(cache, init_timeout=2), spec_of)


def starter(sandbox: LinuxSandbox, spec_of: Callable[..., EnvironmentSpec]) -> Iterator[Starter]:
    started: list[LinuxEnvironment] = []

    def begin(source: str = "", **changes: Any) -> LinuxEnvironment:
        environment = sandbox.start(spec_of(source, **changes))
        started.append(environment)
        return environment

    yield begin
    for environment in started:
        environment.close()
