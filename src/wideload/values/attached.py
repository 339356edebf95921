"""Layers made by others, as they are found: what they hold, and for whom."""

from __future__ import annotations

from typing import Protocol

import msgspec

PLAIN_ROOT = "python"
"""The folder of a layer that is on Python's path for every version."""


class Held(msgspec.Struct, frozen=True, order=True):
    """A distribution that a layer carries."""

    name: str
    """Normalised as PEP 503 says."""
    version: str
    requires: tuple[str, ...] = ()
    """Its Requires-Dist as PEP 508, sorted; with those that an extra asks for."""
    root: str = PLAIN_ROOT
    """Folder in the layer that it is importable from: ``python``, or
    ``python/lib/python3.13/site-packages``, which only that Python looks into."""
    tags: tuple[str, ...] = ()
    """What it was built for, as its WHEEL says, e.g. ``cp313-cp313-linux_x86_64``; empty
    where it does not say."""

    @property
    def is_compiled(self) -> bool:
        """Whether it was built for a machine, as far as it says."""
        return any(not tag.endswith("-any") for tag in self.tags)


class Extensions(msgspec.Struct, frozen=True, order=True):
    """Compiled modules below one importable name that say which Python they are for."""

    module: str
    """Top-level name."""
    root: str
    abis: tuple[str, ...]
    """As in their file names, e.g. ``cpython-313-x86_64-linux-gnu``; sorted."""


class AttachedLayer(msgspec.Struct, frozen=True):
    """One layer version made by others, read from its zip's central directory."""

    arn: str
    sha256: str
    """Of the zip, hexadecimal."""
    zipped_bytes: int
    unzipped_bytes: int
    """What it takes of the unzipped quota."""
    runtimes: tuple[str, ...]
    """Runtimes that it says it is for; empty where it does not say."""
    architectures: tuple[str, ...]
    distributions: tuple[Held, ...]
    """Sorted by name."""
    modules: tuple[str, ...] = ()
    """Importable top-level names, sorted; also those of no distribution."""
    libraries: tuple[str, ...] = ()
    """Names of the files in ``lib``, where shared objects are looked for; sorted."""
    extensions: tuple[Extensions, ...] = ()
    """Sorted."""


class PublishedLayer(msgspec.Struct, frozen=True):
    """A layer version as AWS describes it."""

    arn: str
    sha256: str
    """Hexadecimal."""
    zipped_bytes: int
    runtimes: tuple[str, ...]
    architectures: tuple[str, ...]
    location: str
    """URL of the zip, good for some minutes and without credentials."""


class LayerSource(Protocol):
    """Whoever knows layer versions: AWS, or the embedded one."""

    def describe(self, arn: str) -> PublishedLayer:
        """The layer version of this ARN.

        :raises WideloadError: there is none, it may not be read, or nobody answers.
        """
        ...

    def latest(self, layer: str) -> str:
        """The ARN of the latest version of a layer, by the layer's own ARN.

        :raises WideloadError: there is none, it may not be read, or nobody answers.
        """
        ...
