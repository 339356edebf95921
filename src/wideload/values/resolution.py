"""What a function needs, down to each file of each wheel; nothing of it downloaded yet."""

from __future__ import annotations

from functools import lru_cache

import msgspec
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from wideload.values.target import Target


class Member(msgspec.Struct, frozen=True):
    """A file in a wheel, as the wheel's central directory tells it."""

    name: str
    """In the wheel."""
    path: str
    """Where an installer would put it below site-packages (``.data`` folders resolved)."""
    size: int
    compressed_size: int
    crc32: int
    stored: bool
    """Whether the zip holds the bytes themselves instead of deflate."""
    executable: bool


class Wheel(msgspec.Struct, frozen=True):
    """One wheel of a resolution."""

    name: str
    """Normalised as PEP 503 says."""
    version: str
    filename: str
    url: str
    """``https:`` or ``file:``; without credentials."""
    sha256: str
    size: int
    members: tuple[Member, ...]
    requires: tuple[str, ...] = ()
    """Requirements that hold for the target, as PEP 508 without markers, e.g. ``numpy>=1.26``."""
    location: str = ""
    """Of a package of npm's, which is kept as an archive like a wheel: the folder that it lies
    in, e.g. ``node_modules/sharp``. Its name is then the location without the first
    ``node_modules/``, as npm writes it, and `requires` are names of others."""

    @property
    def required_names(self) -> tuple[str, ...]:
        """The names in `requires`, in their order."""
        return self.requires if self.location else _names(self.requires)

    @property
    def unzipped_bytes(self) -> int:
        """The sum of the members' sizes."""
        return sum(member.size for member in self.members)

    @property
    def zipped_bytes(self) -> int:
        """The sum of the members' streams as they lie in the wheel."""
        return sum(member.compressed_size for member in self.members)


@lru_cache(4096)
def _names(lines: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(str(canonicalize_name(Requirement(line).name)) for line in lines)


class Resolution(msgspec.Struct, frozen=True):
    """The exact wheels of a function for its target, sorted by name."""

    target: Target
    wheels: tuple[Wheel, ...]
    roots: tuple[str, ...]
    """Names that the user asked for, as opposed to what these pull in; sorted."""
    wishes: tuple[str, ...] = ()
    """The user's own requirements and constraints, as PEP 508 without markers."""
    downloaded_bytes: int = 0
    """Bytes of wheels and attached layers fetched to know all this. Never part of an artifact."""
    estimated: bool = False
    """Whether some wheels stand for what is known by its size only: each with one member."""
