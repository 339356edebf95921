"""The format of a bundle and of its index, as docs/reference/bundle-format.md states it."""

from __future__ import annotations

import base64
import enum

import msgspec

FORMAT = 1
"""A loader refuses an index of a format that it does not know."""
FORMAT_WITH_COMPRESSION = 2
"""The same, and says how the frames are compressed; in format 1 all are zstd."""
FORMAT_WITH_COLD = 3
"""Format 1 with cold frames: they are the last, and fetched when something first wants them."""


class Compression(enum.StrEnum):
    """What the frames of a bundle are."""

    ZSTD = "zstd"
    GZIP = "gzip"
    """For runtimes that unpack nothing better."""


FRAME = 16 * 1024**2
"""Bytes of content in a frame at most. Measured on numpy, scipy, pandas and scikit-learn,
184 MB: 43.1 MB in frames of 16 MiB, 42.6 MB in frames of 32 MiB."""

COLD_FRAME = 4 * 1024**2
"""Bytes of content in a cold frame at most: who waits for one mostly wants little of it."""

BLOCK = 4096
"""Bytes that the smallest file takes of /tmp."""


class Frame(msgspec.Struct, frozen=True, array_like=True):
    """One zstd frame, as it lies in the bundle."""

    offset: int
    length: int
    sha256: str
    """Of the compressed bytes: nothing of a frame is used before this is checked."""
    raw_length: int
    raw_sha256: str
    """Of the content."""


class IndexedFile(msgspec.Struct, frozen=True, array_like=True):
    """One file of a bundle; its digest stands at the same place in the index's `digests`."""

    path: str
    frame: int
    """The frame that it begins in. A file that is larger than the rest of its frame goes on
    in the next ones, which then hold nothing else."""
    offset: int
    """In the frame's content."""
    size: int
    mode: int
    """0o644 or 0o755."""
    unit: int


class Index(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the loader knows of a bundle before it has read a byte of it."""

    format: int
    sha256: str
    size: int
    part: int
    """Ranges that are read do not cross multiples of this."""
    tmp_bytes: int
    frames: tuple[Frame, ...]
    units: tuple[tuple[int, ...], ...]
    """For each unit the frames that must be there before a module of it is run: those of its
    own files, of its distribution's shared libraries, and of the metadata."""
    files: tuple[IndexedFile, ...]
    """In the order in which they lie in the frames."""
    own: tuple[str, ...]
    """Files of the function's zip that must lie beside those of the bundle."""
    first: tuple[int, ...]
    """Frames without which no module of the user's own is run."""
    digests: str
    """base64 of the SHA-256 digests of the files, 32 bytes each, in the same order."""
    compression: Compression | None = None
    """Of the frames; nothing, and not written, in formats 1 and 3."""
    hot: int | None = None
    """How many of the frames are fetched at start, the first ones; in format 3 only."""

    def encode(self) -> bytes:
        """The index as it goes into the function's zip."""
        return msgspec.json.encode(self)


def digests(hexadecimal: list[str]) -> str:
    """The digests of files as the index holds them."""
    return base64.b64encode(bytes.fromhex("".join(hexadecimal))).decode()


def blocks(size: int) -> int:
    """Bytes that a file of this size takes of a disk."""
    return -(-size // BLOCK) * BLOCK
