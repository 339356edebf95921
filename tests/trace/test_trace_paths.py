from __future__ import annotations

import pytest

from wideload.trace.paths import as_source, in_package, module_name


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        ("/var/task/a/b.py", "a/b.py"),
        ("/var/task", ""),
        ("/var/tasks/a", None),
        ("/opt/python/a/b.py", "a/b.py"),
        ("/opt/python/lib/python3.13/site-packages/a/b.py", "a/b.py"),
        ("/opt/python/lib/other/a", "lib/other/a"),
        ("/opt/lib/libx.so", "/opt/lib/libx.so"),
        ("/usr/lib/libx.so", None),
    ],
)
def test_a_path_in_lambda_has_a_name_in_the_package(inside: str, expected: str | None) -> None:
    assert in_package(inside) == expected


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("a/__pycache__/b.cpython-313.pyc", "a/b.py"),
        ("a/__pycache__/b.cpython-313.opt-2.pyc", "a/b.py"),
        ("__pycache__/b.cpython-310.pyc", "b.py"),
        ("a/b.pyc", "a/b.py"),
        ("a/b.py", "a/b.py"),
        ("a/b.json", "a/b.json"),
        ("a/__pycache__/notes.txt", "a/__pycache__/notes.txt"),
    ],
)
def test_bytecode_is_named_by_its_source(path: str, source: str) -> None:
    assert as_source(path) == source


@pytest.mark.parametrize(
    ("filename", "name"),
    [
        ("a.py", "a"),
        ("_a1.cpython-313-x86_64-linux-gnu.so", "_a1"),
        ("a.abi3.so", "a"),
        ("a.so", "a"),
        ("a.so.5", ""),
        ("liba-8fb3d286.so", ""),
        ("1a.py", ""),
        ("a.pyi", ""),
        ("a.json", ""),
    ],
)
def test_a_file_is_imported_by_the_name_before_its_ending(filename: str, name: str) -> None:
    assert module_name(filename) == name
