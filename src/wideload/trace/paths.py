"""The names of files as a profile writes them, and the places in Lambda where they lie."""

from __future__ import annotations

import re

from wideload.values.profile import LAYER_ROOT

TASK = "/var/task/"
_LAYER_PYTHON = re.compile(r"/opt/python/(?:lib/python3\.\d+/site-packages/)?")
_CACHED = re.compile(r"((?:.*/)?)__pycache__/([^/]+?)\.[\w-]+(?:\.opt-\w+)?\.pyc")
_MODULE = re.compile(r"([^\W\d]\w*)(?:\.py|\.pyc|(?:\.cpython-[\w-]+|\.abi3)?\.so)")


def in_package(inside: str) -> str | None:
    """The path in the package of a normalised absolute path in the sandbox.

    What lies on Python's path in a layer has the name that it would have beside the handler;
    other files of layers keep their absolute one. Nothing for what is in neither.
    """
    if inside.startswith(LAYER_ROOT):
        match = _LAYER_PYTHON.match(inside)
        return inside[match.end() :] if match else inside
    return inside[len(TASK) :] if f"{inside}/".startswith(TASK) else None


def as_source(path: str) -> str:
    """The path of the source for a file of byte-code (PEP 3147, or in its source's place)."""
    cached = _CACHED.fullmatch(path)
    if cached:
        return f"{cached[1]}{cached[2]}.py"
    return f"{path[:-1]}" if path.endswith(".pyc") else path


def module_name(filename: str) -> str:
    """The name that a file of this name is imported by in its folder; empty if by none."""
    match = _MODULE.fullmatch(filename)
    return match[1] if match else ""
