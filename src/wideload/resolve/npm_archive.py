"""Files of an installed package become an archive that the later stages take as they take a wheel:
a zip whose deflated members are copied as they are."""

from __future__ import annotations

import hashlib
import os
import secrets
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import deflate
import msgspec

from wideload.archive import ZipWriter
from wideload.cache import replacing
from wideload.errors import WideloadError
from wideload.resolve.wheels import WHEELS
from wideload.values.packing import is_deflatable
from wideload.values.resolution import Member

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from wideload.cache import Cache

LEVEL = 6
"""Of libdeflate. 9 saves one percent and takes three times as long, of hundreds of megabytes."""


class Archive(msgspec.Struct, frozen=True):
    """An archive in the cache."""

    sha256: str
    size: int
    members: tuple[Member, ...]


class _Read(msgspec.Struct, frozen=True):
    path: str
    size: int
    crc32: int
    mode: int
    stored: bool
    stream: bytes


def archive(files: Mapping[str, Path], cache: Cache) -> Archive:
    """The archive of these files: the same bytes for the same files, on any machine.

    :param files: by the path that they will have in the function; links are no files.
    :raises WideloadError: a file cannot be read, or the archive cannot be written.
    """
    digest = hashlib.sha256()
    temporary = cache.path("npm-unnamed", secrets.token_hex(16))
    members = []
    try:
        with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool, replacing(temporary) as out:
            writer = ZipWriter(out)
            for one in pool.map(lambda path: _read(path, files[path]), sorted(files)):
                writer.add(one, one.stream)
                members.append(
                    Member(
                        one.path,
                        one.path,
                        one.size,
                        len(one.stream),
                        one.crc32,
                        one.stored,
                        one.mode == 0o755,
                    )
                )
            size = writer.finish()
        with temporary.open("rb") as written:
            digest = hashlib.file_digest(written, "sha256")
        cache.keep(temporary, WHEELS, digest.hexdigest(), ".whl")
    except OSError as error:
        raise WideloadError(
            "an installed package could not be kept in the cache",
            why=str(error),
            hint="free disk space, or set WIDELOAD_CACHE to another folder",
        ) from error
    return Archive(digest.hexdigest(), size, tuple(members))


def _read(path: str, file: Path) -> _Read:
    data = file.read_bytes()
    stream = bytes(deflate.deflate_compress(data, LEVEL)) if is_deflatable(len(data)) else data
    stored = len(stream) >= len(data)
    mode = 0o755 if file.stat().st_mode & 0o100 else 0o644
    return _Read(path, len(data), zlib.crc32(data), mode, stored, data if stored else stream)
