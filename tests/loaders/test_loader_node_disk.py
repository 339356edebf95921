"""Whatever lies in /tmp, and whenever the process ends: the bundle's files, or an error."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import pytest
from faulty_s3 import Answer, FaultyS3
from node_world import NodeWorld
from test_loader_disk import (
    test_a_file_in_the_place_of_the_folder_goes,
    test_a_link_in_the_place_of_the_folder_is_not_followed,
    test_a_tmp_of_the_size_that_is_told_is_enough,
    test_a_tmp_that_is_too_small_is_told_before_anything_is_written,
    test_killed_at_any_moment_it_starts_again,
    test_nothing_goes_on_when_the_function_ends,
    test_two_environments_at_once,
    test_what_was_done_before_init_ran_out_is_not_done_again,
)

from wideload.cache import Cache

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.network

__all__ = [
    "test_a_file_in_the_place_of_the_folder_goes",
    "test_a_link_in_the_place_of_the_folder_is_not_followed",
    "test_a_tmp_of_the_size_that_is_told_is_enough",
    "test_a_tmp_that_is_too_small_is_told_before_anything_is_written",
    "test_killed_at_any_moment_it_starts_again",
    "test_nothing_goes_on_when_the_function_ends",
    "test_two_environments_at_once",
    "test_what_was_done_before_init_ran_out_is_not_done_again",
]

GAMMA = "node_modules/gamma/index.js"
EVIL = "throw new Error('EVIL');"


@pytest.fixture(scope="module")
def shared_world(tmp_path_factory: pytest.TempPathFactory) -> NodeWorld:
    cache = Cache(tmp_path_factory.mktemp("cache"))
    return NodeWorld(tmp_path_factory.mktemp("world"), "nodejs22.x", cache)


@pytest.fixture
def world(shared_world: NodeWorld) -> NodeWorld:
    shared_world.clear()
    return shared_world


def truncate(world: NodeWorld) -> None:
    (world.tree / "node_modules/alpha/table.bin").write_bytes(b"short")


def flip(world: NodeWorld) -> None:
    path = world.tree / "node_modules/big/model.bin"
    data = bytearray(path.read_bytes())
    data[1_500_000] ^= 1
    path.write_bytes(data)


def flip_code_and_keep_the_times(world: NodeWorld) -> None:
    path = world.tree / GAMMA
    was = path.stat()
    path.write_text(path.read_text().replace("3", "4"))
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))


def remove(world: NodeWorld) -> None:
    (world.tree / GAMMA).unlink()


def link_a_file(world: NodeWorld) -> None:
    path, other = world.tree / GAMMA, world.tmp / "evil.js"
    other.write_text(EVIL)
    path.unlink()
    path.symlink_to(other)


def link_a_folder(world: NodeWorld) -> None:
    outside = world.tmp / "outside"
    (world.tree / "node_modules/gamma").rename(outside)
    (world.tree / "node_modules/gamma").symlink_to(outside)


def link_all_folders(world: NodeWorld) -> None:
    outside = world.tmp / "outside"
    (world.tree / "node_modules").rename(outside)
    (world.tree / "node_modules").symlink_to(outside)


def add_a_module(world: NodeWorld) -> None:
    (world.tree / "node_modules/gamma/index.mjs").write_text(EVIL)
    (world.tree / "node_modules/extra").mkdir()
    (world.tree / "node_modules/extra/index.js").write_text(EVIL)


def add_a_nearer_package(world: NodeWorld) -> None:
    (world.tree / "src/node_modules/gamma").mkdir(parents=True)
    (world.tree / "src/node_modules/gamma/index.js").write_text(EVIL)


def change_the_users_own(world: NodeWorld) -> None:
    (world.tree / "src/app.mjs").write_text(EVIL)


def file_in_place_of_a_folder(world: NodeWorld) -> None:
    (world.tree / GAMMA).unlink()
    (world.tree / "node_modules/gamma/package.json").unlink()
    (world.tree / "node_modules/gamma").rmdir()
    (world.tree / "node_modules/gamma").write_text("")


def folder_in_place_of_a_file(world: NodeWorld) -> None:
    (world.tree / GAMMA).unlink()
    (world.tree / GAMMA).mkdir()
    (world.tree / GAMMA / "x").write_text("")


def lose_the_note(world: NodeWorld) -> None:
    (world.folder / "complete").unlink()


def garble_the_note(world: NodeWorld) -> None:
    (world.folder / "complete").write_text("{")


def link_the_note(world: NodeWorld) -> None:
    note = world.folder / "complete"
    note.rename(world.tmp / "noted")
    note.symlink_to(world.tmp / "noted")


def other_rights(world: NodeWorld) -> None:
    (world.tree / GAMMA).chmod(0o666)


DAMAGE = [
    truncate,
    flip,
    flip_code_and_keep_the_times,
    remove,
    link_a_file,
    link_a_folder,
    link_all_folders,
    add_a_module,
    add_a_nearer_package,
    change_the_users_own,
    file_in_place_of_a_folder,
    folder_in_place_of_a_file,
    lose_the_note,
    garble_the_note,
    link_the_note,
    other_rights,
]


@pytest.mark.parametrize("damage", DAMAGE)
def test_it_is_mended(world: NodeWorld, damage: Callable[[NodeWorld], None]) -> None:
    world.right(world.start())
    damage(world)
    outcome = world.start()
    world.right(outcome)
    world.whole()
    assert {path.name for path in world.folder.iterdir()} == {"tree", "complete"}
    assert not list(world.tree.rglob("*.mjs.tmp"))
    assert not any(path.is_symlink() for path in world.tree.rglob("*"))
    fetched = 0 if damage in (lose_the_note, garble_the_note, link_the_note) else world.bundle.size
    if damage not in (link_all_folders,):
        assert outcome.timings["bytes"] <= fetched * 0.9
    if damage is not change_the_users_own:
        assert world.start().timings["reused_frames"] == world.bundle.frames


def test_a_second_start_asks_nobody(world: NodeWorld) -> None:
    with FaultyS3(world.content) as s3:
        world.right(world.run(s3.url))
        asked = len(s3.asked)
        outcome = world.run(s3.url)
        assert len(s3.asked) == asked
    world.right(outcome)
    assert outcome.timings["reused_frames"] == world.bundle.frames


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
@pytest.mark.parametrize("owner", [12345, 0])
def test_a_folder_of_others_is_not_used(world: NodeWorld, owner: int) -> None:
    """Of another user, or one that others could write to."""
    packages = world.folder / "tree/node_modules/gamma"
    packages.mkdir(parents=True, mode=0o700)
    (packages / "index.js").write_text(EVIL)
    world.folder.chmod(0o700 if owner else 0o777)
    os.chown(world.folder, owner, owner)
    world.right(world.start())
    world.whole()


def test_what_a_dead_process_left_is_held_to_the_index(world: NodeWorld) -> None:
    """Its files are taken over, but those that are not the bundle's. It ended while the second
    half was still to come."""
    half = world.bundle.size // 2
    with FaultyS3(world.content) as s3:
        s3.behave = lambda asked: Answer(delay=60) if asked.end > half else None
        process = world.begin(s3.url)
        deadline = time.monotonic() + 20
        left = "run-*/tree/node_modules/*/*.js"
        while time.monotonic() < deadline and not list(world.folder.glob(left)):
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        found = next(world.folder.glob(left))
        found.write_text(EVIL)
        found.with_name("other.js").write_text(EVIL)
        (found.parents[1] / "link.js").symlink_to(found)
        s3.behave = lambda _: None
        world.right(world.run(s3.url))
    world.whole()
    assert not any(path.is_symlink() for path in world.tree.rglob("*"))


@pytest.mark.sandbox
def test_a_tmp_that_fills_up_is_told(world: NodeWorld) -> None:
    """Something else takes the room after it was counted."""
    within = ["bwrap", "--dev-bind", "/", "/", "--size", "2000000", "--tmpfs", str(world.tmp)]
    with world.changed_index({"tmp_bytes": 1000}), FaultyS3(world.content) as s3:
        outcome = world.run(s3.url, within=within)
    assert outcome.code == 1
    assert "/tmp is too small for the function's packages" in outcome.error


def test_what_was_killed_when_all_was_complete_is_swept_away(world: NodeWorld) -> None:
    world.right(world.start())
    left = world.folder / "run-999999-1-ab" / "old-0"
    left.mkdir(parents=True)
    (left / "big.js").write_text(EVIL)
    world.right(world.start())
    assert {path.name for path in world.folder.iterdir()} == {"tree", "complete"}
