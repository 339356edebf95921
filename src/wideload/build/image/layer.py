"""A layer's files become a tar in gzip, made once and kept by content."""

from __future__ import annotations

import contextlib
import hashlib
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

import msgspec

from wideload.build.block import derived_stream
from wideload.build.image.gzipped import Gzipped, gzip_into
from wideload.build.image.tarball import TASK_ROOT, members, padding, tar_bytes
from wideload.build.wheelfile import WheelFile
from wideload.cache import replacing, write_atomically
from wideload.errors import WideloadError
from wideload.own_files import changed_meanwhile
from wideload.values.artifact import IMAGE_ROLE, ManifestFile
from wideload.values.image import IMAGE_BLOBS, OCI_LAYER, Descriptor, Layer
from wideload.values.tree import Derived, FileEntry, LocalFile, WheelMember

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from wideload.build.image.layering import LayerPlan
    from wideload.cache import Cache
    from wideload.values.resolution import Wheel

_VERSION = 3
_NOTES = "image-layers"
_CHUNK = 1 << 20


class _Made(msgspec.Struct, frozen=True, array_like=True):
    version: int
    gzipped: Gzipped
    files: tuple[ManifestFile, ...]


class FiledLayer(msgspec.Struct, frozen=True):
    """A layer, where it lies, and the account of what is in it."""

    layer: Layer
    path: Path
    files: tuple[ManifestFile, ...]
    """By their path below the function's folder."""


def _key(plan: LayerPlan) -> str:
    """Of all that the bytes of a layer depend on."""
    digest = hashlib.sha256(f"{_VERSION} {TASK_ROOT}\n".encode())
    for entry in plan.entries:
        source = " ".join(entry.identity)
        digest.update(f"{entry.path}\0{entry.mode:o}\0{source}\0{entry.size}\0".encode())
    return digest.hexdigest()


def layer_of(
    plan: LayerPlan, wheels: Mapping[str, Wheel], paths: Mapping[str, Path], cache: Cache
) -> FiledLayer:
    """The layer, and the file of the cache that it lies in.

    :param wheels: by sha256, all that the entries name.
    :param paths: where these wheels lie.
    :raises WideloadError: a wheel is broken, a file changed or is gone, or the disk is full.
    """
    key = _key(plan)
    note = cache.path(_NOTES, key, ".msgpack")
    try:
        made = msgspec.msgpack.decode(note.read_bytes(), type=_Made)
    except (FileNotFoundError, msgspec.MsgspecError):
        made = None
    if made and made.version == _VERSION:
        kept = cache.verified(IMAGE_BLOBS, made.gzipped.sha256)
        if kept:
            return FiledLayer(_layer(plan, made.gzipped), kept, made.files)
    temporary = cache.path("image-blobs-unnamed", key)
    try:
        with contextlib.ExitStack() as stack:
            files: dict[str, WheelFile] = {}
            for entry in plan.entries:
                origin = entry.origin
                if isinstance(origin, WheelMember) and origin.wheel not in files:
                    file = WheelFile(paths[origin.wheel], wheels[origin.wheel], cache)
                    files[origin.wheel] = stack.enter_context(file)
            sink = stack.enter_context(replacing(temporary))
            pieces = _pieces(plan, files, cache)
            gzipped = gzip_into(sink, pieces, tar_bytes(plan.entries))
            account = tuple(_accounted(entry, files, wheels) for entry in plan.entries)
        path = cache.keep(temporary, IMAGE_BLOBS, gzipped.sha256)
    except OSError as error:
        raise WideloadError(
            f"the image's layer of {plan.what} could not be written",
            why=str(error),
            hint="free disk space, or make the cache writable",
        ) from error
    write_atomically(note, msgspec.msgpack.encode(_Made(_VERSION, gzipped, account)))
    return FiledLayer(_layer(plan, gzipped), path, account)


def _accounted(
    entry: FileEntry, files: Mapping[str, WheelFile], wheels: Mapping[str, Wheel]
) -> ManifestFile:
    match entry.origin:
        case WheelMember(wheel, name):
            sha256, origin = files[wheel].sha256(name), wheels[wheel].filename
        case Derived(sha256, maker, wheel):
            origin = f"{wheels[wheel].filename} by {maker}" if wheel else maker
        case LocalFile(_, sha256):
            origin = "source"
        case _:
            assert_never(entry.origin)
    return ManifestFile(entry.path, entry.size, sha256, origin, IMAGE_ROLE)


def _layer(plan: LayerPlan, gzipped: Gzipped) -> Layer:
    return Layer(
        Descriptor(OCI_LAYER, f"sha256:{gzipped.sha256}", gzipped.size),
        f"sha256:{gzipped.content_sha256}",
        gzipped.content_size,
        plan.what,
    )


def _pieces(
    plan: LayerPlan, files: Mapping[str, WheelFile], cache: Cache
) -> Iterator[bytes | memoryview]:
    by_wheel: dict[str, list[str]] = {}
    for entry in plan.entries:
        if isinstance(entry.origin, WheelMember):
            by_wheel.setdefault(entry.origin.wheel, []).append(entry.origin.name)
    for wheel, names in by_wheel.items():
        files[wheel].check(names)
    for header, follows in members(plan.entries):
        yield header
        if follows:
            yield from _content(follows, files, cache)
            yield padding(follows.size)


def _content(
    entry: FileEntry, files: Mapping[str, WheelFile], cache: Cache
) -> Iterator[bytes | memoryview]:
    match entry.origin:
        case WheelMember(wheel, name):
            # Checked by its CRC before, so nothing else can come of it.
            with files[wheel].stream(name) as stream:
                yield from _inflated(stream, entry)
        case Derived(sha256):
            try:
                content = b"".join(_inflated(derived_stream(entry, entry.origin, cache), entry))
            except zlib.error:
                content = b""
            if hashlib.sha256(content).hexdigest() != sha256:
                raise WideloadError(
                    f"{entry.path} as it was made is damaged in the cache",
                    why="its content has another digest",
                    hint="empty the cache, and build again",
                )
            yield content
        case LocalFile():
            yield from _read(entry, entry.origin)
        case _:
            assert_never(entry.origin)


def _inflated(stream: bytes | memoryview, entry: FileEntry) -> Iterator[bytes | memoryview]:
    inflater = None if entry.stored else zlib.decompressobj(-zlib.MAX_WBITS)
    view = memoryview(stream)
    for at in range(0, len(view), _CHUNK):
        piece = view[at : at + _CHUNK]
        yield inflater.decompress(piece) if inflater else bytes(piece)
    if inflater:
        yield inflater.flush()


def _read(entry: FileEntry, origin: LocalFile) -> Iterator[bytes]:
    """A file of the user's, which may be bigger than the memory."""
    digest, size = hashlib.sha256(), 0
    try:
        with Path(origin.path).open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                size += len(chunk)
                if size > entry.size:
                    break
                yield chunk
    except OSError as error:
        raise WideloadError(f"{entry.path} cannot be read", why=str(error)) from error
    if size != entry.size or digest.hexdigest() != origin.sha256:
        raise changed_meanwhile(entry.path)
