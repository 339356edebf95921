"""The wheel that brings zstd, put into a cache, so that building a bundle asks no index."""

from __future__ import annotations

import shutil
from pathlib import Path

from wideload.bootstrapping import decompressor
from wideload.cache import Cache, default_root
from wideload.resolve.credentials import Credentials
from wideload.resolve.http import Http
from wideload.values.target import Target


def fetched(runtime: str) -> Cache:
    """A cache that holds the wheel; it is fetched once."""
    cache = Cache(default_root())
    target = Target.parse(runtime, "x86_64")
    decompressor(target, Path(), Http(Credentials([])), cache)
    return cache


def put(source: Cache, into: Cache) -> None:
    """Copy the wheels with zstd, and what is known of them."""
    for note in source.root.glob("decompressors/*/*.msgpack"):
        wheel = source.path("wheels", note.stem, ".whl")
        for path in (note, wheel):
            target = into.root / path.relative_to(source.root)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
