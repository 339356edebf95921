"""Whether code looks for Python files by their ending, as loaders of plugins do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wideload.slim.mentions import what_runs

if TYPE_CHECKING:
    from collections.abc import Collection

# Whoever lists a folder, or looks whether a file is there.
_LISTS = re.compile(
    rb"\b(?:listdir|scandir|iterdir|i?glob|rglob|walk|contents|isfile|is_file|l?exists|access)\s*\("
)
_LISTS_OTHERS = (
    *("babel/messages/", "django/core/management/"),  # messages and settings of the user's
    "cffi/",  # looks where it is about to write
    "flask/cli.py",  # the application of the user's
    "jinja2/loaders.py",  # modules that it made of templates
    "werkzeug/_reloader.py",  # starts a server again when a source was edited
)
"""Code that looks for Python files by their ending, but never for those beside it."""


def lists_modules(path: str, data: bytes, named: Collection[str]) -> bool:
    """Whether a Python file lists others beside it: ``*.py``, ``.py``, ``{name}.py``.

    :param named: files that it names.
    """
    endings = [name for name in named if name.endswith(".py") and name[0] in ".*{%"]
    if not endings or path.startswith(_LISTS_OTHERS):
        return False
    run = what_runs(data)
    return bool(_LISTS.search(run)) and any(name.encode() in run for name in endings)
