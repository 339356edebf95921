"""What packages of npm weigh, asked of the registry: none of them is downloaded.

A registry may say how big a package is unpacked and how many files it has (``dist``). One that
does not is asked for the last bytes of the tarball: gzip ends with the size of what was packed.
"""

from __future__ import annotations

import hashlib
import struct
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import msgspec

from wideload.cache import write_atomically
from wideload.errors import WideloadError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wideload.cache import Cache
    from wideload.resolve.http import Http
    from wideload.resolve.npm_config import NpmConfig
    from wideload.values.function import NpmPackage

_PARALLEL = 24
"""Requests under way at once: a plan waits for round trips, not for bytes."""
_FACTS = "npm-facts"
_VERSION = 1
_TRAILER = struct.Struct("<I")
_FILE_BYTES = 8_000
"""Of the packages of the examples, what a file has on average."""
_RATIO = 4
"""What a tarball unpacks to, where nothing else is known."""


class Weight(msgspec.Struct, frozen=True):
    """What one package weighs."""

    version: int
    zipped: int
    """Bytes of the tarball."""
    unzipped: int
    """Bytes of its files, or a little more."""
    files: int
    """How many there are, or a guess."""
    guessed: bool
    """Whether `unzipped` is a guess from `zipped`."""
    libc: tuple[str, ...] = ()
    """The C libraries that it is for, which older locks do not tell."""


class _Dist(msgspec.Struct, frozen=True, rename="camel"):
    tarball: str = ""
    unpacked_size: int | None = None
    file_count: int | None = None


class _Manifest(msgspec.Struct, frozen=True):
    dist: _Dist = _Dist()
    libc: str | tuple[str, ...] = ()


def weights(
    packages: Sequence[NpmPackage], config: NpmConfig, http: Http, cache: Cache
) -> list[Weight]:
    """What each of these weighs, in their order; what was asked once is known again.

    :raises WideloadError: the registry cannot be reached, or does not have one of them.
    """
    with ThreadPoolExecutor(_PARALLEL) as pool:
        return list(pool.map(lambda one: _weight(one, config, http, cache), packages))


def _weight(package: NpmPackage, config: NpmConfig, http: Http, cache: Cache) -> Weight:
    key = hashlib.sha256(f"{package.name} {package.integrity}".encode()).hexdigest()
    note = cache.path(_FACTS, key, ".json")
    try:
        known = msgspec.json.decode(note.read_bytes(), type=Weight)
        if known.version == _VERSION:
            return known
    except (OSError, msgspec.MsgspecError):
        pass
    found = _asked(package, config, http)
    write_atomically(note, msgspec.json.encode(found))
    return found


def _asked(package: NpmPackage, config: NpmConfig, http: Http) -> Weight:
    url = config.manifest_url(package.name, package.version)
    body = b"".join(http.read(http.get(url, {"accept": "application/json"})))
    try:
        manifest = msgspec.json.decode(body, type=_Manifest)
    except msgspec.MsgspecError as error:
        raise WideloadError(
            f"the registry's answer on {package.name} {package.version} is none",
            why=f"{url}: {error}",
            hint="check the registry in .npmrc",
        ) from None
    dist = manifest.dist
    tarball = config.tarball_url(package.name, package.resolved or dist.tarball)
    if not tarball:
        raise WideloadError(
            f"the registry does not say where {package.name} {package.version} lies", why=url
        )
    zipped, packed = _of_tarball(tarball, http)
    unzipped = dist.unpacked_size
    files = dist.file_count or max(1, (unzipped or packed or zipped * _RATIO) // _FILE_BYTES)
    libc = manifest.libc
    return Weight(
        _VERSION,
        zipped,
        unzipped or packed or zipped * _RATIO,
        files,
        not (unzipped or packed),
        (libc,) if isinstance(libc, str) else libc,
    )


def _of_tarball(url: str, http: Http) -> tuple[int, int]:
    """Bytes of a tarball, and of what it is packed of; zero where that is not told.

    That has a header of 512 bytes for each file, and no file less than another 512.
    """
    response = http.get(url, {"range": f"bytes=-{_TRAILER.size}"})
    if response.status == 206:
        total = (response.headers.get("content-range") or "").rpartition("/")[2]
        end = b"".join(http.read(response))
        if total.isdecimal() and len(end) == _TRAILER.size:
            return int(total), int(_TRAILER.unpack(end)[0])
        response = http.get(url, method="HEAD")
    length = response.headers.get("content-length") or ""
    # A server without ranges sends the whole: its length is enough.
    response.close()
    return (int(length) if length.isdecimal() else 0), 0
