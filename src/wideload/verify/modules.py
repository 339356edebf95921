"""Which modules a tree of files offers for import."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wideload.values.tree import FileTree

_MODULE = re.compile(r"(?P<name>[A-Za-z_]\w*)(?:\.py|\.pyc|(?:\.[\w-]+)?\.so)")
_PACKAGE = re.compile(r"__init__(?:\.py|\.pyc|(?:\.[\w-]+)?\.so)")
_SKIPPED = frozenset({"__pycache__", "bin", "include", "share"})
_TOOLS_OWN = frozenset({"__main__", "setup", "conftest"})
"""Modules that are run by a name, or by tools, and not imported."""


def top_level_modules(tree: FileTree) -> tuple[str, ...]:
    """Modules and packages at the root of a tree, sorted, those of tools' own use left out."""
    found: set[str] = set()
    for entry in tree:
        head, _, rest = entry.path.partition("/")
        if not rest:
            match = _MODULE.fullmatch(head)
            if match and match["name"] not in _TOOLS_OWN:
                found.add(match["name"])
        elif head.isidentifier() and head not in _SKIPPED and _PACKAGE.fullmatch(rest):
            found.add(head)
    return tuple(sorted(found))


def all_modules(tree: FileTree) -> tuple[str, ...]:
    """Every module of a tree by its dotted name, sorted; what only runs as a script is not one."""
    found: set[str] = set()
    for entry in tree:
        *folders, file = entry.path.split("/")
        match = _MODULE.fullmatch(file)
        if not match or match["name"] in _TOOLS_OWN:
            continue
        if any(not folder.isidentifier() or folder in _SKIPPED for folder in folders):
            continue
        name = match["name"]
        found.add(".".join(folders if name == "__init__" and folders else [*folders, name]))
    return tuple(sorted(found))
