"""Run by the target's own Python, any since 3.10: compiles what comes in on stdin.

Frames on both sides: four bytes of length, little-endian, then the bytes. In: for each
file its path and its source. Out: for each file a byte, 1 for byte-code or 0 for a reason,
then that. Only the standard library, and nothing of it that site would bring.
"""

from __future__ import annotations

import importlib.util
import marshal
import operator
import struct
import sys
import warnings

TYPE_CHECKING = False  # typing's own takes as long to import as all the rest
if TYPE_CHECKING:
    import ast
    import types
    from collections.abc import Iterator

_LENGTH = struct.Struct("<I")
_ONLY_AST = 0x400  # ast.PyCF_ONLY_AST
# Where a source says one of these, it does something with docstrings, its own perhaps.
_READS_DOCSTRINGS = (b"__doc__", b"getdoc", b"docopt", b"yacc", b"docstring_parser")
_UNCHECKED = 1  # PEP 552: hash-based, and the hash is not to be checked


def _frames() -> Iterator[bytes]:
    read = sys.stdin.buffer.read
    while True:
        head = read(4)
        if len(head) < 4:
            return
        yield read(_LENGTH.unpack(head)[0])


def _without_docstrings(tree: ast.Module) -> ast.Module:
    import ast  # noqa: PLC0415 - most runs do without

    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(tree):
        if isinstance(node, documented) and ast.get_docstring(node, clean=False) is not None:
            rest = node.body[1:]
            if not rest and not isinstance(node, ast.Module):
                rest = [ast.copy_location(ast.Pass(), node.body[0])]
            node.body = rest
    return tree


def _settled(code: types.CodeType, sets: dict[object, frozenset[object]]) -> types.CodeType:
    """The same code, in which equal constant sets are one object that was filled in one order.

    Whether the compiler makes them one hangs on which of their strings this process met before.
    """
    consts: list[object] = []
    for const in code.co_consts:
        if isinstance(const, frozenset):
            key = tuple(sorted(map(_rank, const)))
            if key not in sets:
                sets[key] = frozenset(map(_interned, sorted(const, key=_rank)))
            consts.append(sets[key])
        else:
            consts.append(_settled(const, sets) if isinstance(const, type(code)) else const)
    if all(map(operator.is_, consts, code.co_consts)):
        return code
    return code.replace(co_consts=tuple(consts))


def _rank(const: object) -> tuple[str, str]:
    return type(const).__name__, repr(const)


def _interned(const: object) -> object:
    """What the compiler will have in the place of a string that looks like a name."""
    if isinstance(const, str) and const.isascii() and const.replace("_", "a").isalnum():
        return sys.intern(const)
    return const


def _held(code: types.CodeType) -> list[object]:
    """All strings and constants of a module's code, each referred to once more."""
    held: list[object] = []
    pending: list[object] = [code]
    while pending:
        one = pending.pop()
        if isinstance(one, type(code)):
            held += (*one.co_names, *one.co_varnames, *one.co_cellvars, *one.co_freevars)
            held += (one.co_filename, one.co_name, getattr(one, "co_qualname", ""))
            pending += one.co_consts
        else:
            held.append(one)
            if isinstance(one, (tuple, frozenset)):
                pending += one
    return held


def _compiled(path: str, source: bytes, strip: bool) -> bytes:
    """The .pyc of a source, the same whatever else this process has compiled."""
    tree: bytes | ast.Module = source
    if strip and not any(word in source for word in _READS_DOCSTRINGS):
        parsed = compile(source, path, "exec", _ONLY_AST, True, 0)
        tree = _without_docstrings(parsed)
    code = _settled(compile(tree, path, "exec", 0, True, 0), {})
    # marshal marks what is referred to more than once, by whomever: unless all is, a name that
    # another module has as well is written otherwise.
    held = _held(code)
    data = marshal.dumps(code)
    del held
    header = importlib.util.MAGIC_NUMBER + _LENGTH.pack(_UNCHECKED)
    return header + importlib.util.source_hash(source) + data


def main() -> None:
    """Compile all that stdin brings. The only argument: ``keep`` or ``strip`` docstrings."""
    strip = sys.argv[1] == "strip"
    warnings.simplefilter("ignore")
    write = sys.stdout.buffer.write
    frames = _frames()
    for path, source in zip(frames, frames):  # noqa: B905 - 3.9 and older do not run this
        try:
            done, result = 1, _compiled(path.decode(), source, strip)
        except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError) as error:
            done, result = 0, f"{type(error).__name__}: {error}".encode()
        write(bytes([done]) + _LENGTH.pack(len(result)) + result)
        # Whatever a next source does to this process, what is done is done.
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
