"""The rule `sources`: stubs and what compilers read, where no code that ships names them."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from wideload.slim.kinds import BUILD_FILES, SOURCE_ENDINGS, STUB_ENDING
from wideload.slim.rules.rule import Drop, Risk, Rule, Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

_COMPILE_AT_RUN_TIME = {
    "apache-tvm": "compiles kernels",
    "cffi": "writes modules from its headers",
    "cmake": "is a build tool",
    "cppyy-cling": "is a compiler that reads headers",
    "cppyy-backend": "is a compiler that reads headers",
    "cpycppyy": "is a compiler that reads headers",
    "cython": "is a compiler that reads its .pxd files",
    "deepspeed": "compiles kernels",
    "jedi": "reads the stubs of typeshed",
    "meson": "is a build tool",
    "mypy": "reads the stubs of typeshed",
    "nanobind": "is there to be compiled against",
    "pocl-binary-distribution": "compiles kernels",
    "pybind11": "is there to be compiled against",
    "pyright": "reads the stubs of typeshed",
    "pythran": "compiles modules",
    "setuptools": "builds modules",
    "taichi": "compiles kernels",
    "torch": "compiles kernels and extensions",
    "triton": "compiles kernels",
    "typeshed-client": "reads the stubs of typeshed",
    "warp-lang": "compiles kernels with the compiler that it brings",
    "ziglang": "is a compiler",
}
"""Distributions whose sources are read while they run."""
_COMPILE_FAMILIES = ("cupy-", "nvidia-", "cuda-", "clang")


_ONLY_BUILDS = frozenset({"numpy"})
"""Distributions that compose names of sources only to call a compiler: f2py does. What they
name in full stays, since `numpy.f2py.get_include` tells where it lies."""
_PLACEHOLDERS = frozenset("{*+%")


def _why_kept(name: str) -> str:
    if name.startswith(_COMPILE_FAMILIES):
        return "compiles kernels"
    return _COMPILE_AT_RUN_TIME.get(name, "")


def _asked_endings(subject: Subject) -> frozenset[str]:
    """Endings of which this wheel's own code speaks: ``".h"``, ``"*.pyx"``, ``"{name}.c"``."""
    if subject.name in _ONLY_BUILDS:
        return frozenset()
    found = set()
    for text in subject.survey.files:
        head, dot, ending = text.partition(".")
        if dot and (not head or not _PLACEHOLDERS.isdisjoint(head)):
            found.add(f".{ending}")
    return frozenset(found)


def _find(subject: Subject) -> Iterator[Drop]:
    if _why_kept(subject.name):
        return
    stubbed = {f"{posixpath.splitext(path)[0]}{STUB_ENDING}" for path in subject.survey.stubs}
    composed = _asked_endings(subject)
    for path in subject.paths:
        name = posixpath.basename(path)
        if path in stubbed or name in subject.asked.files:
            continue
        if name.endswith(STUB_ENDING):
            if STUB_ENDING not in composed:
                yield Drop(path, "type stubs are for checkers and editors")
        elif name in BUILD_FILES:
            yield Drop(path, "is for building the package")
        else:
            ending = next((end for end in SOURCE_ENDINGS if name.endswith(end)), None)
            if ending and len(name) > len(ending) and ending not in composed:
                yield Drop(path, f"{ending} files are for compilers, and Lambda has none")


RULE = Rule("sources/2", Risk.CHECKED, "type stubs, and sources for compilers", _find)
