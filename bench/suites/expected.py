"""Tests that look for the very files that slimming takes out, and why that harms nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from suites.trees import Side

_SLIMMED = {
    "numpy/f2py/tests/test_regression.py::test_include_path": (
        "lists the folder of the C sources that f2py hands to a compiler"
    ),
    "numpy/tests/test_configtool.py": (
        "imports a folder that holds nothing but numpy.pc, which compilers are told of"
    ),
    "numpy/typing/tests/test_isfile.py::TestIsFile::test_isfile": (
        "asserts that the type stubs are files"
    ),
}
_SOURCELESS: dict[str, str] = {}


def why_expected(test: str, side: Side) -> str:
    """Why a test may have another outcome on a slimmed side; empty: it may not."""
    known = _SLIMMED | (_SOURCELESS if side == "sourceless" else {})
    file, _, rest = test.partition("::")
    name = f"{file}::{rest.partition('[')[0]}"
    return next((known[each] for each in (test, name, file) if each in known), "")
