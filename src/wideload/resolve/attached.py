"""What a layer made by others holds, read from its zip without fetching the zip.

Fetched are the zip's central directory and, of the distributions in it, METADATA and WHEEL.
"""

from __future__ import annotations

import contextlib
import re
import struct
import zipfile
import zlib
from email.parser import HeaderParser
from typing import TYPE_CHECKING, BinaryIO, cast

import msgspec
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from wideload.errors import WideloadError
from wideload.resolve.credentials import Credentials
from wideload.resolve.http import Http
from wideload.resolve.remote import NoRanges, RemoteFile
from wideload.resolve.wheels import fetch
from wideload.values.attached import PLAIN_ROOT, AttachedLayer, Extensions, Held
from wideload.values.tree import is_clean_path

if TYPE_CHECKING:
    import io
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from email.message import Message
    from pathlib import Path

    from wideload.cache import Cache
    from wideload.values.attached import PublishedLayer

KIND = "layers"
_SUFFIX = ".zip"
_ROOT = re.compile(r"(python(?:/lib/python3\.\d+/site-packages)?)/(.+)")
_INFO = re.compile(r"(?P<name>[^/]+?)-(?P<version>[^/-]+)(?:-py[^/]*)?\.(?:dist|egg)-info")
_EXTENSION = re.compile(r"[^/.]\.(?P<abi>cpython-[\w-]+)\.so$")
_LIBRARY = re.compile(r"lib/[^/]+")
_IMPORTED = (".py", ".pyc", ".so")
_GAP = 1 << 15
"""Bytes that cost less to fetch along than another request would."""
_LARGEST_METADATA = 1 << 23
_BROKEN = (
    *(zipfile.BadZipFile, zlib.error, struct.error),
    *(OSError, EOFError, ValueError, LookupError, RuntimeError),
)


def client() -> Http:
    """For links that AWS signed: nobody's credentials are sent along."""
    return Http(_NoCredentials(()))


class _NoCredentials(Credentials):
    def headers(self, url: str) -> dict[str, str]:  # noqa: ARG002
        return {}


def read_layer(published: PublishedLayer, http: Http, cache: Cache) -> AttachedLayer:
    """The contents of a layer version, by range requests where its zip is not there already.

    :raises WideloadError: it cannot be reached, or is no sound zip.
    """
    kept = cache.verified(KIND, published.sha256, _SUFFIX)
    if kept is None:
        try:
            with _told_of(published):
                remote = RemoteFile(http, published.location)
                return _contents(published, remote, remote.fetch_ahead)
        except NoRanges:
            kept = fetch_layer(published, http, cache)
    with kept.open("rb") as file:
        return _contents(published, file, lambda _: None)


def fetch_layer(
    published: PublishedLayer,
    http: Http,
    cache: Cache,
    advance: Callable[[int], object] = lambda _: None,
) -> Path:
    """The whole zip of a layer version, in the cache, its digest right.

    :raises WideloadError: it cannot be fetched, or its content is not what AWS says.
    """
    with _told_of(published):
        name = f"layer {published.arn}"
        return fetch(
            published.location,
            published.sha256,
            name,
            http,
            cache,
            advance,
            kind=KIND,
            suffix=_SUFFIX,
        )


def kept_layer(sha256: str, cache: Cache) -> Path | None:
    """The zip of a layer version where it was fetched before."""
    return cache.verified(KIND, sha256, _SUFFIX)


@contextlib.contextmanager
def _told_of(published: PublishedLayer) -> Iterator[None]:
    """Name the layer in what goes wrong."""
    try:
        yield
    except WideloadError as error:
        raise WideloadError(
            f"layer {published.arn} could not be fetched",
            why=f"{error.what.replace('the package index', 'AWS')}; {error.why}",
            hint="try again: a link of AWS's is good for ten minutes only",
        ) from error


class _Info(msgspec.Struct):
    """A dist-info folder as it is found."""

    root: str
    name: str
    version: str
    metadata: zipfile.ZipInfo | None = None
    wheel: zipfile.ZipInfo | None = None


def _contents(
    published: PublishedLayer,
    file: BinaryIO | io.RawIOBase,
    fetch_ahead: Callable[[Sequence[tuple[int, int]]], None],
) -> AttachedLayer:
    try:
        with zipfile.ZipFile(cast("BinaryIO", file)) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            paths = {entry.filename.removeprefix("./"): entry for entry in entries}
            infos = _infos(paths)
            wanted = [one for info in infos for one in (info.metadata, info.wheel) if one]
            fetch_ahead(_stretches(archive, wanted))
            held = tuple(sorted(_held(archive, info) for info in infos))
    except _BROKEN as error:
        raise WideloadError(
            f"layer {published.arn} is no sound zip",
            why=str(error),
            hint="name another version of it",
        ) from error
    return AttachedLayer(
        arn=published.arn,
        sha256=published.sha256,
        zipped_bytes=published.zipped_bytes,
        unzipped_bytes=sum(entry.file_size for entry in entries),
        runtimes=tuple(sorted(published.runtimes)),
        architectures=tuple(sorted(published.architectures)),
        distributions=held,
        modules=_modules(paths),
        libraries=tuple(sorted(path[4:] for path in paths if _LIBRARY.fullmatch(path))),
        extensions=_extensions(paths),
    )


def _infos(paths: Mapping[str, zipfile.ZipInfo]) -> list[_Info]:
    found: dict[str, _Info] = {}
    for path, entry in paths.items():
        below = _below(path)
        folder, _, file = below[1].partition("/") if below else ("", "", "")
        match = _INFO.fullmatch(folder)
        if below is None or match is None or not is_clean_path(path):
            continue
        info = found.setdefault(
            f"{below[0]}/{folder}", _Info(below[0], match["name"], match["version"])
        )
        if file in ("METADATA", "PKG-INFO"):
            info.metadata = entry
        elif file == "WHEEL":
            info.wheel = entry
    return list(found.values())


def _stretches(
    archive: zipfile.ZipFile, entries: Iterable[zipfile.ZipInfo]
) -> list[tuple[int, int]]:
    """From where to where these members lie, those that lie close together in one."""
    starts = sorted({entry.header_offset for entry in archive.infolist()})
    ends = dict(zip(starts, [*starts[1:], archive.start_dir], strict=True))
    found: list[tuple[int, int]] = []
    for start in sorted({entry.header_offset for entry in entries}):
        if found and start - found[-1][1] <= _GAP:
            found[-1] = (found[-1][0], ends[start])
        else:
            found.append((start, ends[start]))
    return found


def _held(archive: zipfile.ZipFile, info: _Info) -> Held:
    name, version, requires = info.name, info.version, list[str]()
    if info.metadata:
        message = _message(archive, info.metadata)
        name, version = message.get("Name", name), message.get("Version", version)
        requires = _requires(message.get_all("Requires-Dist", []))
    tags: list[str] = []
    if info.wheel:
        tags = _message(archive, info.wheel).get_all("Tag", [])
    return Held(
        name=str(canonicalize_name(name.strip())),
        version=version.strip(),
        requires=tuple(sorted(set(requires))),
        root=info.root,
        tags=tuple(sorted(tag.strip() for tag in tags)),
    )


def _message(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Message:
    if entry.file_size > _LARGEST_METADATA:
        raise ValueError(f"{entry.filename} has {entry.file_size:,} bytes")
    return HeaderParser().parsestr(archive.read(entry).decode("utf-8", errors="replace"))


def _requires(lines: Iterable[str]) -> list[str]:
    found = []
    for line in lines:
        # Old metadata that no resolver reads either is let go.
        with contextlib.suppress(InvalidRequirement):
            found.append(str(Requirement(line)))
    return found


def _below(path: str) -> tuple[str, str] | None:
    """The folder on Python's path that a file lies below, and where in it."""
    match = _ROOT.fullmatch(path)
    if match is None or (match[1] == PLAIN_ROOT and match[2].startswith("lib/python3.")):
        return None
    return match[1], match[2]


def _modules(paths: Iterable[str]) -> tuple[str, ...]:
    found = set()
    for path in paths:
        below = _below(path)
        if below is None or not path.endswith(_IMPORTED):
            continue
        top, inside, _ = below[1].partition("/")
        name = top if inside else top.split(".", 1)[0]
        if name.isidentifier() and name != "__pycache__":
            found.add(name)
    return tuple(sorted(found))


def _extensions(paths: Iterable[str]) -> tuple[Extensions, ...]:
    found: dict[tuple[str, str], set[str]] = {}
    for path in paths:
        below, match = _below(path), _EXTENSION.search(path)
        if below and match:
            top = below[1].partition("/")[0].split(".", 1)[0]
            found.setdefault((top, below[0]), set()).add(match["abi"])
    return tuple(
        sorted(Extensions(top, root, tuple(sorted(abis))) for (top, root), abis in found.items())
    )
