"""The bundle of a function in Node.js, and what its zip holds besides."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from wideload.build.bundle.format import FRAME, Compression
from wideload.build.bundle.loader_files import FOLDER, TMP, derived_file, index_of
from wideload.build.bundle.owners import Divided, large_files
from wideload.build.bundle.plain import write_plain_bundle
from wideload.values.tree import FileTree

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wideload.cache import Cache
    from wideload.values.bundle import Bundle
    from wideload.values.resolution import Wheel
    from wideload.values.target import Target
    from wideload.values.tree import FileEntry

_SOURCES = Path(__file__).parents[2] / "loaders" / "node"
# node:zlib has zstd since 22.15.
_ZSTD_SINCE = 22


def divide_node(tree: FileTree) -> Divided:
    """Part the user's own files from the packages'.

    All below a ``node_modules`` goes into the bundle, and of the user's own what is large.
    What stays in the zip is to be laid beside it: modules look for packages in the folders
    above their own, and nowhere else.
    """
    packages = {entry.path for entry in tree if package_of(entry.path)}
    bundled = packages | large_files([entry for entry in tree if entry.path not in packages])
    zipped = tree.where(lambda entry: entry.path not in bundled)
    return Divided(
        zipped,
        tree.where(lambda entry: entry.path in bundled),
        {path: package_of(path) for path in sorted(bundled)},
        tuple(entry.path for entry in zipped),
    )


def package_of(path: str) -> str:
    """The folder of the npm package that a file is of; empty for the user's own."""
    parts = path.split("/")[:-1]
    if "node_modules" not in parts:
        return ""
    at = len(parts) - 1 - parts[::-1].index("node_modules")
    scoped = at + 1 < len(parts) and parts[at + 1].startswith("@")
    return "/".join(parts[: at + (3 if scoped else 2)])


def compression_for(target: Target) -> Compression:
    """What the runtime's Node.js unpacks fastest."""
    return Compression.ZSTD if target.node >= _ZSTD_SINCE else Compression.GZIP


def write_node_bundle(
    divided: Divided,
    wheels: Mapping[str, Wheel],
    paths: Mapping[str, Path],
    target: Target,
    out: Path,
    cache: Cache,
    progress: Callable[[int], None] = lambda _: None,
    frame: int = FRAME,
) -> Bundle:
    """Write the bundle, as `write_plain_bundle`."""
    compression = compression_for(target)
    return write_plain_bundle(divided, wheels, paths, out, cache, compression, progress, frame)


def node_loader_files(bundle: Bundle, handler: str, cache: Cache, folder: str = TMP) -> FileTree:
    """The loader and the bundle's index, to lie in the function's zip.

    :param handler: the function's own, ``folder/module.function``.
    :param folder: where on the function's machine the bundle is unpacked.
    :raises WideloadError: the cache lost the index since it was written.
    """
    function = msgspec.json.encode(
        {"bundle": bundle.sha256, "folder": folder, "handler": handler}, order="sorted"
    )
    contents = {"index.json": index_of(bundle, cache), "function.json": function}
    contents |= {path.name: path.read_bytes() for path in sorted(_SOURCES.glob("*.mjs"))}
    entries: list[FileEntry] = [
        derived_file(f"{FOLDER}/{name}", data, cache) for name, data in contents.items()
    ]
    return FileTree.of(entries)
