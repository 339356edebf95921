"""Lets a function see that a cold file is there, before it asks for its content.

Python tells nobody that it looks at a file, as it tells that it opens one; nor does
multiprocessing tell that it starts a process, as subprocess does. So the functions by which
Python's code does so are put behind others (`os.path`, pathlib and shutil look by these) that
have fetched what is wanted.
"""

from __future__ import annotations

import functools
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

_SUPPORTED = (
    os.supports_dir_fd,
    os.supports_effective_ids,
    os.supports_fd,
    os.supports_follow_symlinks,
)
_KEPT = (("pathlib", "_NormalAccessor", "stat"), ("glob", "_StringGlobber", "lstat"))
"""Classes of Python 3.10's and 3.13's library that keep a function of `os` from when they were
made, which may have been before."""


class Watched:
    """A function that is called with a path, and something that is called before it.

    Not a function itself: in a class it must not become a method, as those of `os` do not.
    """

    def __init__(self, function: Callable[..., Any], look: Callable[[Any], None]) -> None:
        self._function, self._look = function, look
        functools.update_wrapper(self, function)

    def __call__(self, path: Any, *arguments: Any, **named: Any) -> Any:
        """Look, then call."""
        if named.get("dir_fd") is None:
            self._look(path)
        return self._function(path, *arguments, **named)


def watch(look: Callable[[Any], None]) -> None:
    """Have `look` called with each path before it is looked at.

    :param look: raises where what is there cannot be had.
    """
    os.stat = _watched(os.stat, look)
    os.lstat = _watched(os.lstat, look)
    os.access = _watched(os.access, look)
    for module, name, function in _KEPT:
        keeper = vars(sys.modules[module]).get(name) if module in sys.modules else None
        if keeper is not None and function in vars(keeper):
            setattr(keeper, function, vars(os)[function])


def watch_processes(before: Callable[[Sequence[Any]], None]) -> None:
    """Have `before` called before multiprocessing starts a process, with the programs that it
    tries one after the other."""
    # Not all that it can start; the rest it forks, or has subprocess start, which both tell.
    import _posixsubprocess  # noqa: PLC0415

    fork_exec = _posixsubprocess.fork_exec

    @functools.wraps(fork_exec)
    def told(*arguments: Any) -> int:
        before(arguments[1])
        return fork_exec(*arguments)

    _posixsubprocess.fork_exec = told


def _watched(function: Callable[..., Any], look: Callable[[Any], None]) -> Watched:
    watched = Watched(function, look)
    for supported in _SUPPORTED:
        if function in supported:
            supported.add(watched)
    return watched
