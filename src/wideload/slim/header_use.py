"""Whether code reads headers that its package brings for compiling against it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

# Whoever speaks of the folder with headers, or asks a package where its own is.
_FOLDER = re.compile(rb"""["'/\\]include["'/\\]|get_include""")
_COMPOSED = ".*{%+"
"""What the name of a file begins with that is put together or searched for."""
_BUILDS = (b"setuptools", b"distutils")


def opens_headers(path: str, data: bytes, named: Collection[str]) -> bool:
    """Whether a Python file may open headers of a folder ``include`` whose names it composes.

    :param named: sources, headers and Python files that it names.
    """
    if not any(name[0] in _COMPOSED and not name.endswith(".py") for name in named):
        return False
    if path.rpartition("/")[2] == "setup.py" and any(word in data for word in _BUILDS):
        return False  # a package's own build, that was packed with it
    return _FOLDER.search(data) is not None
