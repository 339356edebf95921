"""What a handler will import, guessed from the sources: for functions that were not traced."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

from wideload.values.tree import LocalFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wideload.values.tree import FileTree


def imported_names(handler: str, own: FileTree) -> tuple[str, ...]:
    """The top-level names that the handler's module imports, in order, the user's own
    modules followed as they are met. What is imported within functions comes last.

    :param handler: ``module.attribute``, as Lambda takes it.
    """
    sources = {
        entry.path: entry.origin.path
        for entry in own
        if isinstance(entry.origin, LocalFile) and entry.path.endswith(".py")
    }
    module = handler.rpartition(".")[0].replace("/", ".")
    first: dict[str, None] = {}
    later: dict[str, None] = {}
    _follow(module, sources, set(), first, later)
    return tuple(first | later)


def _follow(
    module: str,
    sources: dict[str, str],
    seen: set[str],
    first: dict[str, None],
    later: dict[str, None],
) -> None:
    path = _source(module, sources)
    if path is None or path in seen:
        return
    seen.add(path)
    try:
        tree = ast.parse(Path(sources[path]).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return
    package = module if path.endswith("__init__.py") else module.rpartition(".")[0]
    for node, is_deferred in _statements(tree, deferred=False):
        for name in _names(node, package):
            if is_deferred:
                later.setdefault(name.split(".")[0])
                continue
            # `from a import b` may mean the module a.b, or what a has under that name.
            for each in (name.rpartition(".")[0], name):
                _follow(each, sources, seen, first, later)
            first.setdefault(name.split(".")[0])


def _source(module: str, sources: dict[str, str]) -> str | None:
    base = module.replace(".", "/")
    for path in (f"{base}/__init__.py", f"{base}.py"):
        if path in sources:
            return path
    return None


def _statements(node: ast.AST, *, deferred: bool) -> Iterator[tuple[ast.AST, bool]]:
    """The nodes below one in the order of the source, and whether they wait for a call."""
    for child in ast.iter_child_nodes(node):
        inner = deferred or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        yield child, inner
        yield from _statements(child, deferred=inner)


def _names(node: ast.AST, package: str) -> list[str]:
    """Dotted names that a statement imports."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    base = node.module or ""
    if node.level:
        parts = package.split(".")
        kept = parts[: len(parts) - node.level + 1]
        base = ".".join([*kept, *([node.module] if node.module else [])])
    return [f"{base}.{alias.name}".lstrip(".") for alias in node.names]
