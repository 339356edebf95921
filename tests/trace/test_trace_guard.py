"""What a package says when what was left out of it is imported."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING, Any

import pytest

from wideload.trace.guarding import guard_files
from wideload.trace.keep import Gone

if TYPE_CHECKING:
    from pathlib import Path

GONE = (Gone("one.sub", "one/sub/**"), Gone("six", "six.*"), Gone("ns", "ns/**"))


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package with a guard, from which one.sub, six and ns are gone."""
    for path, data in guard_files(GONE):
        (tmp_path / path).write_bytes(data)
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "__init__.py").touch()
    return tmp_path


def run(package: Path, code: str) -> tuple[Any, str]:
    """What code answers in a Python that treats a package as Lambda's runtime does."""
    start = "import json, site, sys; sys.path.insert(0, sys.argv[1]); site.addsitedir(sys.argv[1])"
    done = subprocess.run(
        [sys.executable, "-I", "-B", "-c", f"{start}\n{textwrap.dedent(code)}", str(package)],
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout), done.stderr


CAUGHT = """
try:
    {}
    print(json.dumps(None))
except ModuleNotFoundError as error:
    print(json.dumps(str(error)))
"""


@pytest.mark.parametrize(
    ("statement", "name", "pattern"),
    [
        ("import one.sub", "one.sub", "one/sub/**"),
        ("import one.sub.deeper", "one.sub", "one/sub/**"),
        ("from one import sub", "one.sub", "one/sub/**"),
        ("from one.sub import x", "one.sub", "one/sub/**"),
        ("import importlib; importlib.import_module('one.sub')", "one.sub", "one/sub/**"),
        ("import six", "six", "six.*"),
        ("import ns.a.b", "ns", "ns/**"),
        ("import importlib.util; importlib.util.find_spec('six')", "six", "six.*"),
    ],
)
def test_what_is_gone_says_why_and_how_to_have_it_back(
    package: Path, statement: str, name: str, pattern: str
) -> None:
    message, logged = run(package, CAUGHT.format(statement))
    assert message.startswith(f"No module named '{name}': ")
    assert "the rule traced/1 of wideload" in message
    assert f'keep = ["{pattern}"]' in message
    assert "`wideload trace`" in message
    assert logged == f"{message}\n"


def test_what_never_was_there_is_not_there_as_ever(package: Path) -> None:
    message, logged = run(package, CAUGHT.format("import never_there"))
    assert message == "No module named 'never_there'"
    assert logged == ""


def test_what_is_there_is_imported(package: Path) -> None:
    assert run(package, CAUGHT.format("import one, json")) == (None, "")


def test_a_package_whose_list_is_lost_still_runs(package: Path) -> None:
    """What site says of the .pth then is for the log; it goes on."""
    (package / "_wideload_guard.txt").unlink()
    message, logged = run(package, CAUGHT.format("import ns"))
    assert message == "No module named 'ns'"
    assert "_wideload_guard.pth" in logged


def test_it_loads_nothing_else(package: Path) -> None:
    with_guard, _ = run(package, "print(json.dumps(sorted(sys.modules)))")
    (package / "_wideload_guard.pth").unlink()
    without, _ = run(package, "print(json.dumps(sorted(sys.modules)))")
    assert set(with_guard) - set(without) == {"_wideload_guard"}


def test_what_is_to_be_had_elsewhere_is_not_taken_for_what_is_gone(package: Path) -> None:
    """The runtime carries a six of its own, in some version."""
    (package / "runtime").mkdir()
    (package / "runtime" / "six.py").touch()
    message, _ = run(
        package, "sys.path.append(sys.argv[1] + '/runtime')" + CAUGHT.format("import six")
    )
    assert message.startswith("No module named 'six': it was left out")


def test_the_files_are_the_same_whatever_the_order_of_what_is_gone() -> None:
    assert guard_files(GONE) == guard_files(reversed(GONE))
    patterns = dict(guard_files(GONE))["_wideload_guard.txt"].split(b"\n")[1:]
    assert patterns == [b"ns/**", b"one/sub/**", b"six.*"]


def test_where_nothing_is_gone_there_is_no_guard() -> None:
    assert guard_files(()) == ()
