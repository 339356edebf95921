"""The bytes of objects: each file is written once, then only read, linked or removed."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import BinaryIO


class Files:
    """Files by random names, in folders by their first two digits."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._incoming = folder / "incoming"
        for name in ("incoming", *(f"{number:02x}" for number in range(256))):
            (folder / name).mkdir(parents=True, exist_ok=True)

    def path(self, name: str) -> str:
        """Absolute path of a file that was kept."""
        return str(self._folder / name[:2] / name)

    def begin(self) -> Incoming:
        """A new file to write, which is nothing until it is kept."""
        return Incoming(self, self._incoming / secrets.token_hex(16))

    def link(self, name: str) -> str:
        """Another name for the same bytes, which lives on its own.

        :raises FileNotFoundError: the first is gone.
        """
        other = secrets.token_hex(16)
        os.link(self.path(name), self.path(other))
        return other

    def join(self, names: Iterable[str]) -> str:
        """A new file of these files' bytes, one after the other."""
        with self.begin() as incoming:
            for name in names:
                with open(self.path(name), "rb") as part:  # noqa: PTH123
                    _append(part, incoming.file)
            return incoming.keep()

    def remove(self, names: Iterable[str | None]) -> None:
        """Remove files; those that are gone already, or are nothing, are passed over."""
        for name in names:
            if name is not None:
                Path(self.path(name)).unlink(missing_ok=True)

    def sweep(self, known: set[str]) -> None:
        """Remove what a killed process left: unfinished files and those of no record."""
        for path in self._incoming.iterdir():
            path.unlink()
        for path in self._folder.glob("??/*"):
            if path.name not in known:
                path.unlink()


class Incoming:
    """A file being written. Leaving the ``with`` block without :meth:`keep` removes it."""

    def __init__(self, files: Files, path: Path) -> None:
        self._files = files
        self._path = path
        self.file: BinaryIO = open(path, "xb", buffering=0)  # noqa: PTH123, SIM115

    def __enter__(self) -> Incoming:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()
        self._path.unlink(missing_ok=True)

    def keep(self) -> str:
        """Put the file where it stays; its name there."""
        self.file.close()
        name = self._path.name
        self._path.replace(self._files.path(name))
        return name


def _append(part: BinaryIO, whole: BinaryIO) -> None:
    # Within the kernel where the file system can, so that gigabytes take a second or two.
    left = os.fstat(part.fileno()).st_size
    while left:
        try:
            copied = os.copy_file_range(part.fileno(), whole.fileno(), left)
        except (OSError, AttributeError):
            copied = 0
        if not copied:
            part.seek(0, os.SEEK_CUR)
            shutil.copyfileobj(part, whole, 1 << 20)
            return
        left -= copied
