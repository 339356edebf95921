"""A bundle unpacked on this machine, as a loader would have it."""

from __future__ import annotations

import hashlib
from typing import IO, TYPE_CHECKING

import zstandard

from wideload.errors import WideloadError

if TYPE_CHECKING:
    from pathlib import Path

    from wideload.build.bundle.format import Frame, Index


def unpack_bundle(bundle: Path, index: Index, folder: Path) -> None:
    """Write the files of a bundle below a folder, which is made.

    :raises WideloadError: the bundle is not the one of the index.
    """
    folder.mkdir(parents=True)
    with bundle.open("rb") as stream:
        content, held = b"", -1
        for file in index.files:
            path = folder / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            number, at, left = file.frame, file.offset, file.size
            with path.open("wb") as out:
                while left:
                    if held != number:
                        content, held = _content(stream, index.frames[number]), number
                    piece = content[at : at + left]
                    out.write(piece)
                    number, at, left = number + 1, 0, left - len(piece)
            path.chmod(file.mode)


def _content(stream: IO[bytes], frame: Frame) -> bytes:
    stream.seek(frame.offset)
    data = stream.read(frame.length)
    if hashlib.sha256(data).hexdigest() != frame.sha256:
        raise WideloadError(
            f"{stream.name} is not the bundle that was built",
            why=f"what lies at {frame.offset} in it has another digest",
            hint="build again",
        )
    return zstandard.ZstdDecompressor().decompress(data, max_output_size=frame.raw_length)
