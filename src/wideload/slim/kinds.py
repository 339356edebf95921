"""What names of files and folders say of their purpose, as far as names can."""

from __future__ import annotations

import re

TEST_FOLDERS = frozenset({"tests", "test"})
DOC_FOLDERS = frozenset({"docs", "doc", "examples", "example", "benchmarks", "benchmark", "bench"})

TEST_FILE = re.compile(r"(test_\w+|\w+_test|tests)\.py")
"""A module of tests, by name; `aiohttp.test_utils` and its like are told apart by content."""
_SENSITIVE = re.compile(
    rf"(?:^|[./])(?:{'|'.join(sorted(TEST_FOLDERS | DOC_FOLDERS))}|test_\w+|\w+_test|conftest)"
    r"(?:$|[./])"
)

# What compilers read. `.i` (SWIG) and `.pyf` (f2py) are sources as well; `.S`, `.asm` too.
# `.pc` files stay: they weigh next to nothing, and tell where a package lies.
SOURCE_ENDINGS = (
    *(".pyx", ".pxd", ".pxi", ".pyx.in", ".pxd.in", ".pxi.in", ".pyx.tp", ".pxd.tp", ".pxi.tp"),
    *(".h", ".hh", ".hpp", ".hxx", ".h.in", ".c", ".cc", ".cpp", ".cxx", ".c.in", ".cu", ".cuh"),
    *(".f", ".f77", ".f90", ".f95", ".for", ".pyf", ".a", ".lib", ".la", ".cmake"),
)
# What headers include in their turn. Elsewhere these may be anything.
INCLUDED_ENDINGS = (".inc", ".inl", ".ipp", ".tcc", ".td")
HEADERS_FOLDER = "include"
STUB_ENDING = ".pyi"
BUILD_FILES = frozenset({"meson.build", "CMakeLists.txt"})

FOREIGN_ENDINGS = (".exe", ".pyd", ".dylib", ".dll")


def is_sensitive(dotted: str) -> bool:
    """Whether a part of a dotted name (or a single name) is that of tests, docs or examples."""
    # The first look is for the most frequent answer by far.
    return ("e" in dotted or "doc" in dotted) and _SENSITIVE.search(dotted) is not None


def is_source(name: str) -> bool:
    """Whether a file of this name is a stub or what a compiler reads."""
    return name.endswith((STUB_ENDING, *SOURCE_ENDINGS, *INCLUDED_ENDINGS)) or name in BUILD_FILES


def is_module_path(path: str) -> bool:
    """Whether every folder of a path, and the file without its ending, can be imported."""
    parts = path.split("/")
    parts[-1] = parts[-1].partition(".")[0]
    return all(part.isidentifier() for part in parts)
