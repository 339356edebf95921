"""What a function would weigh if it were started from a bundle, before anything is fetched."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from wideload.build.bundle.divided import divided_for
from wideload.build.bundle.format import FRAME, blocks
from wideload.values.bundle import BundleEstimate
from wideload.values.target import Family

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from wideload.values.resolution import Wheel
    from wideload.values.target import Target
    from wideload.values.tree import FileTree

_LOADERS = Path(__file__).parents[1] / "loaders"
# Of the trees that it was measured on: zstd at the bundle's level against the wheels' deflate.
_AGAINST_DEFLATE = 0.78
# Bytes: of a library with zstd, unzipped and zipped; and of the index, for a frame and a file.
_ZSTD, _ZSTD_ZIPPED = 980_000, 400_000
_PER_FRAME, _PER_FILE = 220, 90
_DIGITS_ZIPPED = 0.6
_WITH_BYTECODE = 2.3
# Bytes of the program that starts programs, unzipped and zipped.
_STARTER, _STARTER_ZIPPED = 6_500_000, 2_600_000


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
    deflated = sum(entry.compressed_size for entry in bundled)
    folders = {folder for entry in bundled for folder in _above(entry.path)}
    return BundleEstimate(
        code_zipped=divided.zipped.zipped_bytes
        + round(_DIGITS_ZIPPED * index)
        + loader_zipped
        + zstd[1],
        code_unzipped=divided.zipped.unzipped_bytes + loader + index + zstd[0],
        zipped=round(deflated * _AGAINST_DEFLATE),
        unzipped=bundled.unzipped_bytes,
        tmp_bytes=sum(blocks(entry.size) for entry in bundled) + blocks(1) * len(folders),
    )


def _loader(target: Target) -> tuple[int, int]:
    """Bytes of the loader, unzipped and zipped."""
    match target.family:
        case Family.PYTHON:
            sources = sum(path.stat().st_size for path in (_LOADERS / "python").glob("*.py"))
            size = round(_WITH_BYTECODE * sources)
        case Family.NODE:
            size = sum(path.stat().st_size for path in (_LOADERS / "node").iterdir())
        case Family.PROVIDED:
            return _STARTER, _STARTER_ZIPPED
        case _:
            assert_never(target.family)
    return size, round(_DIGITS_ZIPPED * size)


def _above(path: str) -> Iterator[str]:
    at = path.find("/")
    while at != -1:
        yield path[:at]
        at = path.find("/", at + 1)
