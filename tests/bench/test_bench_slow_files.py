"""A folder that is as far away as a file system of the network."""

from __future__ import annotations

import errno
import time
from typing import TYPE_CHECKING

import pytest

from wideload.bench.slow_files import slowed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.sandbox

MILLISECONDS = 20.0
FILES = 5


def spent(act: Callable[[], object]) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    act()
    return (time.perf_counter() - began) * 1000


def test_each_look_takes_a_trip_once_and_each_open_one(tmp_path: Path) -> None:
    folder, at = tmp_path / "folder", tmp_path / "mnt"
    (folder / "deep").mkdir(parents=True)
    for number in range(FILES):
        (folder / "deep" / f"{number}.txt").write_text(str(number))
    names = [f"deep/{number}.txt" for number in range(FILES)]
    with slowed([(folder, at)], MILLISECONDS):
        first = spent(lambda: [(at / name).stat() for name in names])
        second = spent(lambda: [(at / name).stat() for name in names])

        def open_all() -> None:
            for name in names:
                (at / name).open("rb").close()

        opened = spent(open_all)
        assert [(at / name).read_text() for name in names] == list("01234")
        assert sorted(path.name for path in (at / "deep").iterdir()) == [n[5:] for n in names]
        with pytest.raises(OSError, match="Read-only file system") as caught:
            (at / "new").write_text("x")
    assert caught.value.errno == errno.EROFS
    assert first >= FILES * MILLISECONDS
    assert second < first / 2
    assert opened >= FILES * MILLISECONDS
    assert not at.is_mount()


def test_a_listing_brings_all_that_a_look_would(tmp_path: Path) -> None:
    folder, at = tmp_path / "folder", tmp_path / "mnt"
    folder.mkdir()
    for number in range(FILES):
        (folder / f"{number}.txt").write_text(str(number))
    with slowed([(folder, at)], MILLISECONDS):
        names = [path.name for path in at.iterdir()]
        looks = spent(lambda: [(at / name).stat() for name in names])
        missing = spent(lambda: [(at / f"no {name}").exists() for name in names])
    assert len(names) == FILES
    assert looks < FILES * MILLISECONDS / 2
    # Nobody is told what is not there.
    assert missing >= FILES * MILLISECONDS


def test_what_is_not_there_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with slowed([(tmp_path / "folder", tmp_path / "mnt")], 1.0):
        assert not (tmp_path / "mnt" / "nothing").exists()
        with pytest.raises(FileNotFoundError):
            (tmp_path / "mnt" / "nothing").read_bytes()
