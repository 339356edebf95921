"""Finding a Node.js of one major version: the right one, or none."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from wideload.errors import WideloadError
from wideload.nodejs import find_node

HOME = str(Path.home())


def put(path: Path, version: str, *, shared: bool = False, npm: bool = False) -> Path:
    """Something that answers as that version would."""
    answer = json.dumps({"executable": str(path), "version": version, "shared": shared})
    script(path, f"#!/bin/sh\necho '{answer}'\n")
    if npm:
        script(path.parents[1] / "lib/npm-cli.js", "")
        (path.parent / "npm").symlink_to("../lib/npm-cli.js")
    return path


def script(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without any, that reaches no index."""
    for name in ("NVM_DIR", "FNM_DIR", "VOLTA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", str(tmp_path / "one/bin") + ":" + str(tmp_path / "two/bin"))
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    return tmp_path


def test_the_whole_path_is_looked_at(machine: Path) -> None:
    put(machine / "one/bin/node", "20.19.0")
    wanted = put(machine / "two/bin/node", "22.16.0", npm=True)
    found = find_node(22, machine / "cache")
    assert (found.executable, found.version) == (str(wanted), "22.16.0")
    assert found.npm == str((machine / "two/lib/npm-cli.js").resolve())
    assert find_node(20, machine / "cache").npm == ""


@pytest.mark.parametrize(
    ("folder", "variable"),
    [
        (".nvm/versions/node/v{}/bin/node", "NVM_DIR"),
        (".local/share/fnm/node-versions/v{}/installation/bin/node", "FNM_DIR"),
        (".volta/tools/image/node/{}/bin/node", "VOLTA_HOME"),
    ],
)
def test_version_managers_newest_comes_first(
    machine: Path, monkeypatch: pytest.MonkeyPatch, folder: str, variable: str
) -> None:
    for version in ("22.9.0", "22.17.1", "22.16.2", "24.3.0"):
        put(machine / "home" / folder.format(version), version)
    assert find_node(22, machine / "cache").version == "22.17.1"
    assert find_node(24, machine / "cache").version == "24.3.0"
    monkeypatch.setenv(variable, str(machine / "elsewhere"))
    with pytest.raises(WideloadError):
        find_node(22, machine / "cache")


@pytest.mark.parametrize(
    ("major", "version", "shared"),
    [
        (22, "24.1.0", False),
        (22, "20.19.0", False),
        # Without zstd, and without a flag that the runtime is started with.
        (22, "22.14.0", False),
        (20, "20.16.0", False),
        # It would lack its library inside.
        (22, "22.17.0", True),
    ],
)
def test_another_is_never_taken(machine: Path, major: int, version: str, shared: bool) -> None:
    found = put(machine / "one/bin/node", version, shared=shared)
    with pytest.raises(WideloadError) as caught:
        find_node(major, machine / "cache")
    assert caught.value.what == f"no Node.js {major} on this machine to run the function with"
    assert f"({found} is {version}), then tried a download: " in caught.value.why
    assert f"or a later {major}; another major version" in (caught.value.hint or "")
    assert not list((machine / "cache").glob("*/bin"))


def test_what_is_no_node_is_passed_over(machine: Path) -> None:
    script(machine / "one/bin/node", "#!/bin/sh\necho hello\n")
    put(machine / "two/bin/node", "24.0.0")
    assert find_node(24, machine / "cache").version == "24.0.0"


@pytest.mark.network
def test_it_is_fetched_where_there_is_none(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # What uv is set up with lies there.
    monkeypatch.setenv("HOME", HOME)
    for name in ("NVM_DIR", "FNM_DIR", "VOLTA_HOME"):
        monkeypatch.setenv(name, str(machine / "none"))
    monkeypatch.delenv("UV_OFFLINE")
    found = find_node(22, machine / "cache")
    assert found.version.startswith("22.")
    assert Path(found.executable).is_relative_to(machine / "cache")
    assert Path(found.npm).is_file()
    monkeypatch.setenv("UV_OFFLINE", "1")
    assert find_node(22, machine / "cache") == found
