"""The profile as it is committed: what it looks like, what is refused, what outdates it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from trace_made import TARGET, used

from wideload.errors import WideloadError
from wideload.trace.files import profile_path, read_profile, write_profile
from wideload.values.function import (
    Function,
    LockedRequirements,
    NoRequirements,
    OpenRequirements,
    Requirements,
    Settings,
)
from wideload.values.profile import Profile, UsedPath
from wideload.values.target import Target
from wideload.values.tree import FileTree

if TYPE_CHECKING:
    from pathlib import Path

PROFILE = msgspec.structs.replace(
    used("one/__init__.py", "one/é.json"),
    entries=(
        UsedPath("one/__init__.py", "init", "open"),
        UsedPath("", "init", "list"),
        UsedPath('one/é "x".json', "event.json", "stat"),
        UsedPath("/opt/lib/libx.so", "event.json", "open"),
    ),
)


def test_a_profile_is_json_with_an_entry_a_line() -> None:
    text = PROFILE.encode().decode()
    assert text == (
        "{\n"
        ' "schema": 1,\n'
        ' "function": "probe",\n'
        ' "target": {\n'
        '  "runtime": "python3.13",\n'
        '  "architecture": "x86_64"\n'
        " },\n"
        ' "packages": [\n'
        '  "one==1.0"\n'
        " ],\n"
        ' "events": [\n'
        "  {\n"
        '   "name": "event.json",\n'
        f'   "sha256": "{"0" * 64}"\n'
        "  }\n"
        " ],\n"
        ' "entries": [\n'
        '  ["one/__init__.py", "init", "open"],\n'
        '  ["", "init", "list"],\n'
        '  ["one/é \\"x\\".json", "event.json", "stat"],\n'
        '  ["/opt/lib/libx.so", "event.json", "open"]\n'
        " ]\n"
        "}\n"
    )


@given(
    st.lists(
        st.builds(
            UsedPath,
            st.text(st.characters(exclude_categories=["C"]), min_size=1).filter(
                lambda text: not set(text) & set("/\\") and text not in (".", "..")
            ),
            st.sampled_from(["init", "event.json"]),
            st.sampled_from(["open", "stat", "list"]),
        ),
        unique_by=lambda entry: entry.path,
    )
)
def test_what_is_written_is_read_again(entries: list[UsedPath]) -> None:
    profile = msgspec.structs.replace(PROFILE, entries=tuple(entries))
    assert Profile.decode(profile.encode(), "it") == profile


def test_files_and_listed_folders_are_told_apart() -> None:
    assert PROFILE.files == {"one/__init__.py", 'one/é "x".json', "/opt/lib/libx.so"}
    assert PROFILE.folders == {""}


def damaged(**changes: object) -> bytes:
    return json.dumps({**json.loads(PROFILE.encode()), **changes}).encode()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", ""),
        (b"[]", "object"),
        (b"\xff", ""),
        (damaged(schema=2), "schema 2"),
        (damaged(events=7), "array"),
        (damaged(packages=["one"]), "'one'"),
        (damaged(entries=[["a", "later", "open"]]), "'later'"),
        (damaged(entries=[["a", "init", "eaten"]]), "eaten"),
        (damaged(entries=[["../a", "init", "open"]]), "'../a'"),
        (damaged(entries=[["/home/me/a", "init", "open"]]), "'/home/me/a'"),
        (damaged(entries=[["", "init", "open"]]), "''"),
        (damaged(entries=[["a", "init", "open"], ["a", "init", "stat"]]), "twice"),
    ],
)
def test_what_is_no_profile_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(WideloadError) as error:
        Profile.decode(data, "probe.profile.json")
    assert "probe.profile.json" in error.value.what
    assert why in error.value.why
    assert "wideload trace" in error.value.hint


def test_other_versions_outdate_it() -> None:
    packages = ("one==1.0", "two==2.0")
    profile = msgspec.structs.replace(PROFILE, packages=packages)
    assert profile.outdated_by(TARGET, packages) == ()
    assert profile.outdated_by(TARGET, ["two==2.0"]) == ()
    assert profile.outdated_by(TARGET, ["one==1.1", "new==1"]) == (
        "new==1 was not there",
        "one was 1.0, now it is 1.1",
    )
    assert profile.outdated_by(Target.parse("python3.13", "arm64"), packages) == ()
    assert profile.outdated_by(Target.parse("python3.12", "x86_64"), packages) == (
        "the runtime was python3.13, now it is python3.12",
    )


def test_a_profile_is_read_for_the_packages_that_it_is_of(tmp_path: Path) -> None:
    path = tmp_path / "probe.profile.json"
    with pytest.raises(WideloadError, match="is not there"):
        read_profile(path, TARGET, ["one==1.0"])
    assert write_profile(path, PROFILE)
    assert not write_profile(path, PROFILE)
    assert read_profile(path, TARGET, ["one==1.0"]) == PROFILE
    with pytest.raises(WideloadError) as error:
        read_profile(path, TARGET, ["one==2.0"])
    assert error.value.why == "one was 1.0, now it is 2.0"
    assert "wideload trace" in error.value.hint


@pytest.mark.parametrize(
    ("requirements", "folder"),
    [
        (NoRequirements(), "/project/probe"),
        (OpenRequirements("/project/requirements.txt", "requirements"), "/project"),
        (LockedRequirements("/project/locks/uv.lock", "uv.lock", ()), "/project/locks"),
    ],
)
def test_a_profile_lies_beside_the_requirements(requirements: Requirements, folder: str) -> None:
    function = Function(
        name="probe",
        root="/project",
        source="/project/probe",
        handler="app.handler",
        target=TARGET,
        files=FileTree.of([]),
        requirements=requirements,
        settings=Settings(),
    )
    assert str(profile_path(function)) == f"{folder}/probe.profile.json"
