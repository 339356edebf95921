"""Files as they will lie in the function: what, how big, and where their bytes come from."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Self

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


class WheelMember(msgspec.Struct, frozen=True, tag="wheel"):
    """Bytes that lie deflated (or stored) in a wheel and are copied from it as they are."""

    wheel: str
    """sha256 of the wheel, hexadecimal."""
    name: str
    """The member's name in the wheel, which need not be its path in the tree."""


class LocalFile(msgspec.Struct, frozen=True, tag="file"):
    """Bytes of a file of the user's, read again when they are packed."""

    path: str
    """Absolute path on this machine. Never written into an artifact or a manifest."""
    sha256: str
    """Of the content when it was scanned; a file that changed since stops the build. Empty where
    the file is too big to be read before it is known that it will be packed."""


class Derived(msgspec.Struct, frozen=True, tag="derived"):
    """Bytes that wideload made; kept in the content-addressed cache under their digest."""

    sha256: str
    maker: str
    """The rule and its version, e.g. ``"elf/1"``."""
    wheel: str = ""
    """sha256 of the wheel it was made of; empty where it was made of the user's own files."""


Origin = WheelMember | LocalFile | Derived

_LOCAL_HEADER = 30
_CENTRAL_HEADER = 46
_END_OF_DIRECTORY = 22
_ZIP64_END = 56 + 20
_ZIP64_MAX_ENTRIES = 0xFFFF
_ZIP64_MAX_OFFSET = 0xFFFFFFFF


class FileEntry(msgspec.Struct, frozen=True, order=True):
    """One regular file of a tree. Links are resolved and folders implied before this."""

    path: str
    """Relative, with ``/``, no ``.`` or ``..``."""
    size: int
    """Bytes unzipped."""
    compressed_size: int
    """Bytes of the stream that goes into a zip."""
    crc32: int
    mode: int
    """0o644 or 0o755: Lambda runs as another user, so all else is noise or a trap."""
    stored: bool
    """Whether the stream is the bytes themselves instead of deflate."""
    origin: Origin

    @property
    def identity(self) -> tuple[str, ...]:
        """Names the content, wherever it lies: wheel and member, or its sha256."""
        match self.origin:
            case WheelMember(wheel, name):
                return wheel, name
            case LocalFile(_, sha256) | Derived(sha256):
                return (sha256,)

    @property
    def wheel(self) -> str:
        """sha256 of the wheel that it is of, or was made of; empty for the user's own."""
        return "" if isinstance(self.origin, LocalFile) else self.origin.wheel

    @property
    def zip_overhead(self) -> int:
        """Bytes that a zip spends on this entry besides its stream."""
        return _LOCAL_HEADER + _CENTRAL_HEADER + 2 * len(self.path.encode())


def is_clean_path(path: str) -> bool:
    """Whether a path is relative, normalised and inside its root."""
    parts = path.split("/")
    return (
        not path.startswith("/")
        and "\\" not in path
        and all(part not in ("", ".", "..") for part in parts)
        and "\0" not in path
    )


def folders_of(paths: Iterable[str]) -> set[str]:
    """All folders that hold these paths, directly or not, without the root."""
    found: set[str] = set()
    for path in paths:
        folder = path.rpartition("/")[0]
        while folder and folder not in found:
            found.add(folder)
            folder = folder.rpartition("/")[0]
    return found


class FileTree(msgspec.Struct, frozen=True, dict=True):
    """Files sorted by path, each path once. Make it with :meth:`of`."""

    entries: tuple[FileEntry, ...]

    @classmethod
    def of(cls, entries: Iterable[FileEntry]) -> Self:
        """A tree of these entries.

        :raises ValueError: a path stands twice, is a folder as well, or is not clean
            (relative, ``/``-separated, without ``.`` and ``..``).
        """
        ordered = tuple(sorted(entries, key=lambda entry: entry.path))
        paths: set[str] = set()
        for entry in ordered:
            if not is_clean_path(entry.path):
                raise ValueError(f"unclean path {entry.path!r}")
            if entry.path in paths:
                raise ValueError(f"path stands twice: {entry.path!r}")
            paths.add(entry.path)
        for path in paths:
            at = path.find("/")
            while at != -1:
                if path[:at] in paths:
                    raise ValueError(f"both a file and a folder: {path[:at]!r}")
                at = path.find("/", at + 1)
        return cls(ordered)

    def __iter__(self) -> Iterator[FileEntry]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    @cached_property
    def by_path(self) -> dict[str, FileEntry]:
        """The entries by their path."""
        return {entry.path: entry for entry in self.entries}

    @cached_property
    def unzipped_bytes(self) -> int:
        """The sum of the files' sizes: what Lambda holds against its quota."""
        return sum(entry.size for entry in self.entries)

    @cached_property
    def zipped_bytes(self) -> int:
        """The exact size of the zip that `build` splices of this tree."""
        body = sum(entry.compressed_size + entry.zip_overhead for entry in self.entries)
        zip64 = len(self.entries) >= _ZIP64_MAX_ENTRIES or body >= _ZIP64_MAX_OFFSET
        return body + _END_OF_DIRECTORY + (_ZIP64_END if zip64 else 0)

    def where(self, keep: Callable[[FileEntry], bool]) -> FileTree:
        """The entries for which `keep` says so."""
        return FileTree(tuple(entry for entry in self.entries if keep(entry)))

    def beside(self, other: FileTree) -> FileTree:
        """Both trees together.

        :raises ValueError: they share a path.
        """
        return FileTree.of((*self.entries, *other.entries))
