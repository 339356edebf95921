"""Wheels get into the cache whole and right, or not at all."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from local_index import LocalIndex
from wheel_maker import Made, wheel
from wideload.cache import Cache
from wideload.errors import WideloadError
from wideload.resolve.http import Http
from wideload.resolve.resolver import fetch_all
from wideload.resolve.wheels import WHEELS, fetch
from wideload.values.resolution import Wheel

MADE = wheel(files={"demo/lib.so": bytes(range(256)) * 4000}, stored=True)

# What a process that is to be killed runs.
FETCH = """
import sys
from pathlib import Path
from wideload.cache import Cache
from wideload.resolve.credentials import Credentials
from wideload.resolve.http import Http
from wideload.resolve.wheels import fetch
url, sha256, filename, root = sys.argv[1:]
print(fetch(url, sha256, filename, Http(Credentials([])), Cache(Path(root))))
"""


def get(index: LocalIndex, made: Made, http: Http, store: Cache) -> Path:
    return fetch(index.file_url(made), made.sha256, made.filename, http, store)


def start(index: LocalIndex, made: Made, store: Cache) -> subprocess.Popen[str]:
    arguments = [index.file_url(made), made.sha256, made.filename, str(store.root)]
    return subprocess.Popen(
        [sys.executable, "-c", FETCH, *arguments], stdout=subprocess.PIPE, text=True
    )


def until(happened: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def files(store: Cache) -> list[Path]:
    return [path for path in store.root.rglob("*") if path.is_file()]


def test_a_wheel_is_fetched_once(index: LocalIndex, http: Http, store: Cache) -> None:
    index.add(MADE)
    told: list[int] = []
    path = fetch(index.file_url(MADE), MADE.sha256, MADE.filename, http, store, told.append)
    assert path.read_bytes() == MADE.data
    assert sum(told) == len(MADE.data)
    assert get(index, MADE, http, store) == path
    assert len(index.asked_of(MADE)) == 1


def test_another_content_than_the_locked_one_is_refused(
    index: LocalIndex, http: Http, store: Cache
) -> None:
    other = wheel(files={"demo.py": "evil"})
    index.add(MADE.with_data(other.data))
    with pytest.raises(WideloadError) as caught:
        get(index, MADE, http, store)
    assert caught.value.what == f"the hash of {MADE.filename} does not match"
    assert MADE.sha256 in caught.value.why
    assert other.sha256 in caught.value.why
    assert not files(store)


def test_a_connection_that_breaks_leaves_nothing(
    index: LocalIndex, http: Http, store: Cache
) -> None:
    index.add(MADE)
    index.manners.cut = True
    with pytest.raises(WideloadError) as caught:
        get(index, MADE, http, store)
    assert caught.value.what == "the connection to the package index broke"
    assert not files(store)
    index.manners.cut = False
    assert get(index, MADE, http, store).read_bytes() == MADE.data


@pytest.mark.parametrize("damage", ["a byte", "the end"])
def test_a_damaged_file_of_the_cache_is_fetched_again(
    index: LocalIndex, http: Http, store: Cache, damage: str
) -> None:
    index.add(MADE)
    path = get(index, MADE, http, store)
    assert get(index, MADE, http, store) == path
    changed = bytearray(MADE.data)
    changed[100] ^= 1
    path.write_bytes(changed if damage == "a byte" else MADE.data[:-1])
    assert get(index, MADE, http, store).read_bytes() == MADE.data
    assert len(index.asked_of(MADE)) == 2


def test_a_cache_that_cannot_be_written(index: LocalIndex, http: Http, store: Cache) -> None:
    index.add(MADE)
    store.root.write_text("a file where the folder should be")
    with pytest.raises(WideloadError) as caught:
        get(index, MADE, http, store)
    assert caught.value.what == f"{MADE.filename} could not be kept in the cache"
    assert "WIDELOAD_CACHE" in caught.value.hint


def test_a_local_file_is_copied_and_checked(tmp_path: Path, http: Http, store: Cache) -> None:
    local = tmp_path / "päth with space" / MADE.filename
    local.parent.mkdir()
    local.write_bytes(MADE.data)
    path = fetch(local.as_uri(), MADE.sha256, MADE.filename, http, store)
    assert path.read_bytes() == MADE.data
    local.unlink()
    assert fetch(local.as_uri(), MADE.sha256, MADE.filename, http, store) == path
    with pytest.raises(WideloadError, match="a locked file is not there"):
        fetch(local.as_uri(), "0" * 64, MADE.filename, http, store)


def test_two_processes_fetch_the_same_wheel_at_once(index: LocalIndex, store: Cache) -> None:
    index.add(MADE)
    index.manners.pause = 0.001
    both = [start(index, MADE, store) for _ in range(2)]
    paths = {Path(process.communicate(timeout=30)[0].strip()) for process in both}
    assert [process.returncode for process in both] == [0, 0]
    assert len(paths) == 1
    assert paths.pop().read_bytes() == MADE.data
    assert not list(store.root.rglob("*.partial"))


def test_a_kill_in_the_middle_leaves_nothing_that_is_believed(
    index: LocalIndex, http: Http, store: Cache
) -> None:
    index.add(MADE)
    index.manners.pause = 0.05
    process = start(index, MADE, store)
    until(lambda: list(store.root.rglob("*.partial")) and index.sent_of(MADE) > 100_000)
    process.send_signal(signal.SIGKILL)
    assert process.wait(30) == -signal.SIGKILL
    assert index.sent_of(MADE) < len(MADE.data)
    assert store.verified(WHEELS, MADE.sha256, ".whl") is None
    index.manners.pause = 0
    assert get(index, MADE, http, store).read_bytes() == MADE.data


def test_all_wheels_come_by_their_digest(index: LocalIndex, http: Http, store: Cache) -> None:
    made = [wheel(f"demo{number}") for number in range(12)]
    index.add(*made)
    wheels = [
        Wheel(one.name, "1.0", one.filename, index.file_url(one), one.sha256, len(one.data), ())
        for one in made
    ]
    paths = fetch_all(wheels, http, store)
    assert {sha256: path.read_bytes() for sha256, path in paths.items()} == {
        one.sha256: one.data for one in made
    }


def test_one_missing_wheel_of_many_is_one_clear_error(
    index: LocalIndex, http: Http, store: Cache
) -> None:
    made = [wheel(f"demo{number}") for number in range(4)]
    index.add(*made[1:])
    wheels = [
        Wheel(one.name, "1.0", one.filename, index.file_url(one), one.sha256, len(one.data), ())
        for one in made
    ]
    with pytest.raises(WideloadError, match="HTTP 404"):
        fetch_all(wheels, http, store)


def test_after_an_error_the_other_downloads_are_not_waited_for(
    index: LocalIndex, http: Http, store: Cache
) -> None:
    big = wheel("big", files={"big/lib.so": bytes(4_000_000)}, stored=True)
    index.add(big)
    index.manners.pause = 0.02  # 5 s for all of it
    wheels = [
        Wheel(one.name, "1.0", one.filename, index.file_url(one), one.sha256, size, ())
        for one, size in ((big, 2), (MADE, 1))
    ]
    with pytest.raises(WideloadError, match="HTTP 404"):
        fetch_all(wheels, http, store)
    assert index.sent_of(big) < len(big.data) / 2
    assert not files(store)
