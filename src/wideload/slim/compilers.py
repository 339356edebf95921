"""Which distributions compile while they run, and so read sources and headers."""

from __future__ import annotations

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
    "numba-cuda": "compiles kernels",
    "paddlepaddle": "compiles extensions",
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
_BRING_A_COMPILER = frozenset({"cppyy-cling", "ziglang"})
"""Compilers of C and C++ that need nothing of the system: with one of them the headers of any
package can be compiled against, on Lambda too. Those of kernels (CUDA's, warp-lang's) read but
their own headers."""


def why_compiles(name: str) -> str:
    """Why the sources of a distribution are read while it runs; empty: they are not.

    :param name: of the distribution, normalised.
    """
    if name.startswith(_COMPILE_FAMILIES):
        return "compiles kernels"
    return _COMPILE_AT_RUN_TIME.get(name, "")


def brings_compiler(name: str) -> bool:
    """Whether a distribution can compile against the headers of all others."""
    return name in _BRING_A_COMPILER
