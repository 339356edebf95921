"""The same input gives the same bytes, wherever and however it is built."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from e2e_command import ZOO, Command

from wheel_maker import wheel

if TYPE_CHECKING:
    from local_index import LocalIndex
    from made_projects import ProjectMaker


def copy(to: Path) -> Path:
    shutil.copytree(ZOO, to, ignore=shutil.ignore_patterns("__pycache__", "pylock.*"))
    return to


def digests(command: Command, *names: str) -> dict[str, str]:
    found = {}
    for name in names:
        shown = command.json("build", name)
        folder = command.folder / ".wideload" / "build" / name
        assert Path(shown["folder"]) == folder
        for file in ("function.zip", "manifest.json"):
            found[f"{name}/{file}"] = hashlib.sha256((folder / file).read_bytes()).hexdigest()
        assert shown["artifacts"][0]["sha256"] == found[f"{name}/function.zip"]
    return found


@pytest.mark.network
def test_two_builds_in_two_places_are_the_same(tmp_path: Path) -> None:
    first = Command(copy(tmp_path / "a"), tmp_path / "cache-a", TZ="UTC", PYTHONHASHSEED="1")
    built = digests(first, "hello", "adder", "needs_data")

    place = copy(tmp_path / "an other" / "pläce")
    second = Command(
        place,
        tmp_path / "cache-b",
        TZ="Pacific/Kiritimati",
        LC_ALL="C",
        PYTHONHASHSEED="2",
        UV_CACHE_DIR=str(tmp_path / "uv-b"),
    )
    for path in place.rglob("*"):
        os.utime(path, (86_400 * 365 * 30, 86_400 * 365 * 30))
    for path in place.rglob("*.json"):
        path.chmod(0o600)
    (place / "hello" / "__pycache__").mkdir()
    (place / "hello" / "__pycache__" / "app.cpython-313.pyc").write_bytes(b"stale")
    before = os.umask(0o077)
    try:
        assert digests(second, "adder", "needs_data", "hello") == built
    finally:
        os.umask(before)
    # Again, with all that was kept, and without.
    assert digests(second, "hello", "adder", "needs_data") == built
    shutil.rmtree(place / ".wideload")
    assert digests(second, "hello", "adder", "needs_data") == built

    locks = [
        (folder / "adder" / "pylock.adder.toml").read_bytes() for folder in (first.folder, place)
    ]
    assert locks[0] == locks[1]


@pytest.mark.network
def test_nothing_of_this_machine_is_in_what_is_built(tmp_path: Path) -> None:
    command = Command(copy(tmp_path / "place"), tmp_path / "cache")
    digests(command, "adder")
    folder = command.folder / ".wideload" / "build" / "adder"
    manifest = (folder / "manifest.json").read_text("utf-8")
    assert str(tmp_path) not in manifest
    with zipfile.ZipFile(folder / "function.zip") as archive:
        assert archive.testzip() is None
        for info in archive.infolist():
            assert info.date_time == (1980, 1, 1, 0, 0, 0)
            assert info.external_attr >> 16 in (0o100644, 0o100755)
            assert info.create_system == 3
            assert str(tmp_path).encode() not in archive.read(info)
        names = archive.namelist()
    assert "app.py" in names
    assert "roman/__init__.py" in names or "roman.py" in names
    assert not [name for name in names if name.endswith(("INSTALLER", "direct_url.json"))]


def test_one_changed_byte_is_another_build(tmp_path: Path) -> None:
    command = Command(copy(tmp_path / "place"), tmp_path / "cache")
    built = digests(command, "hello")
    app = command.folder / "hello" / "app.py"
    stat = app.stat()
    app.write_bytes(app.read_bytes().replace(b"hello, ", b"hallo, "))
    os.utime(app, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    changed = digests(command, "hello")
    assert changed["hello/function.zip"] != built["hello/function.zip"]
    assert changed["hello/manifest.json"] != built["hello/manifest.json"]


def test_killed_while_fetching_or_building_the_next_build_is_the_same(
    projects: ProjectMaker, index: LocalIndex
) -> None:
    noise = random.Random(1)
    names = [f"part{number}" for number in range(6)]
    for name in names:
        data = noise.randbytes(400_000)
        index.add(wheel(name, files={f"{name}/__init__.py": b"", f"{name}/data.bin": data}))
    root = projects.make(requirements="\n".join(names) + "\n")
    cache = root.parent / "cache"
    command = Command(root, cache)
    expected = digests(command, "shop")
    index.manners.pause = 0.02  # so that fetching lasts half a second
    killed = 0
    moments = [0.25, 0.4, 0.55, 0.7, 0.85, 1.0]
    for moment in moments:
        shutil.rmtree(cache)
        shutil.rmtree(root / ".wideload")
        process = command.start("build")
        time.sleep(moment)
        process.kill()
        process.communicate()
        killed += process.returncode != 0
        assert digests(command, "shop") == expected, f"killed after {moment} s"
    assert killed >= 3
