"""Whatever lies in /tmp, and whenever the process ends: the bundle's files, or an error."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest
from faulty_s3 import Answer, FaultyS3

if TYPE_CHECKING:
    from collections.abc import Callable

    from provided_world import ProvidedWorld

SLOW = 2_000_000
"""Bytes a second of one connection: a start takes about half a second."""


def truncate(world: ProvidedWorld) -> None:
    (world.tree / "data/deep/table.bin").write_bytes(b"short")


def flip(world: ProvidedWorld) -> None:
    path = world.tree / "model.bin"
    data = bytearray(path.read_bytes())
    data[1_500_000] ^= 1
    path.write_bytes(data)


def another_executable(world: ProvidedWorld) -> None:
    path = world.tree / "bootstrap"
    was = path.stat()
    evil = b"#!/bin/sh\necho EVIL\n"
    path.write_bytes(evil + b"#" * (was.st_size - len(evil)))
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))


def remove(world: ProvidedWorld) -> None:
    (world.tree / "data/words.txt").unlink()


def remove_the_large_one(world: ProvidedWorld) -> None:
    (world.tree / "model.bin").unlink()


def link_a_file(world: ProvidedWorld) -> None:
    path, other = world.tree / "bootstrap", world.tmp / "evil"
    other.write_text("#!/bin/sh\necho EVIL\n")
    other.chmod(0o755)
    path.unlink()
    path.symlink_to(other)


def link_within(world: ProvidedWorld) -> None:
    path = world.tree / "many/3"
    path.rename(world.tree / "many/other")
    path.symlink_to("other")


def link_a_folder(world: ProvidedWorld) -> None:
    outside = world.tmp / "outside"
    (world.tree / "data").rename(outside)
    (outside / "words.txt").write_text("evil")
    (world.tree / "data").symlink_to(outside)


def link_the_tree(world: ProvidedWorld) -> None:
    world.tree.rename(world.tmp / "tree")
    world.tree.symlink_to(world.tmp / "tree")
    (world.tmp / "tree/data/words.txt").write_text("evil")


def add_a_file(world: ProvidedWorld) -> None:
    (world.tree / "more").mkdir()
    (world.tree / "more/x").write_text("")
    (world.tree / "x").write_text("")
    (world.folder / "x").write_text("")
    (world.tree / "data/words.txt").chmod(0o600)


def file_in_place_of_a_folder(world: ProvidedWorld) -> None:
    for path in (world.tree / "many").iterdir():
        path.unlink()
    (world.tree / "many").rmdir()
    (world.tree / "many").write_text("")


def folder_in_place_of_a_file(world: ProvidedWorld) -> None:
    for name in ("bootstrap", "model.bin"):
        (world.tree / name).unlink()
        (world.tree / name).mkdir()
        (world.tree / name / "x").write_text("")


def lose_the_note(world: ProvidedWorld) -> None:
    (world.folder / "complete").unlink()


def garble_the_note(world: ProvidedWorld) -> None:
    (world.folder / "complete").write_text("{")


def open_to_all(world: ProvidedWorld) -> None:
    (world.tree / "bootstrap").write_text("#!/bin/sh\necho EVIL\n")
    world.folder.chmod(0o777)


def other_rights(world: ProvidedWorld) -> None:
    (world.tree / "bootstrap").chmod(0o777)


def leftovers(world: ProvidedWorld) -> None:
    """Of a run that was killed, and not what they should be."""
    lose_the_note(world)
    numbers = [number for number, file in enumerate(world.index["files"]) if file[0] == "model.bin"]
    (world.tree / "model.bin").unlink()
    work = world.folder / "work"
    work.mkdir(mode=0o755)
    (work / str(numbers[0])).symlink_to(world.task / "bootstrap")
    (work / "0").mkdir()
    (work / "strange").write_text("")


@pytest.mark.parametrize(
    "damage",
    [
        truncate,
        flip,
        another_executable,
        remove,
        remove_the_large_one,
        link_a_file,
        link_within,
        link_a_folder,
        link_the_tree,
        add_a_file,
        file_in_place_of_a_folder,
        folder_in_place_of_a_file,
        lose_the_note,
        garble_the_note,
        open_to_all,
        other_rights,
        leftovers,
    ],
)
def test_it_is_mended(provided: ProvidedWorld, damage: Callable[[ProvidedWorld], None]) -> None:
    provided.right(provided.start())
    damage(provided)
    outcome = provided.start()
    provided.right(outcome)
    if damage not in (open_to_all, link_the_tree):
        assert outcome.timings["bytes"] < provided.bundle.size
    if damage in (flip, lose_the_note, garble_the_note):
        assert outcome.timings["bytes"] < 300_000


def test_a_link_in_the_place_of_the_folder_is_not_followed(provided: ProvidedWorld) -> None:
    outside = provided.tmp / "outside"
    outside.mkdir(mode=0o700)
    provided.folder.symlink_to(outside)
    provided.right(provided.start())
    assert not list(outside.iterdir())
    assert not provided.folder.is_symlink()


def test_a_file_in_the_place_of_the_folder_goes(provided: ProvidedWorld) -> None:
    provided.folder.write_text("")
    provided.right(provided.start())


def test_a_folder_of_somebody_elses_is_not_used(provided: ProvidedWorld) -> None:
    """The mode tells it where the tests' user cannot give a folder away."""
    (provided.folder / "tree").mkdir(parents=True, mode=0o755)
    (provided.folder / "tree/bootstrap").write_text("#!/bin/sh\necho EVIL\n")
    provided.folder.chmod(0o700 if os.geteuid() == 0 else 0o755)
    if os.geteuid() == 0:
        os.chown(provided.folder, 12345, 12345)
    provided.right(provided.start())


@pytest.mark.parametrize("seed", range(20))
def test_killed_at_any_moment_it_starts_again(provided: ProvidedWorld, seed: int) -> None:
    moment = random.Random(seed).uniform(0, 0.6)
    with FaultyS3(provided.content, lambda _: Answer(rate=SLOW)) as s3:
        process = provided.begin(s3.url)
        time.sleep(moment)
        kill(process)
        s3.behave = lambda _: None
        provided.right(provided.run(s3.url))


def test_killed_between_the_last_byte_and_the_rename_it_fetches_nothing(
    provided: ProvidedWorld,
) -> None:
    """Of the files that lie in several frames, none is in the tree yet, and each is whole."""
    provided.right(provided.start())
    (provided.folder / "complete").unlink()
    split = {
        number: path
        for number, (path, frame, *_) in enumerate(provided.index["files"])
        if path in ("model.bin", "data/deep/table.bin")
    }
    (provided.folder / "work").mkdir(mode=0o700)
    for number, path in split.items():
        (provided.tree / path).rename(provided.folder / "work" / str(number))
    outcome = provided.start()
    provided.right(outcome)
    assert outcome.timings["bytes"] < 300_000


def kill(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def test_what_was_done_before_init_ran_out_is_not_done_again(provided: ProvidedWorld) -> None:
    """The second half of the bundle does not come; Lambda kills and starts again."""
    half = provided.bundle.size // 2
    with FaultyS3(provided.content) as s3:
        s3.behave = lambda asked: Answer(delay=60) if asked.end > half else None
        process = provided.begin(s3.url)
        written(provided)
        kill(process)
        s3.behave = lambda _: None
        outcome = provided.run(s3.url)
    provided.right(outcome)
    assert outcome.timings["reused_frames"] >= 4
    assert outcome.timings["bytes"] < provided.bundle.size * 0.8


def written(world: ProvidedWorld) -> None:
    """Wait until something was written, and no more is."""
    known, deadline = 0, time.monotonic() + 20
    while time.monotonic() < deadline:
        time.sleep(0.3)
        now = sum(path.stat().st_blocks for path in world.tmp.rglob("*") if path.is_file())
        if now and now == known:
            return
        known = now
    raise AssertionError("nothing is written")


def test_several_at_once(provided: ProvidedWorld) -> None:
    """One does the work; the others wait for it, and take what it has done."""
    with FaultyS3(provided.content, lambda _: Answer(rate=SLOW)) as s3:
        outcomes = [provided.end(one) for one in [provided.begin(s3.url) for _ in range(4)]]
    for outcome in outcomes:
        provided.right(outcome)
    assert sorted(outcome.timings["bytes"] for outcome in outcomes) == [
        0,
        0,
        0,
        provided.bundle.size,
    ]


def test_one_that_is_killed_lets_another_go_on(provided: ProvidedWorld) -> None:
    half = provided.bundle.size // 2
    with FaultyS3(provided.content) as s3:
        s3.behave = lambda asked: Answer(delay=60) if asked.end > half else None
        first = provided.begin(s3.url)
        written(provided)
        s3.behave = lambda _: None
        second = provided.begin(s3.url)
        time.sleep(0.2)
        assert second.poll() is None
        kill(first)
        outcome = provided.end(second)
    provided.right(outcome)
    assert outcome.timings["reused_frames"] >= 4


@pytest.mark.sandbox
def test_a_tmp_that_is_too_small_is_told_before_anything_is_written(
    provided: ProvidedWorld,
) -> None:
    within = ["bwrap", "--dev-bind", "/", "/", "--size", "2000000", "--tmpfs", str(provided.tmp)]
    with FaultyS3(provided.content) as s3:
        outcome = provided.run(s3.url, within=within)
        assert not s3.asked
    assert outcome.code == 1
    assert "/tmp is too small for the function's files" in outcome.error
    assert "`ephemeral` in wideload.toml" in outcome.error
    needed = -(-provided.bundle.tmp_bytes // 1_000_000)
    assert f"{needed} MB are needed, 2 of 2 MB are free" in outcome.error


@pytest.mark.sandbox
def test_a_tmp_that_fills_up_is_told(provided: ProvidedWorld) -> None:
    """Something else takes the room after it was counted."""
    fill = (
        f"(while ! [ -d {provided.folder}/work ]; do :; done; "
        f"head -c 4000000 /dev/zero > {provided.tmp}/other) & exec {provided.task}/bootstrap"
    )
    size = str(provided.bundle.tmp_bytes + 512 * 1024)
    within = ["bwrap", "--dev-bind", "/", "/", "--size", size, "--tmpfs", str(provided.tmp)]
    with FaultyS3(provided.content, lambda _: Answer(delay=0.5)) as s3:
        outcome = provided.run(s3.url, within=[*within, "sh", "-c", fill])
    assert outcome.code == 1
    assert "/tmp is too small for the function's files" in outcome.error


@pytest.mark.sandbox
def test_a_tmp_of_the_size_that_is_told_is_enough(provided: ProvidedWorld) -> None:
    size = str(provided.bundle.tmp_bytes + 512 * 1024)
    within = ["bwrap", "--dev-bind", "/", "/", "--size", size, "--tmpfs", str(provided.tmp)]
    with FaultyS3(provided.content) as s3:
        outcome = provided.run(s3.url, within=within)
    assert outcome.code == 0, outcome.error
    assert outcome.told["words"] == "words"


@pytest.mark.sandbox
def test_a_tmp_that_nothing_may_be_run_from_is_told(provided: ProvidedWorld) -> None:
    mount = f"mount -o remount,bind,noexec {provided.tmp} && exec {provided.task}/bootstrap"
    within = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    bound = f"mount --bind {provided.tmp} {provided.tmp} && {mount}"
    with FaultyS3(provided.content) as s3:
        outcome = provided.run(s3.url, within=[*within, bound])
    assert outcome.code == 1
    assert "bootstrap cannot be run; why: permission denied" in outcome.error
