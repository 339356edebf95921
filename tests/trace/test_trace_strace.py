"""What is read out of the tracer's lines; those here were written by strace 6.1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from wideload.errors import WideloadError
from wideload.trace.strace import Access, Reader, tracer

if TYPE_CHECKING:
    from pathlib import Path

STAT = "{st_mode=S_IFREG|0644, st_size=4520, ...}"


def read(tmp_path: Path, *lines: str) -> list[tuple[str, str]]:
    log = tmp_path / "log"
    log.write_text("".join(f"6     {line}\n" for line in lines))
    return [(access.use, access.path) for access in Reader(log, "/var/task").read()]


def test_an_open_counts_by_the_real_path_of_what_it_got(tmp_path: Path) -> None:
    line = (
        'openat(AT_FDCWD</var/task>, "/var/task/numpy/_core/../../numpy.libs/libb.so", '
        "O_RDONLY|O_CLOEXEC) = 3</var/task/numpy.libs/libb.so>"
    )
    assert read(tmp_path, line) == [("open", "/var/task/numpy.libs/libb.so")]


@pytest.mark.parametrize(
    "line",
    [
        f'newfstatat(AT_FDCWD</var/task>, "/var/task/a/b.py", {STAT}, 0) = 0',
        f'newfstatat(5</var/task/a>, "b.py", {STAT}, 0) = 0',
        f'stat("/var/task/x/../a/b.py", {STAT}) = 0',
        'access("a/b.py", R_OK) = 0',
        'statx(AT_FDCWD</var/task/a>, "b.py", AT_STATX_SYNC_AS_STAT, STATX_ALL, {stx_mask=1}) = 0',
        'readlink("/var/task/a/b.py", "other", 4095) = 5',
        'faccessat2(AT_FDCWD, "a/b.py", R_OK, AT_EACCESS) = 0',
    ],
)
def test_each_way_of_looking_at_a_file_counts(tmp_path: Path, line: str) -> None:
    assert read(tmp_path, line) == [("stat", "/var/task/a/b.py")]


def test_a_look_at_an_open_file_is_nothing_new(tmp_path: Path) -> None:
    assert read(tmp_path, f'newfstatat(3</var/task/a>, "", {STAT}, AT_EMPTY_PATH) = 0') == []


def test_a_program_that_is_run_is_opened(tmp_path: Path) -> None:
    line = 'execve("/var/task/bin/tool", ["tool", "a) = 1"], 0x7ffe41c4a6f0 /* 21 vars */) = 0'
    assert read(tmp_path, line) == [("open", "/var/task/bin/tool")]


def test_a_folder_is_listed_when_its_names_are_read(tmp_path: Path) -> None:
    lines = (
        'openat(AT_FDCWD</var/task>, "a", O_RDONLY|O_DIRECTORY) = 4</var/task/a>',
        "getdents64(4</var/task/a>, 0x55d0 /* 9 entries */, 32768) = 264",
    )
    assert read(tmp_path, *lines) == [("open", "/var/task/a"), ("list", "/var/task/a")]


def test_where_a_relative_name_is_meant_is_anywhere_that_was_worked_in(tmp_path: Path) -> None:
    lines = ('chdir("/tmp") = 0', "fchdir(3</var/task/deep>) = 0", 'access("x", F_OK) = 0')
    assert read(tmp_path, *lines) == [
        ("stat", "/tmp"),
        ("stat", "/var/task/x"),
        ("stat", "/tmp/x"),
        ("stat", "/var/task/deep/x"),
    ]


def test_names_are_taken_out_of_their_quotes(tmp_path: Path) -> None:
    lines = (
        f'newfstatat(AT_FDCWD</var/task>, "/var/task/\\303\\251 \\"a\\"\\n", {STAT}, 0) = 0',
        r'openat(AT_FDCWD</var/task>, "b\76", O_RDONLY) = 3</var/task/b\76>',
    )
    assert read(tmp_path, *lines) == [
        ("stat", '/var/task/é "a"\n'),
        ("open", "/var/task/b>"),
    ]


def test_other_lines_are_passed_over(tmp_path: Path) -> None:
    lines = ("+++ exited with 0 +++", "--- SIGCHLD {si_signo=SIGCHLD} ---", "", "getpid() = 5")
    assert read(tmp_path, *lines) == []


def test_a_line_is_read_once_and_when_it_is_whole(tmp_path: Path) -> None:
    log = tmp_path / "log"
    line = b'1 access("/var/task/a", F_OK) = 0\n'
    log.write_bytes(line + line[:20])
    reader = Reader(log, "/var/task")
    assert list(reader.read()) == [Access("/var/task/a", "stat")]
    assert list(reader.read()) == []
    log.write_bytes(line + line)
    assert list(reader.read()) == [Access("/var/task/a", "stat")]


def test_a_machine_without_the_tracer_is_told_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(WideloadError) as error:
        tracer(str(tmp_path))
    assert str(tmp_path) in error.value.why
    assert "`strace`" in error.value.hint
