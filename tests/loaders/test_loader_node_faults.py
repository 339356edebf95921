"""Whatever S3, the network and the keys do to the Node.js loader.

The cases are those of the Python loader, run with a function in Node.js.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from faulty_s3 import FaultyS3
from node_world import NodeWorld
from test_loader_faults import (
    container,
    test_a_bucket_of_another_region_is_found,
    test_a_clock_that_is_wrong_is_set_by_the_servers,
    test_a_corrupted_range_is_fetched_again,
    test_a_slow_answer_is_overtaken,
    test_a_stalled_connection_is_overtaken,
    test_a_trickle_is_overtaken,
    test_access_denied_names_what_is_needed,
    test_access_that_comes_late_is_waited_for,
    test_an_object_of_another_size_is_told,
    test_an_object_that_is_missing,
    test_an_object_that_is_replaced_midway_by_itself,
    test_it_is_asked_again_after,
    test_keys_of_the_container_and_their_rotation,
    test_keys_that_have_expired_are_told,
    test_ranges_are_of_one_and_the_same_object,
    test_without_any_keys_it_says_so,
)

from wideload.cache import Cache

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.network

__all__ = [
    "container",
    "test_a_bucket_of_another_region_is_found",
    "test_a_clock_that_is_wrong_is_set_by_the_servers",
    "test_a_corrupted_range_is_fetched_again",
    "test_a_slow_answer_is_overtaken",
    "test_a_stalled_connection_is_overtaken",
    "test_a_trickle_is_overtaken",
    "test_access_denied_names_what_is_needed",
    "test_access_that_comes_late_is_waited_for",
    "test_an_object_of_another_size_is_told",
    "test_an_object_that_is_missing",
    "test_an_object_that_is_replaced_midway_by_itself",
    "test_it_is_asked_again_after",
    "test_keys_of_the_container_and_their_rotation",
    "test_keys_that_have_expired_are_told",
    "test_ranges_are_of_one_and_the_same_object",
    "test_without_any_keys_it_says_so",
]


@pytest.fixture(scope="module", params=["nodejs20.x", "nodejs22.x"])
def shared_world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> NodeWorld:
    cache = Cache(tmp_path_factory.mktemp("cache"))
    return NodeWorld(tmp_path_factory.mktemp("world"), request.param, cache)


@pytest.fixture
def world(shared_world: NodeWorld) -> NodeWorld:
    shared_world.clear()
    return shared_world


def nothing_can_be_required(world: NodeWorld) -> None:
    assert not world.tree.exists()
    assert not (world.folder / "complete").exists()
    wanted = {entry.path: world.kitchen.content(entry) for entry in world.kitchen.raw}
    for run in world.folder.glob("run-*/tree"):
        for path in run.rglob("*"):
            if path.is_file() and path.stat().st_size:
                name = path.relative_to(run).as_posix()
                # Of a file in several frames those that came are there, and else nothing.
                found = path.read_bytes()
                assert found == wanted[name] or name.endswith(("model.bin", "table.bin"))


def test_a_tampered_bundle_is_never_imported(world: NodeWorld) -> None:
    content = bytearray(world.content)
    for offset, length, *_ in world.index["frames"]:
        content[offset + length // 2] ^= 1
    with FaultyS3(bytes(content)) as s3:
        outcome = world.run(s3.url)
    assert outcome.code == 1
    assert "the bundle in S3 is not the one that was deployed" in outcome.error
    nothing_can_be_required(world)


def test_one_tampered_frame_is_enough(world: NodeWorld) -> None:
    content = bytearray(world.content)
    content[-1] ^= 1
    with FaultyS3(bytes(content)) as s3:
        outcome = world.run(s3.url)
    assert outcome.code == 1
    last = len(world.index["frames"]) - 1
    assert f"deployed; why: frame {last} had another digest 4 times" in outcome.error
    nothing_can_be_required(world)


def test_a_bundle_of_other_frames_is_never_imported(
    world: NodeWorld, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A whole other bundle under the same key, compression and all."""
    packages = {"alpha/index.js": "console.error('ATTACK');\n" + "#" * 3_600_000}
    cache = Cache(tmp_path_factory.mktemp("other-cache"))
    folder = tmp_path_factory.mktemp("other")
    other = NodeWorld(folder, world.target.runtime, cache, packages=packages)
    content = (other.content * (world.bundle.size // other.bundle.size + 1))[: world.bundle.size]
    with FaultyS3(content) as s3:
        outcome = world.run(s3.url)
    assert outcome.code == 1
    assert "is not the one that was deployed" in outcome.error
    assert "ATTACK" not in outcome.error
    nothing_can_be_required(world)


def test_a_host_that_does_not_answer(world: NodeWorld) -> None:
    outcome = world.run("http://127.0.0.1:9")
    assert outcome.code == 1
    assert "could not be read; why: 10 attempts failed" in outcome.error
    assert "ECONNREFUSED" in outcome.error


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"format": 1}, "the bundle's format is 1, this loader's is 2"),
        ({"format": 3}, "the bundle's format is 3, this loader's is 2"),
        ({"compression": "brotli"}, "the bundle's frames are brotli"),
        ({"compression": "constructor"}, "the bundle's frames are constructor"),
    ],
)
def test_an_index_that_it_does_not_know_is_refused(
    world: NodeWorld, changes: dict[str, object], told: str
) -> None:
    with world.changed_index(changes), FaultyS3(world.content) as s3:
        outcome = world.run(s3.url)
        assert not s3.asked
    assert outcome.code == 1
    assert told in outcome.error


def test_over_tls(world: NodeWorld, tmp_path: Path, certificate: Callable[[str], Path]) -> None:
    with FaultyS3(world.content, tls=certificate("localhost")) as s3:
        world.right(world.run(s3.url, AWS_CA_BUNDLE=str(tmp_path / "localhost.pem")))
        world.clear()
        outcome = world.run(s3.url)
        assert outcome.code == 1
        assert "cannot be trusted with the request for the bundle" in outcome.error
    with FaultyS3(world.content, tls=certificate("elsewhere")) as s3:
        outcome = world.run(s3.url, AWS_CA_BUNDLE=str(tmp_path / "elsewhere.pem"))
    assert outcome.code == 1
    assert "cannot be trusted with the request for the bundle" in outcome.error
