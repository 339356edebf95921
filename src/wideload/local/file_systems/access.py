"""What somebody may do in a folder whose owner is not one of this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from wideload.local.functions.store import write_whole

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_READ, _WRITE, _ENTER = 4, 2, 1
ROOT_UID = 0


class Owned(msgspec.Struct, frozen=True):
    """Owner and mode of a folder."""

    uid: int
    gid: int
    mode: int
    """Permissions, as of ``stat``."""

    def rights(self, uid: int, gids: Sequence[int]) -> tuple[bool, bool]:
        """Whether this user may read what lies in it, and change it."""
        if uid == ROOT_UID:
            return True, True
        shift = 6 if uid == self.uid else 3 if self.gid in gids else 0
        bits = self.mode >> shift & 7
        reads = bits & (_READ | _ENTER) == (_READ | _ENTER)
        return reads, reads and bool(bits & _WRITE)


# A new file system belongs to root, and others may read it.
# https://docs.aws.amazon.com/efs/latest/ug/accessing-fs-nfs-permissions.html
NEW = Owned(0, 0, 0o755)


class Owners:
    """Who owns which folder of a file system.

    Kept beside it: as whom functions run here is not who the access point says they are.
    """

    def __init__(self, note: Path) -> None:
        self._note = note
        try:
            self._owned = msgspec.json.decode(note.read_bytes(), type=dict[str, Owned])
        except FileNotFoundError:
            self._owned = {"/": NEW}

    def of(self, path: str) -> Owned:
        """The owner of a folder: its own, or that of the nearest above that has one."""
        while path not in self._owned:
            path = path.rpartition("/")[0] or "/"
        return self._owned[path]

    def set(self, path: str, owned: Owned) -> None:
        """Note the owner of a folder that was made."""
        self._owned[path] = owned
        write_whole(self._note, msgspec.json.encode(self._owned))
