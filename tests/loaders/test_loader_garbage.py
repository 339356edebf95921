"""While packages are imported garbage is left alone; a function's own settings always win."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest

from wideload.loaders.python.garbage import Garbage

if TYPE_CHECKING:
    from collections.abc import Iterator

USUAL = (700, 10, 10)


@pytest.fixture(autouse=True)
def _as_usual() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(*USUAL)
    yield
    gc.enable()
    gc.unfreeze()
    gc.set_threshold(*before)


def test_it_is_left_alone_until_the_outermost_import_is_done() -> None:
    garbage = Garbage()
    with garbage:
        with garbage:
            assert gc.get_threshold()[0] == 0
        assert gc.get_threshold()[0] == 0
    assert gc.get_threshold() == USUAL
    assert gc.get_freeze_count() == 0


def test_what_was_made_meanwhile_is_collected_later() -> None:
    with Garbage():
        ring: list[object] = []
        ring.append(ring)
        number = id(ring)
        del ring
    assert number in {id(each) for each in gc.get_objects(2)}, "it counts as old"
    assert gc.collect() > 0
    assert number not in {id(each) for each in gc.get_objects()}


def test_an_import_that_fails_leaves_all_as_it_was() -> None:
    with pytest.raises(ImportError), Garbage():
        raise ImportError
    assert gc.get_threshold() == USUAL


def test_thresholds_that_a_package_sets_stay() -> None:
    with Garbage():
        gc.set_threshold(5000, 20, 20)
    assert gc.get_threshold() == (5000, 20, 20)


def test_what_a_function_has_switched_off_or_frozen_stays_so() -> None:
    gc.disable()
    with Garbage():
        assert gc.get_threshold() == USUAL
    assert not gc.isenabled()
    gc.enable()
    gc.freeze()
    frozen = gc.get_freeze_count()
    with Garbage():
        assert gc.get_threshold() == USUAL
    assert gc.get_freeze_count() == pytest.approx(frozen, abs=1000)
    assert gc.get_freeze_count() > 0
