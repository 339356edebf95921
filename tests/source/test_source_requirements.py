from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from source_projects import LOCKS, refuses, selection, write_file

from wideload.source.requirement_names import names_of
from wideload.source.requirements import Asked, read_requirements
from wideload.source.requirements_txt import read_requirements_txt
from wideload.values.function import LockedRequirements, NoRequirements, OpenRequirements

if TYPE_CHECKING:
    from pathlib import Path

    from wideload.source.locks import Selection

_PYLOCK = 'lock-version = "1.0"\ncreated-by = "hand"\npackages = []\n'
_PYPROJECT = '[project]\nname = "x"\nversion = "1"\ndependencies = ["six"]\n'


def _read(
    root: Path,
    key: str | None = None,
    chosen: Selection | None = None,
    notes: list[str] | None = None,
) -> Asked:
    """The requirements of the function `shop` in the folder src."""
    source = root / "src"
    source.mkdir(exist_ok=True)
    tell = (notes if notes is not None else []).append
    return read_requirements("shop", key, source, root, chosen or selection(), tell)


def _path(asked: Asked) -> str:
    assert not isinstance(asked.requirements, NoRequirements)
    return asked.requirements.path


def test_the_order_in_which_they_are_found(tmp_path: Path) -> None:
    # From the last to the first: each new one wins over those before.
    poetry, pipenv = LOCKS / "poetry", LOCKS / "pipenv"
    notes: list[str] = []
    runtime = selection("python3.11")
    steps: list[tuple[str, str | bytes]] = [
        ("pyproject.toml", _PYPROJECT),
        ("requirements.txt", "six\n"),
        ("Pipfile.lock", (pipenv / "Pipfile.lock").read_bytes()),
        ("src/pyproject.toml", _PYPROJECT),
        ("src/requirements.txt", "six\n"),
        ("src/Pipfile.lock", (pipenv / "Pipfile.lock").read_bytes()),
        ("src/poetry.lock", (poetry / "poetry.lock").read_bytes()),
        ("src/pylock.toml", _PYLOCK),
        ("src/pylock.shop.toml", _PYLOCK),
    ]
    shutil.copytree(poetry / "libs", tmp_path / "src/libs")
    for path, content in steps:
        write_file(tmp_path, path, content)
        if path == "src/poetry.lock":
            (tmp_path / "src/pyproject.toml").write_text((poetry / "pyproject.toml").read_text())
        assert _path(_read(tmp_path, chosen=runtime, notes=notes)) == str(tmp_path / path)
    assert notes[0] == "requirements of shop: Pipfile.lock, not requirements.txt"
    assert notes[-1].startswith("requirements of shop: src/pylock.shop.toml, not src/pylock.toml, ")


def test_one_file_alone_needs_no_note(tmp_path: Path) -> None:
    write_file(tmp_path, "requirements.txt", "six\n")
    write_file(tmp_path, "pyproject.toml", "[project]\nname = 'x'\n")
    notes: list[str] = []
    asked = _read(tmp_path, notes=notes)
    assert asked.requirements == OpenRequirements(
        str(tmp_path / "requirements.txt"), "requirements"
    )
    assert asked.names == {"six"}
    assert notes == []


def test_its_own_pylock_is_no_lock_of_the_users(tmp_path: Path) -> None:
    write_file(tmp_path, "src/requirements.txt", "six\n")
    write_file(tmp_path, "src/pylock.shop.toml", _PYLOCK + "[tool.wideload]\nx = 1\n")
    write_file(tmp_path, "src/pylock.other.toml", _PYLOCK)
    assert _path(_read(tmp_path)).endswith("requirements.txt")


def test_a_member_of_a_uv_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_OFFLINE", "1")
    shutil.copytree(LOCKS / "uv", tmp_path, dirs_exist_ok=True)
    # The folder libs/tools is what the lock knows as the package tools.
    asked = read_requirements("shop", None, tmp_path, tmp_path, selection())
    assert _path(asked) == str(tmp_path / "uv.lock")
    assert isinstance(asked.requirements, LockedRequirements)
    assert asked.requirements.roots == ("psutil", "rich", "tools")
    assert asked.inputs == (str(tmp_path / "uv.lock"),)


def test_none_are_needed(tmp_path: Path) -> None:
    write_file(tmp_path, "requirements.txt", "six\n")
    assert _read(tmp_path, "") == Asked(NoRequirements())
    with refuses('requirements = "" has no groups', "groups = ['a']", "remove groups"):
        _read(tmp_path, "", selection(groups=("a",)))


def test_none_are_found(tmp_path: Path) -> None:
    with refuses(
        "no requirements for function 'shop'",
        f"is in {tmp_path}/src and {tmp_path}",
        'requirements = ""',
    ):
        _read(tmp_path)


def test_the_key_names_a_file(tmp_path: Path) -> None:
    write_file(tmp_path, "base.in", "six\n")
    write_file(tmp_path, "requirements.txt", "rich\n")
    assert _path(_read(tmp_path, "base.in")) == str(tmp_path / "base.in")
    write_file(tmp_path, "src/base.in", "six\n")
    assert _path(_read(tmp_path, "base.in")) == str(tmp_path / "src/base.in")
    assert _path(_read(tmp_path, "../base.in")) == str(tmp_path / "base.in")
    write_file(tmp_path, "locks/pylock.toml", _PYLOCK)
    assert isinstance(_read(tmp_path, "locks/pylock.toml").requirements, LockedRequirements)


def test_the_key_names_what_cannot_be_read(tmp_path: Path) -> None:
    write_file(tmp_path, "requirements.txt", "six\n")
    write_file(tmp_path, "Pipfile")
    write_file(tmp_path, "setup.cfg")
    with refuses(
        "no requirements file 'requirement.txt'",
        f"neither in {tmp_path}/src nor in {tmp_path}",
        "did you mean 'requirements.txt'?",
    ):
        _read(tmp_path, "requirement.txt")
    with refuses("cannot read Pipfile as requirements", "known are", "pipenv lock"):
        _read(tmp_path, "Pipfile")
    with refuses("cannot read setup.cfg as requirements", ".txt and .in", "name one of these"):
        _read(tmp_path, "setup.cfg")


def test_pyproject(tmp_path: Path) -> None:
    path = write_file(
        tmp_path,
        "src/pyproject.toml",
        _PYPROJECT
        + "[project.optional-dependencies]\nfast = ['Orjson>3']\n"
        + "[dependency-groups]\njob = ['attrs', {include-group = 'x'}]\n",
    )
    asked = _read(tmp_path, chosen=selection(groups=("job",), extras=("fast",)))
    assert asked.requirements == OpenRequirements(str(path), "pyproject", ("job",), ("fast",))
    assert asked.names == {"six", "orjson", "attrs"}
    with refuses("unknown extra 'fats'", "has fast", "did you mean 'fast'?"):
        _read(tmp_path, chosen=selection(extras=("fats",)))
    with refuses("unknown group 'fast'", "has job", "remove it from groups"):
        _read(tmp_path, chosen=selection(groups=("fast",)))


def test_pyprojects_that_count(tmp_path: Path) -> None:
    project = "[project]\nname = 'x'\nversion = '1'\n"
    for lines in ("dependencies = []\n", "dynamic = ['dependencies']\n"):
        write_file(tmp_path, "pyproject.toml", project + lines)
        assert _path(_read(tmp_path)).endswith("pyproject.toml")
    write_file(tmp_path, "pyproject.toml", project)
    with refuses("no requirements", "none of", "requirements.txt"):
        _read(tmp_path)
    write_file(tmp_path, "pyproject.toml", "[tool.poetry.dependencies]\nsix = '*'\n")
    with refuses("in Poetry's own tables", "there is no poetry.lock", "run `poetry lock`"):
        _read(tmp_path)


def test_a_requirements_txt_has_no_groups(tmp_path: Path) -> None:
    write_file(tmp_path, "requirements.txt", "six\n")
    with refuses("requirements.txt has no extras", "extras = ['a']", "remove extras"):
        _read(tmp_path, chosen=selection(extras=("a",)))


def test_what_a_requirements_txt_draws_in(tmp_path: Path) -> None:
    path = write_file(
        tmp_path,
        "requirements.txt",
        "# comment\n"
        "-r base.txt\n--requirement=deep/more.txt # why\n-cpins.txt\n--constraint pins.txt\n"
        "-r https://x.example/r.txt\n-r ${WHERE}/r.txt\n--index-url https://x.example\n"
        "Six[a]>=1 ; python_version > '3' --hash=sha256:aa \\\n  --hash=sha256:bb\n"
        "-e ./lib\nzope.interface @ https://x.example/a.whl\n./wheels/b.whl\n",
    )
    write_file(tmp_path, "base.txt", "\ufeffrich\n-r requirements.txt\n")
    write_file(tmp_path, "deep/more.txt", "-r ../base.txt\nattrs\n")
    write_file(tmp_path, "pins.txt", "numpy==2\n")
    read = read_requirements_txt(path)
    names = ["requirements.txt", "base.txt", "deep/more.txt", "pins.txt"]
    assert read.files == tuple(str(tmp_path / name) for name in names)
    assert read.names == {"six", "zope-interface", "rich", "attrs"}


def test_a_file_that_is_drawn_in_is_missing(tmp_path: Path) -> None:
    path = write_file(tmp_path, "deep/requirements.txt", "-r base.txt\n")
    write_file(tmp_path, "base.txt", "six\n")
    with refuses(
        f"{path} draws in a file that is not there",
        f"-r base.txt is {tmp_path}/deep/base.txt",
        "relative to the file that the line is in",
    ):
        read_requirements_txt(path)


def test_a_requirements_txt_that_is_no_text(tmp_path: Path) -> None:
    write_file(tmp_path, "requirements.txt", "six".encode("utf-16"))
    with refuses("cannot read", "not UTF-8", "save the file as UTF-8"):
        _read(tmp_path)


@given(st.lists(st.text(max_size=12), max_size=5))
def test_whatever_is_written_names_are_normal(lines: list[str]) -> None:
    assert all(name == name.lower() and "_" not in name for name in names_of(lines))
