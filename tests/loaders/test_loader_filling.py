"""Directories of a mounted file system: filled, killed while they are, filled again, swept."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from faulty_s3 import Answer, FaultyS3

import wideload

if TYPE_CHECKING:
    from loader_world import World

FILLING = Path(wideload.__file__).parent / "loaders" / "python" / "filling.py"
NAME = "0123456789abcdef" * 2
CODE = """
import json, sys
sys.path.insert(0, sys.argv[1])
from _wideload.filling import handler

class Context:
    @staticmethod
    def get_remaining_time_in_millis():
        return int(sys.argv[3])

print(json.dumps(handler(json.loads(sys.argv[2]), Context)))
"""
SLOW = 900_000
"""Bytes a second of a connection."""


class Filler:
    """The function that fills, called as Lambda would."""

    def __init__(self, world: World, root: Path) -> None:
        self.world = world
        self.task, self.mount = root / "task", root / "mnt"
        shutil.copytree(world.task, self.task)
        shutil.copy(FILLING, self.task / "_wideload")
        self.mount.mkdir()
        self.directory = self.mount / "shop" / NAME

    def begin(self, url: str, event: dict[str, Any], seconds: float) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [
                *(self.world.python, "-c", CODE, str(self.task)),
                *(json.dumps(event), str(int(seconds * 1000))),
            ],
            env=self.world.environ(url),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def fill(self, url: str, seconds: float = 60) -> dict[str, Any]:
        event = {"do": "fill", "directory": str(self.directory)}
        out, error = self.begin(url, event, seconds).communicate(timeout=60)
        assert out, error
        told: dict[str, Any] = json.loads(out)
        return told

    def sweep(self, **more: Any) -> dict[str, Any]:
        event = {"do": "sweep", "path": str(self.mount), "keep": [], "age": 0.0, **more}
        out, error = self.begin("http://127.0.0.1:1", event, 60).communicate(timeout=60)
        assert out, error
        told: dict[str, Any] = json.loads(out)
        return told

    def whole(self) -> None:
        """All files of the bundle are there and right, and nothing else is."""
        wanted = {
            entry.path: self.world.kitchen.content(entry)
            for entry in self.world.kitchen.raw
            if entry.path != "app.py"
        }
        tree = self.directory / "tree"
        found = {
            path.relative_to(tree).as_posix(): path.read_bytes()
            for path in tree.rglob("*")
            if path.is_file()
        }
        assert found.keys() == wanted.keys()
        assert found == wanted
        assert {path.name for path in self.directory.iterdir()} == {"tree", "complete"}


@pytest.fixture
def filler(world: World, tmp_path: Path) -> Filler:
    return Filler(world, tmp_path)


def test_a_directory_is_filled_and_marked_last(filler: Filler) -> None:
    with FaultyS3(filler.world.content) as s3:
        told = filler.fill(s3.url)
    assert told["complete"]
    filler.whole()


@pytest.mark.parametrize("seed", range(20))
def test_killed_at_any_moment_it_is_filled_again(filler: Filler, seed: int) -> None:
    moment = random.Random(seed).uniform(0, 0.9)
    with FaultyS3(filler.world.content, lambda _: Answer(rate=SLOW)) as s3:
        event = {"do": "fill", "directory": str(filler.directory)}
        process = filler.begin(s3.url, event, 60)
        time.sleep(moment)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        s3.behave = lambda _: None
        assert filler.fill(s3.url)["complete"]
    filler.whole()


def test_out_of_time_it_goes_on_with_the_next_call(filler: Filler) -> None:
    half = filler.world.bundle.size // 2
    with FaultyS3(filler.world.content) as s3:
        s3.behave = lambda asked: Answer(delay=60) if asked.end > half else None
        # Four seconds are kept to answer in.
        assert not filler.fill(s3.url, seconds=6)["complete"]
        assert not (filler.directory / "complete").exists()
        s3.behave = lambda _: None
        told = filler.fill(s3.url)
    assert told["complete"]
    assert told["reused"] > 0
    filler.whole()


def test_what_is_complete_is_not_fetched_again(filler: Filler) -> None:
    with FaultyS3(filler.world.content) as s3:
        filler.fill(s3.url)
        s3.asked.clear()
        assert filler.fill(s3.url)["complete"]
        assert not s3.asked


def test_what_somebody_damaged_is_mended(filler: Filler) -> None:
    with FaultyS3(filler.world.content) as s3:
        filler.fill(s3.url)
        (filler.directory / "tree/gamma.py").write_text("raise SystemExit('EVIL')")
        (filler.directory / "tree/evil.py").write_text("")
        assert filler.fill(s3.url)["complete"]
    filler.whole()


def test_why_it_cannot_be_filled_is_told(filler: Filler) -> None:
    with FaultyS3(filler.world.content, lambda _: Answer(status=404, code="NoSuchKey")) as s3:
        event = {"do": "fill", "directory": str(filler.directory)}
        out, error = filler.begin(s3.url, event, 60).communicate(timeout=60)
    assert not out
    assert "BundleError" in error
    assert not (filler.directory / "complete").exists()


def test_only_what_nothing_names_is_swept(filler: Filler) -> None:
    other, gone = f"shop/{'a' * 32}", f"gone/{'b' * 32}"
    for name in (f"shop/{NAME}", other, gone, "shop/of-somebody-else"):
        (filler.mount / name / "tree").mkdir(parents=True)
        (filler.mount / name / "tree" / "file").write_text("x")
    told = filler.sweep(keep=[f"shop/{NAME}"], age=3600.0)
    assert (told["removed"], sorted(told["young"])) == ([], sorted([other, gone]))
    told = filler.sweep(keep=[f"shop/{NAME}"])
    assert told["complete"]
    assert sorted(told["removed"]) == sorted([other, gone])
    assert told["kept"] == [f"shop/{NAME}"]
    assert not (filler.mount / "gone").exists()
    assert (filler.mount / "shop" / NAME / "tree" / "file").exists()
    assert (filler.mount / "shop" / "of-somebody-else").exists()


def test_of_a_function_that_is_gone_all_goes_and_nothing_else(filler: Filler) -> None:
    for name in (f"shop/{NAME}", f"other/{NAME}"):
        (filler.mount / name).mkdir(parents=True)
    # One that was killed while it swept left this.
    (filler.mount / "shop" / f"{'c' * 32}.gone").mkdir()
    told = filler.sweep(function="shop")
    assert told["complete"]
    assert not (filler.mount / "shop").exists()
    assert (filler.mount / "other" / NAME).exists()
