from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from source_projects import APP, refuses, write_file

from wideload.source.files import list_files
from wideload.source.handler import check_handler
from wideload.source.ignore import Rules
from wideload.values.target import Target

if TYPE_CHECKING:
    from pathlib import Path

_HOST = f"python{sys.version_info[0]}.{sys.version_info[1]}"


def _check(
    folder: Path,
    handler: str,
    runtime: str = _HOST,
    rules: Rules | None = None,
    packages: tuple[str, ...] = (),
    layers: bool = False,
) -> list[str]:
    notes: list[str] = []
    target = Target.parse(runtime, "x86_64")
    files = list_files(folder, rules or Rules())
    check_handler(
        handler, files, folder, target, packages=packages, layers=layers, tell=notes.append
    )
    return notes


@pytest.mark.parametrize(
    ("path", "handler"),
    [
        ("app.py", "app.handler"),
        ("pkg/app.py", "pkg/app.handler"),
        ("pkg/app.py", "pkg.app.handler"),
        ("pkg/app/__init__.py", "pkg.app.handler"),
        ("app/__init__.py", "app.handler"),
    ],
)
def test_where_the_module_may_lie(tmp_path: Path, path: str, handler: str) -> None:
    write_file(tmp_path, path, APP)
    assert _check(tmp_path, handler) == []


@pytest.mark.parametrize(
    "code",
    [
        "class handler: ...",
        "handler = make()",
        "other, (handler, *rest) = make()",
        "handler: object = make()",
        "import handler",
        "import handler.sub",
        "import other as handler",
        "from other import handler",
        "from other import x as handler",
        "from other import *",
        "if True:\n    def handler(e, c): ...",
        "try:\n    from a import handler\nexcept ImportError:\n    handler = None",
        "with open('x') as handler: ...",
        "for handler in (): ...",
        "if (handler := make()): ...",
        "def __getattr__(name): ...",
        "globals()['handler'] = 1",
        "@app.route\ndef handler(e, c): ...",
        "@wrap\nasync def handler(e, c): ...",
    ],
)
def test_what_defines_it(tmp_path: Path, code: str) -> None:
    write_file(tmp_path, "app.py", code)
    assert _check(tmp_path, "app.handler") == []


@pytest.mark.parametrize(
    "code",
    [
        "def other():\n    def handler(e, c): ...",
        "class Other:\n    def handler(self, e): ...",
        "handler: object",
        "x = [handler for handler in ()]",
        "x = lambda: (handler := 1)",
        "print(handler)",
        "import other.handler",
        "",
    ],
)
def test_what_does_not(tmp_path: Path, code: str) -> None:
    write_file(tmp_path, "app.py", code)
    with refuses("no function for handler 'app.handler'", "does not define handler", ""):
        _check(tmp_path, "app.handler")


@pytest.mark.parametrize(
    "handler", ["handler", "app.", ".handler", "a..b", "app.py:handler", "1a.b"]
)
def test_malformed(tmp_path: Path, handler: str) -> None:
    with refuses(f"bad handler {handler!r}", "module.function", 'handler = "app.handler"'):
        _check(tmp_path, handler)


def test_the_file_is_missing(tmp_path: Path) -> None:
    write_file(tmp_path, "app.py", APP)
    write_file(tmp_path, "lib/deep.py", APP)
    with refuses("no file for handler 'ap.handler'", "there are app.py", "app.handler?"):
        _check(tmp_path, "ap.handler")
    with refuses("no file for handler", "src/app.py is not in", "did you mean app.handler?"):
        _check(tmp_path, "src/app.handler")


def test_there_is_no_python_at_all(tmp_path: Path) -> None:
    write_file(tmp_path, "index.js")
    with refuses("no file for handler", "there is no .py file", "set handler"):
        _check(tmp_path, "app.handler")


def test_the_file_is_left_out(tmp_path: Path) -> None:
    write_file(tmp_path, "tests/app.py", APP)
    with refuses("no file for handler", "there but left out", "include"):
        _check(tmp_path, "tests.app.handler")


def test_the_function_is_missing(tmp_path: Path) -> None:
    write_file(tmp_path, "app.py", "import os\ndef lambda_handler(e, c): ...\nLIMIT = 3\n")
    with refuses(
        "no function for handler 'app.handler'",
        "app.py does not define handler at its top level; it defines lambda_handler",
        "did you mean app.lambda_handler?",
    ):
        _check(tmp_path, "app.handler")
    write_file(tmp_path, "app.py", "")
    with refuses("no function", "it defines nothing", "define handler(event, context) in app.py"):
        _check(tmp_path, "app.handler")


def test_a_compiled_module_is_believed(tmp_path: Path) -> None:
    write_file(tmp_path, "app.cpython-313-x86_64-linux-gnu.so")
    (note,) = _check(tmp_path, "app.handler")
    assert "compiled" in note


def test_a_handler_of_a_package_or_layer_is_believed(tmp_path: Path) -> None:
    write_file(tmp_path, "app.py", APP)
    wrapper = "data_dog.handler.handler"
    assert "not in the source" in _check(tmp_path, wrapper, packages=("data-dog",))[0]
    assert "not in the source" in _check(tmp_path, wrapper, layers=True)[0]
    with refuses("no file for handler", "data_dog/handler.py is not in", "set handler"):
        _check(tmp_path, wrapper)
    # What is partly in the source is looked for there.
    write_file(tmp_path, "data_dog/__init__.py", "")
    with refuses("no file for handler", "data_dog/handler.py is not in", ""):
        _check(tmp_path, wrapper, packages=("data-dog",))


def test_an_async_handler_is_told_of(tmp_path: Path) -> None:
    write_file(tmp_path, "app.py", "async def handler(e, c): ...")
    (note,) = _check(tmp_path, "app.handler")
    assert "does not await" in note


def test_bad_syntax(tmp_path: Path) -> None:
    write_file(tmp_path, "app.py", "def handler(:\n")
    with refuses("app.py:1 is not Python 3.", "invalid syntax", "mend the line"):
        _check(tmp_path, "app.handler")


def test_bad_syntax_for_an_older_runtime(tmp_path: Path) -> None:
    write_file(tmp_path, "app.py", APP + "try: ...\nexcept* ValueError: ...\n")
    with refuses("app.py:4 is not Python 3.10", "", "set the runtime"):
        _check(tmp_path, "app.handler", "python3.10")


def test_syntax_of_a_newer_runtime_is_only_told_of(tmp_path: Path) -> None:
    write_file(tmp_path, "app.py", "def handler(:\n")
    (note,) = _check(tmp_path, "app.handler", "python3.15")
    assert "app.py:1 does not parse with Python" in note


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    write_file(tmp_path, "app.py", b"\0\0")
    with refuses("app.py:1 is not Python", "", "mend"):
        _check(tmp_path, "app.handler")
