"""What a function would weigh if it were started from a bundle, before anything is fetched."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

import deflate

from wideload.build.bundle.divided import divided_for
from wideload.build.bundle.format import FRAME, Compression, blocks
from wideload.build.bundle.levels import (
    LEVEL,
    LEVEL_OF_EXECUTABLES,
    LEVEL_OF_LARGE,
    level_for,
    level_for_executables,
)
from wideload.build.bundle.loader_files import Loader, loader_sources
from wideload.build.bundle.node import compression_for
from wideload.build.bundle.provided import loader_path
from wideload.build.sampling import SAMPLED_FROM, sampled_share
from wideload.values.bundle import BundleEstimate
from wideload.values.target import Family
from wideload.values.tree import LocalFile, folders_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wideload.values.resolution import Wheel
    from wideload.values.target import Target
    from wideload.values.tree import FileEntry, FileTree

_LOADERS = Path(__file__).parents[1] / "loaders"
# zstd at a bundle's level against the wheels' deflate: the recommender, 50.1 of 73.3 MB; and at
# the level of large ones the classifier, 332 of 383 MB.
_AGAINST_DEFLATE = {LEVEL: 0.69, LEVEL_OF_LARGE: 0.87}
# Of executables, in frames of 4 MiB: those of ruff, uv and Node.js.
_OF_EXECUTABLES = {LEVEL_OF_EXECUTABLES: 1.12, LEVEL_OF_LARGE: 0.91}
# Bytes: of a library with zstd, unzipped and zipped; and of the index, for a frame and a file.
_ZSTD, _ZSTD_ZIPPED = 980_000, 400_000
_PER_FRAME, _PER_FILE = 220, 90
_DIGITS_ZIPPED = 0.6
_WITH_BYTECODE = 2.3
_QUICK = 6


def bundle_estimate(
    tree: FileTree, wheels: Mapping[str, Wheel], target: Target, *, has_zstd: bool
) -> BundleEstimate | None:
    """What a tree would weigh; nothing where there is nothing to put into a bundle.

    :param wheels: by sha256.
    :param has_zstd: whether the runtime, or the loader itself, brings it.
    """
    divided = divided_for(target, tree, wheels)
    bundled = divided.bundled
    if not bundled.entries:
        return None
    paths = sum(len(entry.path) for entry in bundled)
    frames = bundled.unzipped_bytes // FRAME + len(wheels) + 1
    index = paths + _PER_FILE * len(bundled) + _PER_FRAME * frames
    loader, loader_zipped = _loader(target)
    zstd = (0, 0) if has_zstd else (_ZSTD, _ZSTD_ZIPPED)
    level = _level(target, bundled.unzipped_bytes)
    against_deflate = _against_deflate(target, level)
    folders = folders_of(entry.path for entry in bundled)
    return BundleEstimate(
        code_zipped=divided.zipped.zipped_bytes
        + round(_DIGITS_ZIPPED * index)
        + loader_zipped
        + zstd[1],
        code_unzipped=divided.zipped.unzipped_bytes + loader + index + zstd[0],
        zipped=round(sum(_compressed(entry, against_deflate, level) for entry in bundled)),
        unzipped=bundled.unzipped_bytes,
        tmp_bytes=sum(blocks(entry.size) for entry in bundled) + blocks(1) * len(folders),
        own_zipped=divided.zipped.zipped_bytes,
        own_unzipped=divided.zipped.unzipped_bytes,
        files=len(bundled),
    )


def _level(target: Target, content: int) -> int:
    """Of zstd, for a bundle of so many bytes of content."""
    if target.family is Family.PROVIDED:
        return level_for_executables(content)
    return level_for(content)


def _against_deflate(target: Target, level: int) -> float:
    """What a bundle keeps of what deflate leaves."""
    if target.family is Family.NODE and compression_for(target) is Compression.GZIP:
        return 1.0
    if target.family is Family.PROVIDED:
        return _OF_EXECUTABLES[level]
    return _AGAINST_DEFLATE[level]


def _compressed(entry: FileEntry, against_deflate: float, level: int) -> float:
    """About what a bundle keeps of a file."""
    if entry.stored and isinstance(entry.origin, LocalFile) and entry.size >= SAMPLED_FROM:
        return entry.size * sampled_share(entry.origin.path, entry.size, level)
    return entry.compressed_size * (1 if entry.stored else against_deflate)


def _loader(target: Target) -> tuple[int, int]:
    """Bytes of the loader, unzipped and zipped."""
    match target.family:
        case Family.PYTHON:
            sources = sum(map(len, loader_sources(Loader.STARTING).values()))
            size = round(_WITH_BYTECODE * sources)
        case Family.NODE:
            size = sum(path.stat().st_size for path in (_LOADERS / "node").iterdir())
        case Family.PROVIDED:
            return _starter(loader_path(target))
        case _:
            assert_never(target.family)
    return size, round(_DIGITS_ZIPPED * size)


@cache
def _starter(path: Path) -> tuple[int, int]:
    """Bytes of the program that starts programs, unzipped and zipped; of the latter a few too
    many, since packing it as the build does takes longer than all else of a plan."""
    data = path.read_bytes()
    return len(data), len(deflate.deflate_compress(data, _QUICK))
