"""Members are read by ranges, with few bytes; where ranges cannot be had, by fetching it all."""

from __future__ import annotations

import random

import pytest

from local_index import LocalIndex, Ranges
from wheel_maker import Made, members_of, wheel, with_zip64
from wideload.cache import Cache
from wideload.errors import WideloadError
from wideload.resolve.http import Http
from wideload.resolve.wheels import WHEELS, WheelFacts, facts

BIG = 2_000_000
TAIL = 1 << 16


def noise(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


def big_wheel(**options: object) -> Made:
    files = {"demo/__init__.py": "", "demo/lib.so": noise(BIG)}
    return wheel(files=files, requires=["numpy>=1"], **options)  # type: ignore[arg-type]


def look(index: LocalIndex, made: Made, http: Http, store: Cache) -> WheelFacts:
    return facts(index.file_url(made), made.sha256, made.filename, http, store)


def right(found: WheelFacts, made: Made) -> bool:
    sizes = {member.name: member.size for member in found.members}
    return (
        sizes == {name: len(data) for name, data in members_of(made).items()}
        and found.size == len(made.data)
        and found.requires_dist == ("numpy>=1",)
    )


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(big_wheel(), id="plain"),
        pytest.param(big_wheel(prefix=b"MZ" * 500), id="prepended"),
        pytest.param(big_wheel(descriptors=True), id="descriptors"),
        pytest.param((plain := big_wheel()).with_data(with_zip64(plain.data)), id="zip64"),
    ],
)
def test_a_wheel_is_known_by_its_tail_alone(
    index: LocalIndex, http: Http, store: Cache, made: Made
) -> None:
    index.add(made)
    assert right(look(index, made, http, store), made)
    assert index.sent_of(made) == TAIL == http.received
    assert [one.status for one in index.asked_of(made)] == [206]
    assert not store.path(WHEELS, made.sha256, ".whl").exists()


def test_a_directory_longer_than_the_tail_costs_only_itself(
    index: LocalIndex, http: Http, store: Cache
) -> None:
    many = {f"demo/module_{number:05}.py": "" for number in range(1500)}
    made = wheel(files={"demo/lib.so": noise(BIG), **many}, requires=["numpy>=1"])
    index.add(made)
    assert right(look(index, made, http, store), made)
    directory = len(made.data) - made.data.index(b"PK\x01\x02", BIG)
    assert TAIL < directory < index.sent_of(made) < directory + TAIL
    assert index.sent_of(made) < BIG / 8


def test_the_longest_comment_and_metadata_at_the_front_are_reached_by_ranges(
    index: LocalIndex, http: Http, store: Cache
) -> None:
    made = big_wheel(comment=b"c" * 65535, metadata_first=True)
    index.add(made)
    assert right(look(index, made, http, store), made)
    assert index.sent_of(made) < 3 * TAIL


def test_a_wheel_smaller_than_the_tail_is_read_at_once(
    index: LocalIndex, http: Http, store: Cache
) -> None:
    made = wheel(requires=["numpy>=1"])
    index.add(made)
    assert right(look(index, made, http, store), made)
    assert index.sent_of(made) == len(made.data)


def test_what_is_known_is_not_asked_again(index: LocalIndex, http: Http, store: Cache) -> None:
    made = big_wheel()
    index.add(made)
    first = look(index, made, http, store)
    index.forget()
    assert look(index, made, http, store) == first
    assert not index.asked


def test_a_wheel_in_the_cache_is_not_asked_for(index: LocalIndex, http: Http, store: Cache) -> None:
    made = big_wheel()
    with store.partial(WHEELS, made.sha256, ".whl") as file:
        file.write(made.data)
    assert right(look(index, made, http, store), made)
    assert not index.asked


def test_a_damaged_note_is_made_again(index: LocalIndex, http: Http, store: Cache) -> None:
    made = big_wheel()
    index.add(made)
    first = look(index, made, http, store)
    note = next(store.root.glob("directories/*/*.json"))
    note.write_bytes(note.read_bytes()[:-40])
    assert look(index, made, http, store) == first


@pytest.mark.parametrize("manner", ["ignored", "unsaid", "refused", "shifted", "lying"])
def test_without_usable_ranges_the_wheel_is_fetched_whole_and_checked(
    index: LocalIndex, http: Http, store: Cache, manner: Ranges
) -> None:
    made = big_wheel()
    index.add(made)
    index.manners.ranges = manner
    assert right(look(index, made, http, store), made)
    assert store.verified(WHEELS, made.sha256, ".whl")


def test_a_server_without_suffix_ranges_is_asked_for_the_length_first(
    index: LocalIndex, http: Http, store: Cache
) -> None:
    made = big_wheel()
    index.add(made)
    index.manners.ranges = "no-suffix"
    assert right(look(index, made, http, store), made)
    assert index.sent_of(made) == TAIL
    assert [(one.method, one.status) for one in index.asked_of(made)] == [
        ("GET", 416),
        ("HEAD", 200),
        ("GET", 206),
    ]


def test_a_connection_that_breaks_is_an_error_and_leaves_nothing(
    index: LocalIndex, http: Http, store: Cache
) -> None:
    made = big_wheel()
    index.add(made)
    index.manners.ranges = "short"
    with pytest.raises(WideloadError) as caught:
        look(index, made, http, store)
    assert caught.value.what == "the connection to the package index broke"
    assert not [path for path in store.root.rglob("*") if path.is_file()]


def test_ranges_through_a_redirect(index: LocalIndex, http: Http, store: Cache) -> None:
    made = big_wheel()
    index.add(made)
    index.manners.moved = True
    assert right(look(index, made, http, store), made)
    assert index.sent_of(made) == TAIL


def test_a_corrupt_wheel_is_named_and_nothing_is_kept_of_it(
    index: LocalIndex, http: Http, store: Cache
) -> None:
    made = big_wheel()
    broken = made.with_data(made.data[:-30])
    index.add(broken)
    with pytest.raises(WideloadError) as caught:
        look(index, broken, http, store)
    assert caught.value.what == f"corrupt wheel {made.filename}"
    assert not [path for path in store.root.rglob("*") if path.is_file()]
