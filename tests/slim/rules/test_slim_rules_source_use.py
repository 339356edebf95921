"""Packages that read the source of functions keep their sources, where they cannot do without."""

from __future__ import annotations

from pathlib import Path

import pytest

from slimming_maker import Kitchen
from wideload.slim.source_use import reads_sources
from wideload.values.slimmed import SlimOptions

DECORATOR = "import inspect\ndef keep(f):\n    f.text = inspect.getsource(f)\n    return f\n"


@pytest.mark.parametrize(
    ("code", "reads"),
    [
        (DECORATOR, True),
        ("from inspect import getsourcelines\nclass M(type):\n  a = getsourcelines(M)\n", True),
        ("try:\n    a = 1\nexcept OSError:\n    a = inspect.getsource(f)\n", True),
        ("try:\n    a = inspect.getsource(f)\nexcept OSError:\n    a = ''\n", False),
        ("try:\n    a = inspect.getsource(f)\nexcept* OSError:\n    a = ''\n", False),
        ("file = inspect.getsourcefile(f)\n", False),
        ("a = inspect.getsource(sys.modules[__name__])\n", False),
        ("# inspect.getsource(f)\n", False),
        ("def f():\n    '''Like inspect.getsource(f).'''\n", False),
        ("print 'Python 2', inspect.getsource(f)\n", True),
    ],
)
def test_who_reads_sources_unguarded_is_told_apart(code: str, reads: bool) -> None:
    assert reads_sources(code.encode()) == reads


def kept(tmp_path: Path, files: dict[str, str], name: str = "pkg") -> set[str]:
    slimmed = Kitchen(tmp_path, {name: files}).slim(SlimOptions(bytecode="sourceless"))
    return {path for path in slimmed.tree.by_path if path.endswith(".py")}


def test_a_package_that_reads_sources_keeps_them_all(tmp_path: Path) -> None:
    files = {"pkg/__init__.py": "", "pkg/deco.py": DECORATOR, "pkg/far/use.py": "x = 1\n"}
    assert kept(tmp_path, files) == set(files)


def test_so_does_one_whose_kept_tests_read_them(tmp_path: Path) -> None:
    # As onnx does, which makes its documentation of its tests' sources.
    files = {
        "pkg/__init__.py": "from pkg.test.case import base\n",
        "pkg/test/__init__.py": "",
        "pkg/test/case/__init__.py": "",
        "pkg/test/case/base.py": DECORATOR,
        "pkg/test/test_it.py": "def test_it(): pass\n",
    }
    assert kept(tmp_path, files) == set(files) - {"pkg/test/test_it.py"}


def test_tests_that_go_do_not_count(tmp_path: Path) -> None:
    files = {
        "pkg/__init__.py": "",
        "pkg/tests/test_it.py": DECORATOR + "def test_it(): pass\n",
    }
    assert kept(tmp_path, files) == set()


def test_who_reads_the_sources_of_callers_alone_does_not_keep_his_own(tmp_path: Path) -> None:
    files = {"pydantic/__init__.py": DECORATOR}
    assert kept(tmp_path, files, "pydantic") == set()


@pytest.mark.parametrize(
    "option", ["use_attribute_docstrings=True", '{"use_attribute_docstrings": True}']
)
def test_models_whose_docstrings_are_read_of_the_source_keep_it(
    tmp_path: Path, option: str
) -> None:
    files = {"pkg/__init__.py": "", "pkg/models.py": f"config = dict({option})\n"}
    assert kept(tmp_path, files) == {"pkg/models.py"}


@pytest.mark.parametrize(
    ("code", "cached"),
    [
        (
            '@numba.njit("f4(f4[::1],f4[::1])", fastmath=True, cache=True)\ndef f(a, b): pass\n',
            True,
        ),
        ("@njit(\n    types.Tuple((i4, i4))(f4),\n    cache = True,\n)\ndef f(a): pass\n", True),
        ("@vectorize([f4(f4)], cache=True)\ndef f(a): pass\n", True),
        ("@njit(cache  =\tTrue)\ndef f(a): pass\n", True),
        (
            'import numba\nfast = {"cache":True}\n@numba.jit(**fast)\ndef f(a): pass\n',
            True,
        ),
        ("np.vectorize(f)\n", False),
        ("def f(cache=True): pass\ng = np.vectorize(f)\n", False),
        ("njit = functools.partial(numba.njit, cache=True)\n", True),
        ('@njit(**{"cache": True})\ndef f(a): pass\n', True),
        ("@njit(cache=False)\ndef f(a): pass\n", False),
        ("@lru_cache(cache=True)\ndef f(a): pass\n", False),
    ],
)
def test_what_numba_caches_keeps_its_source(tmp_path: Path, code: str, cached: bool) -> None:
    files = {"pkg/__init__.py": "", "pkg/fast.py": code}
    assert kept(tmp_path, files) == ({"pkg/fast.py"} if cached else set())
