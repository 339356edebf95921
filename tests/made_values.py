"""Values as the stages pass them on, made up without any file or network."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec

from wideload.values.attached import AttachedLayer
from wideload.values.resolution import Member, Resolution, Wheel
from wideload.values.slimmed import Provided, Slimmed
from wideload.values.target import Target
from wideload.values.tree import FileEntry, FileTree, LocalFile, WheelMember

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

AL2023 = Target.parse("python3.13", "x86_64")
AL2 = Target.parse("python3.11", "x86_64")


def sha256_of(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def entry(
    path: str, size: int = 10, compressed_size: int | None = None, *, executable: bool = False
) -> FileEntry:
    """A file of a wheel that is nowhere."""
    packed = size if compressed_size is None else compressed_size
    mode = 0o755 if executable else 0o644
    origin = WheelMember(sha256_of("wheel"), path)
    return FileEntry(path, size, packed, 0, mode, packed == size, origin)


def tree_of(zipped: int, unzipped: int) -> FileTree:
    """A tree of exactly these sizes: one file of the user's own."""
    empty = FileTree.of([entry("a", 0)]).zipped_bytes
    own = LocalFile("/source/a", sha256_of("a"))
    return FileTree.of([msgspec.structs.replace(entry("a", unzipped, zipped - empty), origin=own)])


def slimmed_of(zipped: int, unzipped: int, provided: Iterable[Provided] = ()) -> Slimmed:
    return Slimmed(tree_of(zipped, unzipped), provided=tuple(provided))


def attached_of(unzipped: int) -> AttachedLayer:
    """A layer of somebody else's that holds nothing known but takes so many bytes."""
    arn = "arn:aws:lambda:us-east-1:210987654321:layer:theirs:1"
    return AttachedLayer(arn, sha256_of(arn), unzipped, unzipped, (), (), ())


def member(path: str, size: int = 10, compressed_size: int | None = None) -> Member:
    packed = size if compressed_size is None else compressed_size
    return Member(path, path, size, packed, 0, packed == size, False)


def wheel_value(
    name: str,
    version: str = "1.0",
    requires: Sequence[str] = (),
    members: Sequence[Member] | None = None,
) -> Wheel:
    """A wheel of one module and its metadata, unless members are given."""
    snake = name.replace("-", "_")
    filename = f"{snake}-{version}-py3-none-any.whl"
    if members is None:
        info = f"{snake}-{version}.dist-info"
        members = [member(f"{snake}/__init__.py", 100, 60), member(f"{info}/METADATA", 40, 30)]
    return Wheel(
        name=name,
        version=version,
        filename=filename,
        url=f"https://index.example/{filename}",
        sha256=sha256_of(filename),
        size=1000,
        members=tuple(members),
        requires=tuple(requires),
    )


def resolution_of(
    *wheels: Wheel,
    target: Target = AL2023,
    roots: Sequence[str] = (),
    wishes: Sequence[str] = (),
    downloaded_bytes: int = 0,
) -> Resolution:
    ordered = tuple(sorted(wheels, key=lambda wheel: wheel.name))
    return Resolution(target, ordered, tuple(sorted(roots)), tuple(wishes), downloaded_bytes)
