"""Whatever lies in /tmp, and whenever the process ends: the bundle's files, or an error."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from faulty_s3 import Answer, FaultyS3

if TYPE_CHECKING:
    from collections.abc import Callable

    from loader_world import World

pytestmark = pytest.mark.network

SLOW = 3_000_000
"""Bytes a second of one connection: with all of them a start takes about half a second."""


def truncate(world: World) -> None:
    (world.tree / "alpha/sub/table.bin").write_bytes(b"short")


def flip(world: World) -> None:
    path = world.tree / "big/model.bin"
    data = bytearray(path.read_bytes())
    data[1_500_000] ^= 1
    path.write_bytes(data)


def flip_code_and_keep_the_times(world: World) -> None:
    path = world.tree / "gamma.py"
    was = path.stat()
    path.write_text(path.read_text().replace("NAME", "EVIL"))
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))


def remove(world: World) -> None:
    (world.tree / "lazy/__init__.py").unlink()


def link_a_file(world: World) -> None:
    path, other = world.tree / "gamma.py", world.tmp / "evil.py"
    other.write_text("raise SystemExit('EVIL')")
    path.unlink()
    path.symlink_to(other)


def link_a_folder(world: World) -> None:
    outside = world.tmp / "outside"
    (world.tree / "alpha/sub").rename(outside)
    (outside / "__init__.py").write_text("raise SystemExit('EVIL')")
    (world.tree / "alpha/sub").symlink_to(outside)


def add_a_module(world: World) -> None:
    (world.tree / "json.py").write_text("raise SystemExit('EVIL')")
    (world.tree / "nsp/deep/extra").mkdir()
    (world.tree / "nsp/deep/extra/x.py").write_text("")


def file_in_place_of_a_folder(world: World) -> None:
    for path in (world.tree / "nsp/deep").iterdir():
        path.unlink()
    (world.tree / "nsp/deep").rmdir()
    (world.tree / "nsp/deep").write_text("")


def folder_in_place_of_a_file(world: World) -> None:
    (world.tree / "gamma.py").unlink()
    (world.tree / "gamma.py").mkdir()
    (world.tree / "gamma.py/x").write_text("")


def lose_the_note(world: World) -> None:
    (world.folder / "complete").unlink()


def garble_the_note(world: World) -> None:
    (world.folder / "complete").write_text("{")


def open_to_all(world: World) -> None:
    (world.tree / "gamma.py").write_text("raise SystemExit('EVIL')")
    world.folder.chmod(0o777)


def other_rights(world: World) -> None:
    (world.tree / "gamma.py").chmod(0o666)


@pytest.mark.parametrize(
    "damage",
    [
        truncate,
        flip,
        flip_code_and_keep_the_times,
        remove,
        link_a_file,
        link_a_folder,
        add_a_module,
        file_in_place_of_a_folder,
        folder_in_place_of_a_file,
        lose_the_note,
        garble_the_note,
        open_to_all,
        other_rights,
    ],
)
def test_it_is_mended(world: World, damage: Callable[[World], None]) -> None:
    world.right(world.start())
    damage(world)
    outcome = world.start()
    world.right(outcome)
    world.whole()
    assert (world.folder / "complete").exists()
    if damage is not open_to_all:
        assert outcome.timings["bytes"] < world.bundle.size


def test_a_link_in_the_place_of_the_folder_is_not_followed(world: World) -> None:
    outside = world.tmp / "outside"
    outside.mkdir(mode=0o700)
    world.folder.symlink_to(outside)
    world.right(world.start())
    assert not list(outside.iterdir())
    assert not world.folder.is_symlink()
    world.whole()


def test_a_file_in_the_place_of_the_folder_goes(world: World) -> None:
    world.folder.write_text("")
    world.right(world.start())
    world.whole()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_somebody_elses_is_not_used(world: World) -> None:
    (world.folder / "tree").mkdir(parents=True, mode=0o700)
    (world.folder / "tree/gamma.py").write_text("raise SystemExit('EVIL')")
    world.folder.chmod(0o700)
    os.chown(world.folder, 12345, 12345)
    world.right(world.start())
    world.whole()


@pytest.mark.parametrize("seed", range(30))
def test_killed_at_any_moment_it_starts_again(world: World, seed: int) -> None:
    moment = random.Random(seed).uniform(0, 0.9)
    with FaultyS3(world.content, lambda _: Answer(rate=SLOW)) as s3:
        process = world.begin(s3.url)
        time.sleep(moment)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        s3.behave = lambda _: None
        world.right(world.run(s3.url))
    world.whole()
    assert {path.name for path in world.folder.iterdir()} == {"tree", "complete"}


def test_what_was_done_before_init_ran_out_is_not_done_again(world: World) -> None:
    """The second half of the bundle does not come; Lambda kills and starts again."""
    half = world.bundle.size // 2
    with FaultyS3(world.content) as s3:
        s3.behave = lambda asked: Answer(delay=60) if asked.end > half else None
        process = world.begin(s3.url)
        known = 0
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            time.sleep(0.3)
            now = sum(p.stat().st_blocks for p in world.tmp.rglob("*") if p.is_file())
            if now and now == known:
                break
            known = now
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        s3.behave = lambda _: None
        outcome = world.run(s3.url)
    world.right(outcome)
    world.whole()
    assert outcome.timings["reused_frames"] >= 4
    assert outcome.timings["bytes"] < world.bundle.size * 0.8


def test_when_it_is_run_again_the_callers_time_is_not_spent_on_the_rest(world: World) -> None:
    with FaultyS3(world.content) as s3:
        process = world.begin(s3.url)
        while not (world.folder / "tree/gamma.py").exists():
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        lazy = next(file for file in world.index["files"] if file[0] == "lazy/weights.bin")
        late = world.index["frames"][lazy[1]][0]
        s3.behave = lambda asked: Answer(delay=1) if asked.end > late + 1 else None
        for path in (world.tree / "lazy").iterdir():
            path.unlink()
        outcome = world.run(s3.url, AWS_LAMBDA_INITIALIZATION_TYPE="on-demand")
    world.right(outcome)
    assert not outcome.timings["whole"]


def test_two_environments_at_once(world: World) -> None:
    with FaultyS3(world.content, lambda _: Answer(rate=SLOW)) as s3:
        processes = [world.begin(s3.url) for _ in range(3)]
        for process in processes:
            world.right(world.end(process))
        world.whole()
        world.right(world.run(s3.url))
    assert {path.name for path in world.folder.iterdir()} == {"tree", "complete"}


def test_nothing_goes_on_when_the_function_ends(world: World) -> None:
    with FaultyS3(world.content, lambda _: Answer(rate=20_000)) as s3:
        process = world.begin(s3.url)
        while not s3.asked:
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        deadline = time.monotonic() + 5
        while _session(process.pid) and time.monotonic() < deadline:
            time.sleep(0.05)
    assert not _session(process.pid)


def _session(leader: int) -> list[int]:
    found = []
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            try:
                stat = (path / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(stat[3]) == leader and stat[0] != "Z":
                found.append(int(path.name))
    return found


@pytest.mark.sandbox
def test_a_tmp_that_is_too_small_is_told_before_anything_is_written(world: World) -> None:
    within = ["bwrap", "--dev-bind", "/", "/", "--size", "2000000", "--tmpfs", str(world.tmp)]
    with FaultyS3(world.content) as s3:
        outcome = world.run(s3.url, within=within)
    assert outcome.code == 1
    assert "/tmp is too small for the function's packages" in outcome.error
    assert "`ephemeral` in wideload.toml" in outcome.error
    needed = -(-world.bundle.tmp_bytes // 1_000_000)
    assert f"{needed} MB are needed, 2 of 2 MB are free" in outcome.error


@pytest.mark.sandbox
def test_a_tmp_that_fills_up_is_told(world: World) -> None:
    """Something else takes the room after it was counted."""
    within = ["bwrap", "--dev-bind", "/", "/", "--size", "2000000", "--tmpfs", str(world.tmp)]
    code = """
import json, os, sys
sys.path.insert(0, sys.argv[1])
from _wideload.folder import Folder
Folder.room = lambda *_: None
import _wideload.run
"""
    with FaultyS3(world.content) as s3:
        outcome = world.run(s3.url, code, within)
    assert outcome.code == 1
    assert "/tmp is too small for the function's packages" in outcome.error


@pytest.mark.sandbox
def test_a_tmp_of_the_size_that_is_told_is_enough(world: World) -> None:
    size = str(world.bundle.tmp_bytes + 512 * 1024)
    within = ["bwrap", "--dev-bind", "/", "/", "--size", size, "--tmpfs", str(world.tmp)]
    with FaultyS3(world.content) as s3:
        world.right(world.run(s3.url, within=within))
