"""What tests of several stages share: an index on loopback, a clean environment, a cache."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from local_index import LocalIndex
from made_projects import ProjectMaker
from wideload.cache import Cache
from wideload.resolve.credentials import Credentials
from wideload.resolve.http import Http

if TYPE_CHECKING:
    from collections.abc import Iterator


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="write the transcripts of tests/golden anew instead of comparing with them",
    )


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-golden"))


@pytest.fixture(scope="session")
def uv_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all tests: each index has a root of its own, so nothing stale is found in it."""
    return tmp_path_factory.mktemp("uv-cache")


@pytest.fixture
def clean_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, uv_cache: Path
) -> pytest.MonkeyPatch:
    """No setting of this machine's user reaches uv or wideload."""
    for name in list(os.environ):
        if name.startswith(("UV_", "PIP_", "WIDELOAD_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PATH", os.pathsep.join([str(Path(sys.executable).parent), os.defpath]))
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    monkeypatch.setenv("NETRC", str(home / "netrc"))
    monkeypatch.setenv("UV_CACHE_DIR", str(uv_cache))
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("WIDELOAD_CACHE", str(tmp_path / "cache"))
    return monkeypatch


@pytest.fixture
def index(clean_environment: pytest.MonkeyPatch) -> Iterator[LocalIndex]:
    """A package index, the only one that uv and wideload know of."""
    with LocalIndex() as index:
        clean_environment.setenv("UV_DEFAULT_INDEX", index.url)
        yield index


@pytest.fixture
def store(tmp_path: Path) -> Cache:
    """wideload's cache, empty; the same that `clean_environment` names."""
    return Cache(tmp_path / "cache")


@pytest.fixture
def http() -> Http:
    return Http(Credentials([]))


@pytest.fixture
def projects(tmp_path: Path) -> ProjectMaker:
    """Makes project folders below a temporary one."""
    return ProjectMaker(tmp_path / "projects")
