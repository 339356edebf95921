"""Work on several functions at once: how many, and what becomes of the others when one fails."""

from __future__ import annotations

import threading

import pytest

from wideload.apart import error_of, in_threads
from wideload.errors import WideloadError

NAMES = [str(number) for number in range(6)]


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_so_many_at_once_and_no_more(jobs: int) -> None:
    # Whoever comes waits until so many are there: with fewer at once it would end in an error.
    meeting = threading.Barrier(jobs, timeout=20)
    lock = threading.Lock()
    inside = 0
    most = 0
    done: list[str] = []

    def work(name: str) -> None:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        meeting.wait()
        with lock:
            inside -= 1
            done.append(name)

    in_threads(work, NAMES, jobs)
    assert sorted(done) == NAMES
    assert most == jobs


def test_an_interrupt_begins_no_other() -> None:
    done: list[str] = []

    def work(name: str) -> None:
        if name == "2":
            raise KeyboardInterrupt
        done.append(name)

    with pytest.raises(KeyboardInterrupt):
        in_threads(work, NAMES, 1)
    assert done == ["0", "1"]


def test_why_it_failed() -> None:
    def refuse() -> None:
        raise WideloadError("no", why="because")

    def break_() -> None:
        raise ZeroDivisionError("of apples")

    assert error_of(lambda: None) is None
    refused = error_of(refuse)
    assert refused is not None
    assert (refused.what, refused.why) == ("no", "because")
    broken = error_of(break_)
    assert broken is not None
    assert broken.what == "unexpected: ZeroDivisionError: of apples"
    assert "--debug" in broken.hint


def test_an_interrupt_is_no_failure_of_one() -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        error_of(interrupt)
