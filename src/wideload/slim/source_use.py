"""Whether code reads sources while it runs: its own, or that of functions of others."""

from __future__ import annotations

import ast
import re
import warnings

_CACHE_OPTION = re.compile(rb"cache[\"']?\s*[=:]\s*True\b")
_JIT = re.compile(rb"\b(?:\w*jit|(?:gu)?vectorize|cfunc)\b")
# The option may stand behind signatures with parentheses of their own, or in a dictionary.
_JIT_WITH_CACHE = re.compile(rb"%b(?s:.{0,2000}?)\b%b" % (_JIT.pattern, _CACHE_OPTION.pattern))
_READS_OWN_SOURCE = (
    (re.compile(rb"\bjit\.(?:script|script_if_tracing|script_method|interface)\b"), "torch.jit"),
    (re.compile(rb"\btriton\.jit\b"), "triton.jit"),
    (re.compile(rb"\btypechecked\b"), "typeguard.typechecked"),
    (re.compile(rb"\bauto_docstring\b"), "auto_docstring, which reads the source"),
    (
        re.compile(rb"\buse_attribute_docstrings\b[\"']?\s*[=:]\s*True"),
        "pydantic, for its docstrings",
    ),
    (re.compile(rb"\bgetsource(?:lines|file)?\s*\(\s*(?:sys\.modules|__)"), "its own source"),
)
_MAY_READ_SOURCE = (
    *(b"jit.s", b"jit.i", b"triton.jit", b"typechecked", b"auto_docstring", b"getsource"),
    b"use_attribute_docstrings",
)
"""One of these stands in whatever the patterns above find."""

_ABOUT_SOURCE = b"getsource"
"""Of `inspect`: getsource, getsourcelines, getsourcefile; so that few files are parsed."""
_READERS = frozenset({"getsource", "getsourcelines", "findsource"})


def reads_own_source(data: bytes) -> str:
    """By what the source of this Python file itself is read; empty where nothing reads it."""
    if _CACHE_OPTION.search(data) and _caches_by_numba(data):
        return "numba's cache beside the source"
    if any(word in data for word in _MAY_READ_SOURCE):
        return next((what for pattern, what in _READS_OWN_SOURCE if pattern.search(data)), "")
    return ""


def _caches_by_numba(data: bytes) -> bool:
    """Whether code with the option of a cache gives it to numba's decorators: near them, or
    anywhere in a file that names numba."""
    near = _JIT_WITH_CACHE.search(data) is not None
    return near or (b"numba" in data and _JIT.search(data) is not None)


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
