"""Run by the target's own Python, any since 3.10: compiles what comes in on stdin.

Frames on both sides: four bytes of length, little-endian, then the bytes. In: for each
file its path and its source. Out: for each file a byte, 1 for byte-code or 0 for a reason,
then that. Only the standard library, and nothing of it that site would bring.
"""

from __future__ import annotations

import importlib.util
import marshal
import os
import struct
import sys
import warnings

TYPE_CHECKING = False  # typing's own takes as long to import as all the rest
if TYPE_CHECKING:
    import ast
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


def _compiled(path: str, source: bytes, strip: bool) -> bytes:
    tree: bytes | ast.Module = source
    if strip and not any(word in source for word in _READS_DOCSTRINGS):
        parsed = compile(source, path, "exec", _ONLY_AST, True, 0)
        tree = _without_docstrings(parsed)
    code = compile(tree, path, "exec", 0, True, 0)
    header = importlib.util.MAGIC_NUMBER + _LENGTH.pack(_UNCHECKED)
    return header + importlib.util.source_hash(source) + marshal.dumps(code)


def _apart(path: str, source: bytes, strip: bool) -> tuple[int, bytes]:
    """In a process of its own, since marshal counts references: a string that another module
    of the process has too is written otherwise, and bytes would depend on the company."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            done, result = 1, _compiled(path, source, strip)
        except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError) as error:
            done, result = 0, f"{type(error).__name__}: {error}".encode()
        with open(writing, "wb") as pipe:  # noqa: PTH123 - a descriptor
            pipe.write(bytes([done]) + result)
        os._exit(0)
    os.close(writing)
    with open(reading, "rb") as pipe:  # noqa: PTH123 - a descriptor
        told = pipe.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status or not told:
        return 0, f"the compiler ended with {status}".encode()
    return told[0], told[1:]


def main() -> None:
    """Compile all that stdin brings. The only argument: ``keep`` or ``strip`` docstrings."""
    strip = sys.argv[1] == "strip"
    warnings.simplefilter("ignore")
    write = sys.stdout.buffer.write
    frames = _frames()
    for path, source in zip(frames, frames):  # noqa: B905 - 3.9 and older do not run this
        done, result = _apart(path.decode(), source, strip)
        write(bytes([done]) + _LENGTH.pack(len(result)) + result)
        # Whatever a next source does to this process, what is done is done.
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
