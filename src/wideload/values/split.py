"""A function's files parted between the function itself and layers."""

from __future__ import annotations

import hashlib
from typing import Literal

import msgspec

from wideload.values.tree import FileTree

Place = Literal["function"] | int
"""Where a package lies: in the function, or in the layer of this number, from 1."""


class Share(msgspec.Struct, frozen=True):
    """What one layer holds: whole distributions."""

    packages: tuple[str, ...]
    """Normalised names, sorted."""
    tree: FileTree
    """Paths as they lie in the layer's zip, e.g. ``python/numpy/__init__.py``."""

    @property
    def digest(self) -> str:
        """sha256 of what it holds, hexadecimal: the same for the same files of the same
        wheels in every project. Not that of the zip."""
        return hashlib.sha256(msgspec.msgpack.encode(self.tree.entries)).hexdigest()


class Split(msgspec.Struct, frozen=True):
    """Function and layers: disjoint, and together the whole tree."""

    function: FileTree
    """Paths below /var/task."""
    layers: tuple[Share, ...]
    """In the order in which they are attached; at most five with those of others."""
    packages: tuple[str, ...] = ()
    """Normalised names of the distributions that lie in the function, sorted."""

    @property
    def unzipped_bytes(self) -> int:
        """What Lambda counts against its quota, without layers made by others."""
        return self.function.unzipped_bytes + sum(one.tree.unzipped_bytes for one in self.layers)

    @property
    def zipped_bytes(self) -> int:
        """Bytes of all the zips together."""
        return self.function.zipped_bytes + sum(one.tree.zipped_bytes for one in self.layers)

    @property
    def places(self) -> dict[str, Place]:
        """Where each distribution lies; given to the next split, it stays there."""
        places: dict[str, Place] = dict.fromkeys(self.packages, "function")
        for number, share in enumerate(self.layers, 1):
            places.update(dict.fromkeys(share.packages, number))
        return places
