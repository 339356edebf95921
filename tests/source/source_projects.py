"""Small projects on disk and messages of errors, for the tests of source."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from wideload.errors import WideloadError
from wideload.source.locks import Selection
from wideload.values.target import Target

if TYPE_CHECKING:
    from collections.abc import Iterator

LOCKS = Path(__file__).parent / "locks"
CONFIG = '[functions.shop]\nhandler = "app.handler"\nruntime = "python3.13"\n'
APP = "def handler(event, context):\n    return event\n"


def write(folder: Path, **files: str | bytes) -> Path:
    """Files by name, in which ``__`` stands for a slash and ``_dot_`` for a point."""
    for name, content in files.items():
        write_file(folder, name.replace("__", "/").replace("_dot_", "."), content)
    return folder


def write_file(folder: Path, path: str, content: str | bytes = b"x") -> Path:
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content.encode() if isinstance(content, str) else content)
    return target


def selection(
    runtime: str = "python3.13", *, groups: tuple[str, ...] = (), extras: tuple[str, ...] = ()
) -> Selection:
    return Selection(Target.parse(runtime, "x86_64"), groups, extras)


@contextmanager
def refuses(what: str, why: str, hint: str) -> Iterator[None]:
    """Assert that an error is raised and that each of its three parts holds these words."""
    with pytest.raises(WideloadError) as caught:
        yield
    assert what in caught.value.what
    assert why in caught.value.why
    assert hint in caught.value.hint
