"""The zstd that travels with the loader, where the runtime's Python has none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wideload.values.function import LockedFile, LockedPackage, LockedRequirements
from wideload.values.target import Architecture

if TYPE_CHECKING:
    from wideload.values.resolution import Member, Wheel
    from wideload.values.target import Target

NAME = "backports-zstd"
VERSION = "1.8.0"
"""The smallest of the kept-up ones: 0.96 MB, 0.39 MB in the zip, where zstandard has 11.6 MB,
and the interface is that of Python's own."""

_WITH_OWN = (3, 14)
"""From here on Python itself has zstd (PEP 784)."""

_HASHES = {
    (
        (3, 10),
        Architecture.ARM64,
    ): "bb99f835f6d1e6ad0bc1c1ac430baf6d39a9183e37c4f295fb876214ac4c7e28",
    (
        (3, 10),
        Architecture.X86_64,
    ): "b58cd328afcb538f3ca5dc2ac47f8dfb68635d5b906d5efcb59054bc86219214",
    (
        (3, 11),
        Architecture.ARM64,
    ): "c6f9ecc5a251fd9495ee717daa0dc87c195f50d6d3679ddb430eb58256a0ca53",
    (
        (3, 11),
        Architecture.X86_64,
    ): "9c7fe40a58dbe1fd358e0ceb5b6b3f50a9b328f8fff42dcb3bdaeb9a022c2506",
    (
        (3, 12),
        Architecture.ARM64,
    ): "6aa762cf369d9bfca1e013eaad562f8e129d71b7a82f0c459870d6d21651bcb3",
    (
        (3, 12),
        Architecture.X86_64,
    ): "f9e9aa28a44db1897fb637f037175566f3b75890d4bae6cae7ba34f1df1e0804",
    (
        (3, 13),
        Architecture.ARM64,
    ): "1a808ba1371231c00a2b71f03840a727088e287d0ee1dfb3230958950f21f421",
    (
        (3, 13),
        Architecture.X86_64,
    ): "44a9004f9e809ea56910d326d21946650369db59eb86edc0c76840f21530704c",
}


def decompressor_lock(target: Target) -> LockedRequirements | None:
    """What has to be resolved and fetched besides the function's own requirements, for
    :func:`~wideload.build.bundle.loader_files.loader_files`; nothing where Python has zstd.
    """
    if target.python >= _WITH_OWN:
        return None
    major, minor = target.python
    machine = target.architecture.machine
    tags = f"manylinux2014_{machine}.manylinux_2_17_{machine}.manylinux_2_28_{machine}"
    python = f"cp{major}{minor}"
    filename = f"backports_zstd-{VERSION}-{python}-{python}-{tags}.whl"
    sha256 = _HASHES[target.python, target.architecture]
    package = LockedPackage(NAME, VERSION, (LockedFile(sha256, filename),))
    return LockedRequirements("", "pylock", (package,), roots=(NAME,))


def library(wheel: Wheel) -> Member:
    """The one file of the wheel that the loader needs."""
    (found,) = (
        member
        for member in wheel.members
        if member.name.startswith("backports/zstd/_zstd.") and member.name.endswith(".so")
    )
    return found
