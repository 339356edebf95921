"""Tests that look for the very files that slimming takes out, and why that harms nobody."""

from __future__ import annotations

_EXPECTED = {
    "numpy/typing/tests/test_isfile.py::TestIsFile::test_isfile": (
        "asserts that the type stubs are files"
    ),
}


def why_expected(test: str) -> str:
    """Why a test may have another outcome on a slimmed side; empty: it may not."""
    return _EXPECTED.get(test.partition("[")[0], "")
