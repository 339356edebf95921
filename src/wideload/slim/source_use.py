"""Whether code reads the source of functions while it runs, and cannot go on without."""

from __future__ import annotations

import ast
import warnings

_ABOUT_SOURCE = b"getsource"
"""Of `inspect`: getsource, getsourcelines, getsourcefile; so that few files are parsed."""
_READERS = frozenset({"getsource", "getsourcelines", "findsource"})


def reads_sources(data: bytes) -> bool:
    """Whether a Python file asks for source lines where no ``try`` would notice their lack.

    What is read is rarely the file's own: a decorator or a metaclass reads the functions of
    who uses it.
    """
    if _ABOUT_SOURCE not in data:
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(data)
    except (SyntaxError, ValueError, RecursionError):
        return True
    return _asks(tree.body)


def _asks(nodes: list[ast.stmt]) -> bool:
    todo: list[ast.AST] = list(nodes)
    while todo:
        node = todo.pop()
        match node:
            case ast.Try() | ast.TryStar():
                # What the handlers do may be unguarded again.
                todo += [*node.handlers, *node.orelse, *node.finalbody]
                continue
            case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name), args=args):
                if name in _READERS and not _is_own(args):
                    return True
        todo += ast.iter_child_nodes(node)
    return False


def _is_own(args: list[ast.expr]) -> bool:
    """Whether the module itself is meant, which the survey marks by itself."""
    match args[:1]:
        case [ast.Subscript(value=ast.Attribute(attr="modules"))]:
            return True
        case [ast.Name(id=name)]:
            return name.startswith("__")
        case _:
            return False
