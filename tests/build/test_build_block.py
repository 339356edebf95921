"""Blocks: what is spliced of a wheel once."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from typing import TYPE_CHECKING

import msgspec

from wheel_maker import wheel
from wideload.build.block import block_of
from wideload.cache import Cache, write_atomically
from wideload.values.resolution import Member, Wheel
from wideload.values.tree import Derived, FileEntry

if TYPE_CHECKING:
    from pathlib import Path

CONTENT = b"words and words again, " * 200


def derived(cache: Cache, level: int, wheel_sha256: str) -> FileEntry:
    """The same content, deflated as told."""
    packer = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS)
    stream = packer.compress(CONTENT) + packer.flush()
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    write_atomically(cache.path("derived", sha256), stream)
    return FileEntry(
        path="alpha/made.txt",
        size=len(CONTENT),
        compressed_size=len(stream),
        crc32=zlib.crc32(CONTENT),
        mode=0o644,
        stored=False,
        origin=Derived(sha256, "rule/1", wheel_sha256),
    )


def test_the_same_content_in_another_stream_is_another_block(tmp_path: Path) -> None:
    """As after an upgrade that deflates otherwise."""
    cache = Cache(tmp_path / "cache")
    made = wheel("alpha", files={"alpha/__init__.py": ""})
    path = tmp_path / made.filename
    path.write_bytes(made.data)
    sha256 = hashlib.sha256(made.data).hexdigest()
    with zipfile.ZipFile(path) as archive:
        members = tuple(
            Member(
                name=info.filename,
                path=info.filename,
                size=info.file_size,
                compressed_size=info.compress_size,
                crc32=info.CRC,
                stored=info.compress_type == zipfile.ZIP_STORED,
                executable=False,
            )
            for info in archive.infolist()
        )
    known = Wheel("alpha", "1.0", made.filename, path.as_uri(), sha256, len(made.data), members)
    small = derived(cache, 9, sha256)
    first, _ = block_of([small], known, path, cache)
    large = derived(cache, 0, sha256)
    second, kept = block_of([large], known, path, cache)
    assert large.compressed_size > small.compressed_size
    assert second.length - first.length == large.compressed_size - small.compressed_size
    assert kept.stat().st_size == second.length
    again, _ = block_of([msgspec.structs.replace(large)], known, path, cache)
    assert again == second
