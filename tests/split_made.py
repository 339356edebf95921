"""Functions made up to be split: distributions of any size that are nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from made_values import AL2023, sha256_of
from wideload.values.resolution import Member, Wheel
from wideload.values.tree import FileEntry, FileTree, LocalFile, WheelMember

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from wideload.values.split import Split

MB = 1_000_000
TARGET = AL2023


def dist(
    name: str,
    zipped: int = 1000,
    *paths: str,
    unzipped: int = 0,
    requires: Sequence[str] = (),
    version: str = "1",
) -> Wheel:
    """A distribution of about so many bytes zipped, all but these paths in one data file."""
    module = name.replace("-", "_")
    whole = paths or (f"{module}/__init__.py",)
    members = [Member(path, path, 10, 10, 0, True, False) for path in whole]
    data = f"{module}-{version}.dist-info/DATA"
    members.append(Member(data, data, max(zipped, unzipped), zipped, 0, False, False))
    filename = f"{module}-{version}-py3-none-any.whl"
    return Wheel(
        name,
        version,
        filename,
        f"https://index.example/{filename}",
        sha256_of(f"{filename} {zipped} {unzipped} {whole}"),
        zipped,
        tuple(members),
        tuple(requires),
    )


def own(path: str = "app.py", size: int = 500) -> FileEntry:
    """A file of the user's."""
    return FileEntry(path, size, size, 0, 0o644, True, LocalFile(f"/src/{path}", sha256_of(path)))


def tree_of(wheels: Iterable[Wheel], files: Iterable[FileEntry] = ()) -> FileTree:
    """The distributions and the user's files in one tree, his own on top."""
    laid: dict[str, FileEntry] = {}
    for wheel in sorted(wheels, key=lambda wheel: wheel.name):
        for one in wheel.members:
            origin = WheelMember(wheel.sha256, one.name)
            laid[one.path] = FileEntry(
                one.path, one.size, one.compressed_size, 0, 0o644, one.stored, origin
            )
    laid.update((entry.path, entry) for entry in files)
    return FileTree.of(laid.values())


def united(split: Split, root: str = "python") -> list[FileEntry]:
    """All files of a split where they lay in the tree, with those that lie twice."""
    layered = [
        msgspec.structs.replace(entry, path=entry.path.removeprefix(f"{root}/"))
        for share in split.layers
        for entry in share.tree
    ]
    return sorted([*split.function, *layered], key=lambda entry: entry.path)


def packages(split: Split) -> list[tuple[str, ...]]:
    """What lies in each layer."""
    return [share.packages for share in split.layers]
