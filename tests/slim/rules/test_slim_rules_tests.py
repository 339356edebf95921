"""Test suites go; what shipped code asks for of them stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from slimming_maker import Kitchen, gone
from wideload.slim.rules.tests import RULE

SUITE = {
    "pkg/__init__.py": "",
    "pkg/tests/__init__.py": "",
    "pkg/tests/test_one.py": "def test_one(): pass\n",
    "pkg/tests/helpers.py": "from . import data\n",
    "pkg/tests/data/table.csv": "1,2\n",
}


def dropped(tmp_path: Path, files: dict[str, str], own: dict[str, str] | None = None) -> set[str]:
    found = gone(Kitchen(tmp_path, {"pkg": files}, own).slim())
    assert set(found.values()) <= {RULE.name, "docs/1"}
    return set(found)


def test_a_suite_goes_with_its_data(tmp_path: Path) -> None:
    assert dropped(tmp_path, SUITE) == {path for path in SUITE if "/tests/" in path}


@pytest.mark.parametrize(
    "public",
    [
        "numpy/testing/__init__.py",
        "numpy/testing/_private/utils.py",
        "numpy/_pytesttester.py",
        "pandas/testing.py",
        "pandas/_testing/__init__.py",
        "scipy/_lib/_testutils.py",
        "sklearn/utils/_testing.py",
        "sklearn/datasets/data/iris.csv",
        "sqlalchemy/testing/suite/__init__.py",
        "django/test/client.py",
        "django/test/__init__.py",
        "flask/testing.py",
        "werkzeug/test.py",
        "aiohttp/test_utils.py",
        "jinja2/tests.py",
        "pkg/contest/test_of_will.txt",
    ],
)
def test_what_helps_others_to_test_stays(tmp_path: Path, public: str) -> None:
    top = public.partition("/")[0]
    files = {f"{top}/__init__.py": "", public: "class TestClient: pass\n"}
    assert dropped(tmp_path, files) == set()


def test_templates_of_projects_are_data(tmp_path: Path) -> None:
    inside = "pkg/template/{{ name }}/tests/test_it.py"
    assert dropped(tmp_path, {"pkg/__init__.py": "", inside: "def test_it(): pass\n"}) == set()


@pytest.mark.parametrize(
    ("code", "kept"),
    [
        ("from .tests.helpers import f\n", {"__init__.py", "helpers.py"}),
        ("from pkg.tests import helpers\n", {"__init__.py", "helpers.py"}),
        ("from . import (\n    a,  # this\n    tests,\n)\n", {"__init__.py"}),
        ("import os, pkg.tests.helpers\n", {"__init__.py", "helpers.py"}),
        ("if 1: import pkg.tests.test_one as t\n", {"__init__.py", "test_one.py"}),
        ('import_module("pkg.tests.helpers")\n', {"__init__.py", "helpers.py"}),
        ('import_module(".tests.helpers", __package__)\n', {"__init__.py", "helpers.py"}),
        ('import_module(f"{__name__}.tests.helpers")\n', {"__init__.py", "helpers.py"}),
        ('# from .tests import helpers\n"""\n>>> import pkg.tests.helpers\n"""\n', set()),
        ('words = ["tests", "test"]\n', set()),
        ('pytest.main([join(HERE, "tests")])\n', set()),
    ],
)
def test_a_module_that_is_imported_stays_with_what_it_imports(
    tmp_path: Path, code: str, kept: set[str]
) -> None:
    files = {**SUITE, "pkg/code.py": code}
    suite = {path for path in SUITE if "/tests/" in path}
    assert suite - dropped(tmp_path, files) == {f"pkg/tests/{name}" for name in kept}


@pytest.mark.parametrize(
    "code",
    [
        'open(os.path.join(os.path.dirname(__file__), "tests", "data", "table.csv"))\n',
        'Path(__file__).parent / "tests" / "data"\n',
        'open(HERE + "/tests/data/table.csv")\n',
        'importlib.resources.files("pkg") / "tests"\n',
    ],
)
def test_a_folder_that_is_opened_stays_whole(tmp_path: Path, code: str) -> None:
    assert dropped(tmp_path, {**SUITE, "pkg/code.py": code}) == set()


def test_a_kept_module_that_looks_beside_itself_keeps_the_folder(tmp_path: Path) -> None:
    files = {
        **SUITE,
        "pkg/code.py": "from .tests import helpers\n",
        "pkg/tests/helpers.py": "open(__file__)\n",
    }
    assert dropped(tmp_path, files) == set()


def test_what_kept_tests_import_of_other_suites_stays(tmp_path: Path) -> None:
    files = {
        **SUITE,
        "pkg/code.py": "from .tests import helpers\n",
        "pkg/tests/helpers.py": "from ..sub.tests.common import x\n",
        "pkg/sub/__init__.py": "",
        "pkg/sub/tests/__init__.py": "",
        "pkg/sub/tests/common.py": "x = 1\n",
        "pkg/sub/tests/test_two.py": "def test_two(): pass\n",
    }
    left = set(files) - dropped(tmp_path, files)
    assert {path for path in left if "/sub/tests/" in path} == {
        "pkg/sub/tests/__init__.py",
        "pkg/sub/tests/common.py",
    }


def test_the_users_code_and_other_packages_are_asked_too(tmp_path: Path) -> None:
    own = {"app.py": "from pkg.tests import test_one\n"}
    assert "pkg/tests/test_one.py" not in dropped(tmp_path / "own", SUITE, own)
    other = {"other/__init__.py": "import pkg.tests.test_one\n"}
    found = gone(Kitchen(tmp_path / "other", {"pkg": SUITE, "other": other}).slim())
    assert "pkg/tests/test_one.py" not in found
    assert "pkg/tests/helpers.py" in found


def test_an_entry_point_is_an_import(tmp_path: Path) -> None:
    points = {"pkg-1.0.dist-info/entry_points.txt": "[console_scripts]\nx = pkg.tests.helpers:f\n"}
    assert "pkg/tests/helpers.py" not in dropped(tmp_path, {**SUITE, **points})


def test_modules_of_tests_among_others_go(tmp_path: Path) -> None:
    files = {
        "pkg/__init__.py": "",
        "pkg/conftest.py": "",
        "pkg/test_it.py": "import pkg\n\ndef test_it(): pass\n",
        "pkg/test_kit.py": "class TestKit: pass\n",
    }
    assert dropped(tmp_path, files) == {"pkg/conftest.py", "pkg/test_it.py"}
    assert dropped(tmp_path / "2", {**files, "pkg/x.py": "from .test_it import y\n"}) == {
        "pkg/conftest.py"
    }


def test_what_cannot_be_read_keeps_its_tests(tmp_path: Path) -> None:
    assert dropped(tmp_path, {**SUITE, "pkg/closed.pyc": "compiled"}) == set()


@pytest.mark.parametrize("text", ["com.example.Service/method", "x/name.test", "a.tests.b/c.docs"])
def test_a_path_that_only_looks_like_one_of_tests_asks_for_nothing(
    tmp_path: Path, text: str
) -> None:
    files = {**SUITE, "pkg/calls.py": f'NAME = "{text}"\n'}
    assert dropped(tmp_path, files) == dropped(tmp_path / "same", SUITE)
