"""A function's files parted between the function itself and layers."""

from __future__ import annotations

import msgspec

from wideload.values.tree import FileTree


class Share(msgspec.Struct, frozen=True):
    """What one layer holds: whole distributions."""

    packages: tuple[str, ...]
    """Normalised names, sorted."""
    tree: FileTree
    """Paths as they lie in the layer's zip, e.g. ``python/numpy/__init__.py``."""


class Split(msgspec.Struct, frozen=True):
    """Function and layers: disjoint, and together the whole tree."""

    function: FileTree
    """Paths below /var/task."""
    layers: tuple[Share, ...]
    """In the order in which they are attached; at most five with those of others."""

    @property
    def unzipped_bytes(self) -> int:
        """What Lambda counts against its quota, without layers made by others."""
        return self.function.unzipped_bytes + sum(one.tree.unzipped_bytes for one in self.layers)

    @property
    def zipped_bytes(self) -> int:
        """Bytes of all the zips together."""
        return self.function.zipped_bytes + sum(one.tree.zipped_bytes for one in self.layers)
