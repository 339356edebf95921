"""The bundle of a function for a provided runtime, and its zip: the loader and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from wideload.build.bundle.format import Compression
from wideload.build.bundle.levels import level_for_executables
from wideload.build.bundle.loader_files import FOLDER, TMP, derived_file, index_of
from wideload.build.bundle.owners import Divided
from wideload.build.bundle.plain import write_plain_bundle
from wideload.errors import WideloadError
from wideload.values.tree import FileTree

if TYPE_CHECKING:
    from collections.abc import Callable

    from wideload.cache import Cache
    from wideload.values.bundle import Bundle
    from wideload.values.target import Target

EXECUTABLE = "bootstrap"
"""What Lambda runs in the folder of a function: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html"""

FRAME = 4 * 1024**2
"""Bytes of content in a frame at most. The executable starts when the last frame is unpacked, so
small frames that both processors are at until the end. Measured on 54 MB of executables at level
19: 16.1 MB in frames of 4 MiB, 15.8 MB in frames of 16 MiB."""

_LOADERS = Path(__file__).parents[2] / "loaders" / "provided"


def divide_provided(tree: FileTree) -> Divided:
    """All of the user's files go into the bundle, so that the executable finds beside itself what
    it was built to find there.

    :raises WideloadError: there is nothing that Lambda would run.
    """
    if not any(entry.path == EXECUTABLE and entry.mode & 0o100 for entry in tree):
        raise WideloadError(
            f"there is no executable `{EXECUTABLE}` in the function's folder",
            why="that is what a provided runtime runs",
            hint=f"build to a file of that name, and chmod +x {EXECUTABLE}",
        )
    return Divided(FileTree.of([]), tree, {entry.path: "" for entry in tree}, ())


def write_provided_bundle(
    divided: Divided,
    out: Path,
    cache: Cache,
    progress: Callable[[int], None] = lambda _: None,
    frame: int = FRAME,
    level: int | None = None,
) -> Bundle:
    """Write the bundle, as `write_plain_bundle`.

    :param level: of compression; nothing is that of all executables of this size.
    """
    level = level or level_for_executables(divided.bundled.unzipped_bytes)
    return write_plain_bundle(divided, {}, {}, out, cache, Compression.ZSTD, progress, frame, level)


def provided_loader_files(
    bundle: Bundle, target: Target, cache: Cache, folder: str = TMP, executable: str = EXECUTABLE
) -> FileTree:
    """The function's zip, whole: the loader and the bundle's index.

    :param folder: where on the function's machine the bundle is unpacked.
    :param executable: of the bundle's files, the one that is run.
    :raises WideloadError: the cache lost the index since it was written.
    """
    function = msgspec.json.encode(
        {"bundle": bundle.sha256, "executable": executable, "folder": folder}, order="sorted"
    )
    loader = derived_file(EXECUTABLE, loader_path(target).read_bytes(), cache)
    return FileTree.of(
        [
            msgspec.structs.replace(loader, mode=0o755),
            derived_file(f"{FOLDER}/index.json", index_of(bundle, cache), cache),
            derived_file(f"{FOLDER}/function.json", function, cache),
        ]
    )


def loader_path(target: Target) -> Path:
    """The loader for an architecture; beside it lies what it was built from, and how."""
    return _LOADERS / f"bootstrap-{target.architecture}"
