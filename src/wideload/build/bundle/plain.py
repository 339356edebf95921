"""Writes a bundle of which all is there before the function's first module runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wideload.build.bundle.content import Contents
from wideload.build.bundle.format import FRAME, Compression
from wideload.build.bundle.frames import Maker, cut
from wideload.build.bundle.levels import level_for
from wideload.build.bundle.writer import conclude, lay, refuse_nothing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from wideload.build.bundle.owners import Divided
    from wideload.cache import Cache
    from wideload.values.bundle import Bundle
    from wideload.values.resolution import Wheel


def write_plain_bundle(
    divided: Divided,
    wheels: Mapping[str, Wheel],
    paths: Mapping[str, Path],
    out: Path,
    cache: Cache,
    compression: Compression,
    progress: Callable[[int], None] = lambda _: None,
    frame: int = FRAME,
    level: int | None = None,
) -> Bundle:
    """Write the bundle of a tree, whole or not at all; files sorted by path.

    :param wheels: archives by sha256, all that the tree's files came of.
    :param paths: where these lie.
    :param out: the bundle; what lies there is replaced, or left where it is the same.
    :param progress: told how many bytes of content are done.
    :param frame: bytes of content in a frame at most.
    :param level: of compression; nothing is that of all bundles of this size.
    :raises WideloadError: something cannot be read or written, or nothing is to be bundled.
    """
    refuse_nothing(divided)
    recipes = cut(divided.bundled.entries, frame)
    if level is None:
        level = level_for(divided.bundled.unzipped_bytes)
    with Contents(wheels, paths, cache) as contents:
        laid = lay(recipes, Maker(contents, cache, level, compression), progress)
    every = tuple(range(len(laid.frames)))
    return conclude(divided, laid, (every,), every, out, cache, compression)
