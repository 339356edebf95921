"""What is known of a wheel by its digest, and where it is learnt: cache, ranges, download."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import msgspec

from wideload.cache import write_atomically
from wideload.errors import WideloadError
from wideload.resolve.credentials import without_credentials
from wideload.resolve.directory import Directory
from wideload.resolve.remote import NoRanges, RemoteFile
from wideload.values.resolution import Member

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wideload.cache import Cache
    from wideload.resolve.http import Http

WHEELS = "wheels"
_FACTS = "directories"
_FACTS_VERSION = 2
_CHUNK = 1 << 18


class WheelFacts(msgspec.Struct, frozen=True):
    """A wheel's table of contents and its ``Requires-Dist`` lines."""

    version: int
    size: int
    members: tuple[Member, ...]
    requires_dist: tuple[str, ...]
    checked: bool
    """Whether it was read from the wheel itself, its digest right. What a range request gave
    is only as good as the index, until the wheel is there."""


def local_path(url: str) -> Path | None:
    """The path that a ``file:`` URL names."""
    parts = urlsplit(url)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def fetch(
    url: str,
    sha256: str,
    filename: str,
    http: Http,
    cache: Cache,
    advance: Callable[[int], object] = lambda _: None,
    *,
    kind: str = WHEELS,
    suffix: str = ".whl",
) -> Path:
    """The wheel in the cache, downloaded if need be, its digest right.

    :param advance: told the bytes as they arrive.
    :param kind: of the cache, with the suffix there, of files that are no wheels.
    :raises WideloadError: it cannot be fetched, or its content is not what the lock says.
    """
    kept = cache.verified(kind, sha256, suffix)
    if kept:
        return kept
    digest = hashlib.sha256()
    try:
        with cache.partial(kind, sha256, suffix) as file:
            for chunk in _chunks(url, http):
                digest.update(chunk)
                file.write(chunk)
                advance(len(chunk))
            if digest.hexdigest() != sha256:
                raise WideloadError(
                    f"the hash of {filename} does not match",
                    why=f"locked sha256 {sha256}, received {digest.hexdigest()} from "
                    f"{without_credentials(url)}",
                    hint="the file on the index changed, or something on the way did: find out "
                    "which before you renew the lock with --upgrade",
                )
    except OSError as error:
        raise WideloadError(
            f"{filename} could not be kept in the cache",
            why=str(error),
            hint="free disk space, or set WIDELOAD_CACHE to another folder",
        ) from error
    return cache.path(kind, sha256, suffix)


def _chunks(url: str, http: Http) -> Iterator[bytes]:
    path = local_path(url)
    if path is None:
        yield from http.read(http.get(url))
        return
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                yield chunk
    except OSError as error:
        raise WideloadError(
            f"a locked file is not there: {path.name}", why=str(error), hint="resolve again"
        ) from error


def facts(url: str, sha256: str, filename: str, http: Http, cache: Cache) -> WheelFacts:
    """A wheel's table of contents: from the cache, else by ranges, else by fetching it.

    :raises WideloadError: the wheel is corrupt or cannot be reached.
    """
    note = cache.path(_FACTS, sha256, ".json")
    try:
        known = msgspec.json.decode(note.read_bytes(), type=WheelFacts)
        if known.version == _FACTS_VERSION and (
            known.checked or not cache.verified(WHEELS, sha256, ".whl")
        ):
            return known
    except (OSError, msgspec.MsgspecError):
        pass
    found = None
    if local_path(url) is None and not cache.verified(WHEELS, sha256, ".whl"):
        found = _remote_facts(url, filename, http)
    if found is None:
        path = fetch(url, sha256, filename, http, cache)
        with path.open("rb") as file:
            found = _facts(Directory(file, filename), path.stat().st_size, checked=True)
    write_atomically(note, msgspec.json.encode(found))
    return found


def _remote_facts(url: str, filename: str, http: Http) -> WheelFacts | None:
    try:
        remote = RemoteFile(http, url)
        return _facts(Directory(remote, filename), remote.size, checked=False)
    except NoRanges:
        return None


def _facts(directory: Directory, size: int, *, checked: bool) -> WheelFacts:
    return WheelFacts(_FACTS_VERSION, size, directory.members, directory.metadata(), checked)
