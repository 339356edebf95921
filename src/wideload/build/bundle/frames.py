"""Groups of files become zstd frames, each made once and kept by content."""

from __future__ import annotations

import hashlib
import itertools
from typing import TYPE_CHECKING

import deflate
import msgspec
import zstandard

from wideload.build.bundle.format import FRAME, Compression
from wideload.cache import write_atomically
from wideload.values.packing import DEFLATE_LEVEL
from wideload.values.tree import FileEntry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from wideload.build.bundle.content import Contents
    from wideload.cache import Cache

WINDOW_LOG = 23
"""8 MiB: what the loader needs of memory to unpack a frame."""

_VERSION = 1
_NOTES = "frame-notes"
_FRAMES = "frames"


class Piece(msgspec.Struct, frozen=True):
    """A stretch of a file that lies in a frame."""

    entry: FileEntry
    start: int
    length: int


class Recipe(msgspec.Struct, frozen=True):
    """What goes into one frame."""

    pieces: tuple[Piece, ...]
    level: int | None = None
    """Of zstd, where it is not that of the others."""

    @property
    def raw_length(self) -> int:
        """Bytes of content."""
        return sum(piece.length for piece in self.pieces)


class Made(msgspec.Struct, frozen=True, array_like=True):
    """A frame that lies in the cache."""

    version: int
    sha256: str
    length: int
    raw_length: int
    raw_sha256: str
    digests: tuple[str, ...]
    """sha256 of the files of its recipe, each whole, in order."""


def cut(entries: Iterable[FileEntry], frame: int = FRAME) -> tuple[Recipe, ...]:
    """The frames of a group.

    Each holds whole files, as many as there is room for. A file that is larger than a frame
    has frames of its own, as even as can be.

    :param frame: bytes of content in one at most.
    """
    recipes: list[Recipe] = []
    held: list[Piece] = []
    room = frame
    for entry in entries:
        if entry.size > frame:
            count = -(-entry.size // frame)
            borders = [entry.size * at // count for at in range(count + 1)]
            if held:
                recipes.append(Recipe(tuple(held)))
                held, room = [], frame
            recipes += [
                Recipe((Piece(entry, start, end - start),))
                for start, end in itertools.pairwise(borders)
            ]
            continue
        if entry.size > room:
            recipes.append(Recipe(tuple(held)))
            held, room = [], frame
        held.append(Piece(entry, 0, entry.size))
        room -= entry.size
    if held:
        recipes.append(Recipe(tuple(held)))
    return tuple(recipes)


class Maker:
    """Makes frames, or finds those that were made before.

    :param level: of zstd.
    """

    def __init__(
        self,
        contents: Contents,
        cache: Cache,
        level: int,
        compression: Compression = Compression.ZSTD,
    ) -> None:
        self._contents = contents
        self._cache = cache
        self._level = level
        self._compression = compression

    def find(self, recipe: Recipe) -> tuple[Made, Path] | None:
        """The frame of this recipe and where it lies, if it was made before."""
        try:
            made = msgspec.msgpack.decode(self._note(recipe).read_bytes(), type=Made)
        except (FileNotFoundError, msgspec.MsgspecError):
            return None
        path = self._cache.verified(_FRAMES, made.sha256)
        return (made, path) if path and made.version == _VERSION else None

    def make(self, recipe: Recipe, progress: Callable[[int], None]) -> tuple[Made, Path]:
        """Make the frame of this recipe. Runs in several threads at once.

        :raises WideloadError: a file cannot be read, or the cache cannot be written to.
        """
        parts, digests = [], []
        for piece in recipe.pieces:
            data, digest = self._contents.read(piece.entry)
            digests.append(digest)
            parts.append(memoryview(data)[piece.start : piece.start + piece.length])
        raw = b"".join(parts)
        frame = self._compress(raw, recipe.level or self._level)
        made = Made(
            _VERSION,
            hashlib.sha256(frame).hexdigest(),
            len(frame),
            len(raw),
            hashlib.sha256(raw).hexdigest(),
            tuple(digests),
        )
        temporary = self._cache.path("frames-unnamed", self._key(recipe))
        write_atomically(temporary, frame)
        path = self._cache.keep(temporary, _FRAMES, made.sha256)
        write_atomically(self._note(recipe), msgspec.msgpack.encode(made))
        progress(len(raw))
        return made, path

    def _compress(self, raw: bytes, level: int) -> bytes:
        if self._compression is Compression.GZIP:
            return bytes(deflate.gzip_compress(raw, DEFLATE_LEVEL))
        return _compressor(level).compress(raw)

    def _note(self, recipe: Recipe) -> Path:
        return self._cache.path(_NOTES, self._key(recipe))

    def _key(self, recipe: Recipe) -> str:
        """Digest of all that the bytes of a frame depend on."""
        level = recipe.level or self._level
        version = f"{_VERSION} {level} {WINDOW_LOG} {zstandard.ZSTD_VERSION}\n"
        if self._compression is Compression.GZIP:
            # libdeflate is pinned, as its streams depend on its version.
            version = f"{_VERSION} gzip {DEFLATE_LEVEL}\n"
        digest = hashlib.sha256(version.encode())
        for piece in recipe.pieces:
            source = " ".join(piece.entry.identity)
            digest.update(f"{source}\0{piece.start} {piece.length}\0".encode())
        return digest.hexdigest()


def _compressor(level: int) -> zstandard.ZstdCompressor:
    """One for each frame, since they are made in several threads."""
    return zstandard.ZstdCompressor(
        compression_params=zstandard.ZstdCompressionParameters.from_level(
            level,
            window_log=WINDOW_LOG,
            # One thread a frame: more would write other bytes.
            threads=0,
            write_content_size=True,
        )
    )
