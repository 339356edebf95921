"""What a function would weigh if it were started from a bundle, before anything is fetched."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from wideload.build.bundle.format import FRAME, blocks
from wideload.build.bundle.owners import divide
from wideload.values.bundle import BundleEstimate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from wideload.values.resolution import Wheel
    from wideload.values.tree import FileTree

_LOADER = Path(__file__).parents[1] / "loaders" / "python"
# Of the trees that it was measured on: zstd at the bundle's level against the wheels' deflate.
_AGAINST_DEFLATE = 0.78
# Bytes: of a library with zstd, unzipped and zipped; and of the index, for a frame and a file.
_ZSTD, _ZSTD_ZIPPED = 980_000, 400_000
_PER_FRAME, _PER_FILE = 220, 90
_DIGITS_ZIPPED = 0.6
_WITH_BYTECODE = 2.3


def bundle_estimate(
    tree: FileTree, wheels: Mapping[str, Wheel], *, has_zstd: bool
) -> BundleEstimate | None:
    """What a tree would weigh; nothing where there is nothing to put into a bundle.

    :param wheels: by sha256.
    :param has_zstd: whether the runtime's Python brings it.
    """
    divided = divide(tree, wheels)
    bundled = divided.bundled
    if not bundled.entries:
        return None
    loader = sum(path.stat().st_size for path in _LOADER.glob("*.py"))
    paths = sum(len(entry.path) for entry in bundled)
    frames = bundled.unzipped_bytes // FRAME + len(wheels) + 1
    index = paths + _PER_FILE * len(bundled) + _PER_FRAME * frames
    zstd = (0, 0) if has_zstd else (_ZSTD, _ZSTD_ZIPPED)
    deflated = sum(entry.compressed_size for entry in bundled)
    folders = {folder for entry in bundled for folder in _above(entry.path)}
    return BundleEstimate(
        code_zipped=divided.zipped.zipped_bytes
        + round(_DIGITS_ZIPPED * (index + _WITH_BYTECODE * loader))
        + zstd[1],
        code_unzipped=divided.zipped.unzipped_bytes
        + round(_WITH_BYTECODE * loader)
        + index
        + zstd[0],
        zipped=round(deflated * _AGAINST_DEFLATE),
        unzipped=bundled.unzipped_bytes,
        tmp_bytes=sum(blocks(entry.size) for entry in bundled) + blocks(1) * len(folders),
    )


def _above(path: str) -> Iterator[str]:
    at = path.find("/")
    while at != -1:
        yield path[:at]
        at = path.find("/", at + 1)
