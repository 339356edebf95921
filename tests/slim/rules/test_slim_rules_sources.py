"""Stubs and sources for compilers go, unless something reads them while it runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from slimming_maker import Kitchen, gone
from wideload.slim.rules.sources import RULE

NAMES = [
    *("a.pyi", "a.pyx", "a.pxd", "a.pxi", "a.pyx.in", "a.h", "a.hpp", "a.c", "a.cc", "a.cpp"),
    *("a.f", "a.f90", "a.cu", "a.cuh", "liba.a", "a.lib", "a.cmake", "meson.build"),
]
FILES = {
    "pkg/__init__.py": "",
    "pkg/py.typed": "",
    **dict.fromkeys((f"pkg/{n}" for n in NAMES), ""),
}


def dropped(tmp_path: Path, files: dict[str, str], name: str = "pkg") -> set[str]:
    found = gone(Kitchen(tmp_path, {name: files}).slim())
    assert set(found.values()) <= {RULE.name}
    return set(found)


def test_all_of_them_go_and_nothing_else(tmp_path: Path) -> None:
    more = {"pkg/data.json": "", "pkg/.h": "", "pkg/notes.txt": "", "pkg/a.so": "", "pkg/a.pc": ""}
    assert dropped(tmp_path, {**FILES, **more}) == {f"pkg/{name}" for name in NAMES}


def test_a_stub_that_is_attached_stays(tmp_path: Path) -> None:
    code = "import lazy_loader\nx = lazy_loader.attach_stub(__name__, __file__)\n"
    files = {"pkg/__init__.py": code, "pkg/__init__.pyi": "", "pkg/other.pyi": ""}
    assert dropped(tmp_path, files) == {"pkg/other.pyi"}


@pytest.mark.parametrize(
    "code",
    ['cdef(read("a.h"))\n', 'open("include/a.h")\n', 'name + ".h"\n', 'glob("*.h")\n',
     'open(f"{name}.h")\n'],
)  # fmt: skip
def test_what_code_names_stays(tmp_path: Path, code: str) -> None:
    left = dropped(tmp_path, {**FILES, "pkg/code.py": code})
    assert left == {f"pkg/{name}" for name in NAMES if name != "a.h"}


def test_a_name_counts_in_every_package_an_ending_in_its_own(tmp_path: Path) -> None:
    wheels = {
        "pkg": {"pkg/a.h": "", "pkg/b.h": "", "pkg/c.pyx": ""},
        "other": {"other.py": 'use("b.h", ".pyx")\n'},
    }
    assert set(gone(Kitchen(tmp_path, wheels).slim())) == {"pkg/a.h", "pkg/c.pyx"}


@pytest.mark.parametrize("name", ["torch", "cython", "cffi", "nvidia-cuda-nvrtc", "pybind11"])
def test_what_compiles_while_it_runs_keeps_its_sources(tmp_path: Path, name: str) -> None:
    assert dropped(tmp_path, FILES, name) == set()


def test_a_name_filled_in_by_percent_counts(tmp_path: Path) -> None:
    left = dropped(tmp_path, {**FILES, "pkg/code.py": 'open("%s.h" % name)\n'})
    assert left == {f"pkg/{name}" for name in NAMES if name != "a.h"}


def test_numpy_keeps_what_it_names_in_full_but_not_what_it_composes(tmp_path: Path) -> None:
    files = {
        "numpy/__init__.py": 'write(f"{name}.c")\nread("fortranobject.h")\n',
        **dict.fromkeys(("numpy/f2py/src/fortranobject.h", "numpy/a.h", "numpy/a.c"), ""),
    }
    assert dropped(tmp_path, files, "numpy") == {"numpy/a.h", "numpy/a.c"}
