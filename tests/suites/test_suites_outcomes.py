"""Tests of numpy, scipy, scikit-learn and pandas: the same outcomes slimmed as unslimmed."""

from __future__ import annotations

import pytest
from e2e_command import shared_cache
from suites.command import PACKAGES, Suites
from suites.expected import why_expected
from suites.judging import Compared

from wideload.cache import Cache


@pytest.fixture(scope="module")
def suites(tmp_path_factory: pytest.TempPathFactory) -> Suites:
    into = tmp_path_factory.mktemp("suites")
    cache = Cache(shared_cache(tmp_path_factory))
    return Suites(("raw", "beside", "sourceless"), into, cache)


def check(compared: list[Compared], passed: int) -> None:
    assert [one.side for one in compared] == ["beside", "sourceless"]
    for one in compared:
        assert one.differences == []
        assert one.raw["passed"] > passed
        assert one.slimmed["passed"] >= one.raw["passed"] - len(one.expected + one.flaky)


@pytest.mark.network
@pytest.mark.sandbox
def test_quick_tests_of_all_parts_come_out_the_same(suites: Suites) -> None:
    check(suites.fast(), 500)


@pytest.mark.heavy
@pytest.mark.network
@pytest.mark.sandbox
@pytest.mark.parametrize("package", PACKAGES)
def test_a_sample_of_all_tests_comes_out_the_same(suites: Suites, package: str) -> None:
    # All of them take hours: `python bench/suites`.
    check(suites.sample([package], files=7, every=8), 300)


def test_expected_are_single_tests() -> None:
    isfile = "numpy/typing/tests/test_isfile.py::TestIsFile::test_isfile"
    assert why_expected(isfile)
    assert why_expected(f"{isfile}[1]")
    assert not why_expected("numpy/typing/tests/test_isfile.py::TestIsFile::test_other")
    assert not why_expected("numpy/typing/tests/test_isfile.py")
