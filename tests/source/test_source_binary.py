"""Ready and built programs: what Lambda could start, and how one is made."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest
from source_projects import refuses, write_file

from wideload.errors import WideloadError
from wideload.source.bootstrap_file import check_bootstrap
from wideload.source.config import load_project
from wideload.source.files import list_files
from wideload.source.function import read_function
from wideload.source.ignore import Rules
from wideload.values.function import Function, NoRequirements
from wideload.values.target import Target

if TYPE_CHECKING:
    from pathlib import Path

X64, ARM = (Target.parse("provided.al2023", each) for each in ("x86_64", "arm64"))
SCRIPT = "#!/bin/sh\nexec sleep 1\n"


def elf(machine: int, kind: int = 2, bits: int = 2) -> bytes:
    return struct.pack("<4sBB10xHH", b"\x7fELF", bits, 1, kind, machine) + bytes(64)


def check(folder: Path, content: str | bytes, target: Target = X64, mode: int = 0o755) -> None:
    write_file(folder, "bootstrap", content).chmod(mode)
    check_bootstrap(list_files(folder, Rules()), folder, target)


def test_what_could_be_started(tmp_path: Path) -> None:
    check(tmp_path, SCRIPT)
    check(tmp_path, elf(62))
    check(tmp_path, elf(62, kind=3))
    check(tmp_path, elf(183), ARM)


@pytest.mark.parametrize(
    ("content", "what", "why"),
    [
        (elf(183), "bootstrap is for arm64, not for x86_64", "architecture"),
        (elf(3, bits=1), "bootstrap is for 32-bit x86, not for x86_64", "architecture"),
        (elf(62, kind=1), "an ELF file, but no program", "object file"),
        (b"MZ" + bytes(99), "no program for Linux", "a Windows program"),
        (b"\xcf\xfa\xed\xfe" + bytes(99), "no program for Linux", "a macOS program"),
        ("import os\n", "no program for Linux", "neither an ELF file nor a script"),
        ("", "no program for Linux", "neither an ELF file nor a script"),
    ],
)
def test_what_could_not_refuses(tmp_path: Path, content: str | bytes, what: str, why: str) -> None:
    with refuses(what, why, ""):
        check(tmp_path, content)


def test_what_is_not_executable_refuses(tmp_path: Path) -> None:
    with refuses("bootstrap is not executable", "starts it", "chmod +x bootstrap"):
        check(tmp_path, SCRIPT, mode=0o644)


def test_a_missing_one_is_told(tmp_path: Path) -> None:
    write_file(tmp_path, "bootstrp", SCRIPT)
    with refuses("no bootstrap to start", "provided.al2023 starts", "rename 'bootstrp'"):
        check_bootstrap(list_files(tmp_path, Rules()), tmp_path, X64)
    write_file(tmp_path, "bootstrap", SCRIPT)
    files = list_files(tmp_path, Rules(exclude=("bootstrap",)))
    with refuses("no bootstrap to start", "left out of the package", "exclude"):
        check_bootstrap(files, tmp_path, X64)


def function(
    folder: Path, lines: str = "", notes: list[str] | None = None, architecture: str = "x86_64"
) -> Function:
    write_file(
        folder,
        "wideload.toml",
        '[functions.shop]\nsource = "src"\nruntime = "provided.al2023"\n'
        f'architecture = "{architecture}"\n{lines}',
    )
    heard = [] if notes is None else notes
    return read_function(load_project(folder), "shop", tell=heard.append)


def test_a_ready_program_ships_with_its_folder_and_needs_no_handler(tmp_path: Path) -> None:
    write_file(tmp_path, "src/bootstrap", SCRIPT).chmod(0o755)
    write_file(tmp_path, "src/data.txt", "1")
    found = function(tmp_path)
    assert found.handler == "bootstrap"
    assert isinstance(found.requirements, NoRequirements)
    assert [(one.path, one.mode) for one in found.files] == [
        ("bootstrap", 0o755),
        ("data.txt", 0o644),
    ]


BUILD = "build = \"printf '#!/bin/sh\\\\n# %s %s %s' $GOOS $GOARCH $CGO_ENABLED > bootstrap"
BUILD += ' && chmod +x bootstrap && cat in.txt > out.txt"\n'


def contents(found: Function) -> dict[str, str]:
    from pathlib import Path  # noqa: PLC0415

    from wideload.values.tree import LocalFile  # noqa: PLC0415

    return {
        one.path: Path(one.origin.path).read_text()
        for one in found.files
        if isinstance(one.origin, LocalFile)
    }


def test_what_a_command_makes_ships_and_nothing_is_left_behind(tmp_path: Path) -> None:
    write_file(tmp_path, "src/in.txt", "one")
    made = contents(function(tmp_path, BUILD + 'include = ["out.txt"]\n'))
    assert made == {"bootstrap": "#!/bin/sh\n# linux amd64 0", "out.txt": "one"}
    assert [path.name for path in (tmp_path / "src").iterdir()] == ["in.txt"]
    arm = contents(function(tmp_path, BUILD, architecture="arm64"))
    assert arm == {"bootstrap": "#!/bin/sh\n# linux arm64 0"}


def test_the_command_runs_again_only_when_something_changed(tmp_path: Path) -> None:
    write_file(tmp_path, "src/in.txt", "one")
    notes: list[str] = []
    first = function(tmp_path, BUILD, notes)
    assert len(notes) == 1
    assert "running printf" in notes[0]
    assert function(tmp_path, BUILD, notes) == first
    assert len(notes) == 1
    write_file(tmp_path, "src/in.txt", "two")
    function(tmp_path, BUILD, notes)
    assert len(notes) == 2


def test_a_command_that_fails_is_told_and_what_was_made_before_stays(tmp_path: Path) -> None:
    write_file(tmp_path, "src/in.txt", "one")
    before = contents(function(tmp_path, BUILD))
    with refuses("exit 3 failed", "went wrong", "a copy of the source folder"):
        function(tmp_path, 'build = "echo went wrong; exit 3"\n')
    with refuses("no-such-tool failed", "not found", "PATH"):
        function(tmp_path, 'build = "no-such-tool"\n')
    assert contents(function(tmp_path, BUILD)) == before


def test_a_command_that_makes_no_bootstrap_refuses(tmp_path: Path) -> None:
    write_file(tmp_path, "src/in.txt", "one")
    with refuses("no bootstrap to start", "left no file of that name", "go build -o bootstrap"):
        function(tmp_path, 'build = "true"\n')


def test_requirements_and_build_are_refused_where_they_mean_nothing(tmp_path: Path) -> None:
    write_file(tmp_path, "src/bootstrap", SCRIPT).chmod(0o755)
    with refuses("shop cannot have requirements", "a program that is whole", "build ="):
        function(tmp_path, 'requirements = "requirements.txt"\n')
    with refuses("shop cannot be slimmed by a trace", "provided.al2023", "safe"):
        function(tmp_path, 'slim = "traced"\n')
    write_file(
        tmp_path,
        "wideload.toml",
        '[functions.shop]\nhandler = "a.b"\nruntime = "python3.13"\nbuild = "true"\n',
    )
    with pytest.raises(WideloadError, match="bad 'build'") as caught:
        load_project(tmp_path)
    assert "provided" in caught.value.why
