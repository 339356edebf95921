"""What goes into the function's zip so that Lambda starts the function from its bundle."""

from __future__ import annotations

import contextlib
import enum
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

import msgspec

from wideload.build.bundle.decompressor import library
from wideload.build.bundle.writer import INDEXES
from wideload.cache import write_atomically
from wideload.derived_streams import keep
from wideload.errors import WideloadError
from wideload.values.bundle import LOADER_HANDLER
from wideload.values.tree import Derived, FileEntry, FileTree, WheelMember

if TYPE_CHECKING:
    from wideload.cache import Cache
    from wideload.values.bundle import Bundle
    from wideload.values.resolution import Wheel
    from wideload.values.target import Target

FOLDER = LOADER_HANDLER.partition(".")[0]
"""Of the function's zip, with the loader in it."""
# The one folder that a function can write to.
TMP = "/tmp"
MAKER = "loader/1"

_SOURCES = Path(__file__).parents[2] / "loaders" / "python"

_MOUNTING = frozenset(("ahead.py", "archived.py", "mounted.py"))
_WITH_MOUNTING = frozenset(("__init__.py", "apart.py", "finding.py", "garbage.py", "memory.py"))
_FILLING = frozenset(("filling.py",))


class NotCompiled(Exception):
    """Raised by `Compile`: there is no Python of the target's version."""


class Loader(enum.Enum):
    """What the modules for Python are to do in a function."""

    STARTING = enum.auto()
    """Start it from a bundle."""
    FILLING = enum.auto()
    """Fill mounted directories from a bundle, and sweep them."""
    MOUNTED = enum.auto()
    """Start it where its packages are mounted."""


Compile = Callable[[Sequence[tuple[str, bytes]]], Sequence[bytes]]
"""Byte-code, with unchecked hashes, of sources with their paths below /var/task; raises
`NotCompiled`."""


def loader_files(
    bundle: Bundle,
    handler: str,
    target: Target,
    decompressor: Wheel | None,
    compiled: Compile | None,
    cache: Cache,
    folder: str = TMP,
    *,
    loader: Loader = Loader.STARTING,
) -> FileTree:
    """The loader, the bundle's index, and zstd; all of it in the cache or in the wheel.

    :param handler: the function's own, ``module.attribute``.
    :param decompressor: what `decompressor_lock` led to; nothing for Pythons with zstd.
    :param compiled: compiles for the target. Without it Lambda compiles at each cold start,
        which costs some 60 ms.
    :param folder: where on the function's machine the bundle is unpacked.
    :raises WideloadError: the cache lost the index since it was written.
    """
    index = index_of(bundle, cache)
    function = msgspec.json.encode(
        {"bundle": bundle.sha256, "folder": folder, "handler": handler}, order="sorted"
    )
    contents = {"index.json": index, "function.json": function}
    contents |= loader_modules(loader, target, compiled, cache)
    entries = [derived_file(f"{FOLDER}/{name}", data, cache) for name, data in contents.items()]
    if decompressor is not None:
        member = library(decompressor)
        entries.append(
            FileEntry(
                path=f"{FOLDER}/_zstd.so",
                size=member.size,
                compressed_size=member.compressed_size,
                crc32=member.crc32,
                mode=0o755,
                stored=member.stored,
                origin=WheelMember(decompressor.sha256, member.name),
            )
        )
    return FileTree.of(entries)


def loader_modules(
    loader: Loader, target: Target, compiled: Compile | None, cache: Cache
) -> dict[str, bytes]:
    """The loader's modules, and their byte-code if it can be had, by their places in its folder."""
    contents = loader_sources(loader)
    with contextlib.suppress(NotCompiled):
        if compiled is not None:
            contents |= _compiled(contents, target, compiled, cache)
    return contents


def loader_sources(loader: Loader) -> dict[str, bytes]:
    """The loader's modules by their file names."""
    found = {path.name: path for path in sorted(_SOURCES.glob("*.py"))}
    match loader:
        case Loader.STARTING:
            names = found.keys() - _MOUNTING - _FILLING
        case Loader.FILLING:
            names = found.keys() - _MOUNTING
        case Loader.MOUNTED:
            names = found.keys() & (_MOUNTING | _WITH_MOUNTING)
        case _:
            assert_never(loader)
    return {name: path.read_bytes() for name, path in found.items() if name in names}


def _compiled(
    sources: dict[str, bytes], target: Target, compiled: Compile, cache: Cache
) -> dict[str, bytes]:
    """Byte-code by its place, made once for each version of Python and of the loader."""
    digest = hashlib.sha256(f"{MAKER} {target.python_version}\n".encode())
    for name, data in sources.items():
        digest.update(f"{name}\0{len(data)}\0".encode() + data)
    note = cache.path("loader-bytecode", digest.hexdigest(), ".msgpack")
    try:
        made = msgspec.msgpack.decode(note.read_bytes(), type=list[bytes])
    except (FileNotFoundError, msgspec.MsgspecError):
        made = list(compiled([(f"{FOLDER}/{name}", data) for name, data in sources.items()]))
        write_atomically(note, msgspec.msgpack.encode(made))
    major, minor = target.python
    return {
        f"__pycache__/{name[:-3]}.cpython-{major}{minor}.pyc": data
        for name, data in zip(sources, made, strict=True)
    }


def index_of(bundle: Bundle, cache: Cache) -> bytes:
    """The index that was written with a bundle.

    :raises WideloadError: the cache lost it since.
    """
    index = cache.verified(INDEXES, bundle.index)
    if index is None:
        raise WideloadError(
            "the bundle's index is no longer in the cache",
            why="the cache was emptied, or damaged, while the build ran",
            hint="build again",
        )
    return index.read_bytes()


def derived_file(
    path: str, data: bytes, cache: Cache, *, maker: str = MAKER, wheel: str = ""
) -> FileEntry:
    """A file that wideload itself makes, kept in the cache.

    :param wheel: sha256 of that which it was made of.
    """
    kept = keep(data, cache)
    return FileEntry(
        path,
        kept.size,
        kept.compressed_size,
        kept.crc32,
        0o644,
        kept.stored,
        Derived(kept.sha256, maker, wheel),
    )
