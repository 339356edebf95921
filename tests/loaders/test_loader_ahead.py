"""Files that are read ahead, over a network that is slow."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

import pytest

from wideload.bench.slow_files import slowed
from wideload.build.bundle.loader_files import Loader, loader_sources
from wideload.loaders.python import apart
from wideload.loaders.python.ahead import Ahead, read

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MILLISECONDS = 20.0
PIECES = 16
SIZE = PIECES << 17
MB = 1 << 20


class Processes:
    """Writes down what is launched and told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.ends: list[socket.socket] = []

    def launch(self, home: str, _work: object, _words: Sequence[str]) -> socket.socket:
        ours, theirs = socket.socketpair()
        self.told.append(home)
        self.ends.append(theirs)
        return ours

    def heard(self) -> list[list[str]]:
        """What each was told, all of them having been let go."""
        found = []
        for each in self.ends:
            with each.makefile("r") as lines:
                found.append(lines.read().split())
            each.close()
        return found


def test_a_fourth_of_the_memory_is_asked_for() -> None:
    processes = Processes()
    ahead = Ahead("home", 4 * MB, processes.launch)
    ahead.want([("/mnt/a", MB // 2), ("/mnt/large", MB), ("/mnt/b", MB // 2), ("/mnt/c", 1)])
    ahead.want([("/mnt/d", 1)])
    ahead.started()
    assert processes.told == ["home"]
    assert processes.heard() == [["/mnt/a", "/mnt/b"]]


def test_what_is_wanted_later_is_asked_for_by_a_process_that_ends() -> None:
    processes = Processes()
    ahead = Ahead("home", MB, processes.launch)
    ahead.started()
    ahead.want([("/mnt/a", 1)])
    ahead.want([("/mnt/b", 1)])
    assert processes.heard() == [["/mnt/a"], ["/mnt/b"]]


@pytest.mark.sandbox
def test_what_was_read_ahead_is_not_waited_for(tmp_path: Path) -> None:
    folder, at = tmp_path / "folder", tmp_path / "mnt"
    home = tmp_path / "_wideload"
    for each in (folder, home):
        each.mkdir()
    for name, data in loader_sources(Loader.MOUNTED).items():
        (home / name).write_bytes(data)
    for name in ("a", "b"):
        (folder / name).write_bytes(bytes(SIZE))
    with slowed([(folder, at)], MILLISECONDS):
        channel = apart.launch(str(home), read, [])
        channel.sendall(f"{at / 'nothing'}\n{at / 'a'}\n".encode())
        channel.shutdown(socket.SHUT_WR)
        assert channel.recv(1) == b""
        channel.close()
        spent = {}
        for name in ("a", "b"):
            began = time.perf_counter()
            assert (at / name).read_bytes() == bytes(SIZE)
            spent[name] = (time.perf_counter() - began) * 1000
    # Of the other each piece is a trip, or each second where the kernel reads ahead.
    assert spent["b"] >= PIECES / 2 * MILLISECONDS
    assert spent["a"] < spent["b"] / 2
