"""Lets a function see that a cold file is there, before it asks for its content.

Python tells nobody that it looks at a file, as it tells that it opens one. So for bundles with
cold frames the functions by which Python's code looks (`os.path`, pathlib and shutil do by these)
fetch what they look at.
"""

from __future__ import annotations

import functools
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_SUPPORTED = (
    os.supports_dir_fd,
    os.supports_effective_ids,
    os.supports_fd,
    os.supports_follow_symlinks,
)


def watch(look: Callable[[Any], None]) -> None:
    """Have `look` called with each path before it is looked at.

    :param look: raises where what is there cannot be had.
    """
    os.stat = _watched(os.stat, look)
    os.lstat = _watched(os.lstat, look)
    os.access = _watched(os.access, look)


def _watched(function: Callable[..., Any], look: Callable[[Any], None]) -> Callable[..., Any]:
    @functools.wraps(function)
    def watched(path: Any, *arguments: Any, **named: Any) -> Any:
        if named.get("dir_fd") is None:
            look(path)
        return function(path, *arguments, **named)

    for supported in _SUPPORTED:
        if function in supported:
            supported.add(watched)
    return watched
