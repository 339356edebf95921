"""How the files of wheels and of the user come to lie in one tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wideload.errors import WideloadError
from wideload.values.tree import FileEntry, FileTree, WheelMember

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wideload.values.resolution import Wheel


def wheel_entries(wheel: Wheel) -> tuple[FileEntry, ...]:
    """The wheel's files where an installer would put them, streams as they lie in the wheel."""
    return tuple(
        FileEntry(
            path=member.path,
            size=member.size,
            compressed_size=member.compressed_size,
            crc32=member.crc32,
            mode=0o755 if member.executable else 0o644,
            stored=member.stored,
            origin=WheelMember(wheel.sha256, member.name),
        )
        for member in wheel.members
    )


def lay(wheels: Iterable[Wheel], own: FileTree) -> FileTree:
    """All files in one tree: the wheels in order of name, the user's own on top.

    A file that two wheels have is taken from the later one, as installers do; the user's
    files win over both, as they would in his own folder.

    :raises WideloadError: one side has a file where another has a folder.
    """
    laid: dict[str, FileEntry] = {}
    for wheel in sorted(wheels, key=lambda wheel: wheel.name):
        laid.update((entry.path, entry) for entry in wheel_entries(wheel))
    laid.update((entry.path, entry) for entry in own)
    try:
        return FileTree.of(laid.values())
    except ValueError as error:
        raise WideloadError(
            "the function's files and its requirements do not fit into one folder",
            why=str(error),
            hint="rename the file or folder of the function that bears a package's name",
        ) from error
