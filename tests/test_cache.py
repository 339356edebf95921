"""The cache: whole files under their digest, or nothing."""

from __future__ import annotations

import hashlib
import os
import stat
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from wideload.cache import Cache, default_root, made_once, replacing, write_atomically
from wideload.errors import WideloadError

DATA = b"content" * 1000
SHA256 = hashlib.sha256(DATA).hexdigest()


def put(store: Cache, data: bytes = DATA) -> Path:
    sha256 = hashlib.sha256(data).hexdigest()
    with store.partial("wheels", sha256, ".whl") as file:
        file.write(data)
    return store.path("wheels", sha256, ".whl")


def partials(folder: Path) -> list[Path]:
    return list(folder.rglob("*.partial"))


def test_nothing_is_there_at_first_and_nothing_is_made_by_looking(store: Cache) -> None:
    assert store.verified("wheels", SHA256, ".whl") is None
    assert not store.root.exists()


def test_what_was_put_is_found(store: Cache) -> None:
    path = put(store)
    assert path == store.root / "wheels" / SHA256[:2] / f"{SHA256}.whl"
    assert store.verified("wheels", SHA256, ".whl") == path
    assert not partials(store.root)


def test_a_file_under_a_wrong_digest_is_removed(store: Cache) -> None:
    path = store.path("wheels", SHA256, ".whl")
    write_atomically(path, b"something else")
    assert store.verified("wheels", SHA256, ".whl") is None
    assert not path.exists()


@pytest.mark.parametrize("damaged", [DATA[:-1], DATA + b"x", b"X" + DATA[1:], b""])
def test_a_file_that_got_damaged_is_removed(store: Cache, damaged: bytes) -> None:
    path = put(store)
    assert store.verified("wheels", SHA256, ".whl")
    path.write_bytes(damaged)
    assert store.verified("wheels", SHA256, ".whl") is None
    assert not path.exists()


def test_a_file_that_was_only_touched_is_digested_again_and_kept(store: Cache) -> None:
    path = put(store)
    assert store.verified("wheels", SHA256, ".whl")
    os.utime(path, (1, 1))
    assert store.verified("wheels", SHA256, ".whl") == path


@pytest.mark.parametrize("stamp", [b"", b"{}", b"nonsense", b'{"size":1,"mtime_ns":1,"inode":1}'])
def test_a_damaged_stamp_is_made_again(store: Cache, stamp: bytes) -> None:
    path = put(store)
    store.verified("wheels", SHA256, ".whl")
    path.with_name(f"{path.name}.stamp").write_bytes(stamp)
    assert store.verified("wheels", SHA256, ".whl") == path


def test_a_block_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"before")

    def fail() -> None:
        with replacing(path) as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert path.read_bytes() == b"before"
    assert not partials(tmp_path)


def test_a_file_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file"
    with replacing(path) as file:
        file.write(b"half")
        assert not path.exists()
    assert path.read_bytes() == b"half"


def test_files_have_the_mode_that_the_user_wants(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_atomically(tmp_path / "file", b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WideloadError) as caught:
        write_atomically(tmp_path / "file" / "below", b"x")
    assert caught.value.what == "below could not be written"
    assert "disk space" in caught.value.hint


def test_a_cache_below_a_file_is_as_if_empty(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert Cache(tmp_path / "file").verified("wheels", SHA256) is None


def test_many_threads_put_the_same(store: Cache) -> None:
    threads = [threading.Thread(target=put, args=(store,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = store.verified("wheels", SHA256, ".whl")
    assert found
    assert found.read_bytes() == DATA
    assert not partials(store.root)


def test_what_killed_runs_left_is_swept_when_it_is_old(store: Cache) -> None:
    path = put(store)
    old, new = (path.with_name(f".{SHA256}.{name}.partial") for name in ("old", "new"))
    old.write_bytes(b"half")
    new.write_bytes(b"half")
    os.utime(old, (1000, 1000))
    os.utime(new, (9000, 9000))
    assert store.sweep_partials(3600, now=9500) == 1
    assert not old.exists()
    assert new.exists()
    assert path.exists()


@pytest.mark.parametrize(
    ("variables", "root"),
    [
        ({"WIDELOAD_CACHE": "/some/where", "XDG_CACHE_HOME": "/x"}, "/some/where"),
        ({"XDG_CACHE_HOME": "/x"}, "/x/wideload"),
        ({"HOME": "/home/me"}, "/home/me/.cache/wideload"),
    ],
)
def test_where_the_cache_lies(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], root: str
) -> None:
    for name in ("WIDELOAD_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert default_root() == Path(root)


def test_what_is_made_once_is_made_by_one_and_whole_or_not_at_all(tmp_path: Path) -> None:
    made: list[Path] = []

    def make(folder: Path) -> None:
        made.append(folder)
        folder.mkdir()
        time.sleep(0.05)
        (folder / "file").write_text("whole")

    def fail(folder: Path) -> None:
        make(folder)
        raise WideloadError("it cannot be had")

    wanted = tmp_path / "kinds/thing-1.2"
    with pytest.raises(WideloadError):
        made_once(wanted, fail)
    assert not wanted.exists()
    made.clear()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: made_once(wanted, make), range(4)))
    assert found == [wanted] * 4
    assert len(made) == 1
    assert {path.name for path in wanted.parent.iterdir()} == {"thing-1.2", "thing-1.2.lock"}
    assert (wanted / "file").read_text() == "whole"
