"""Steps on the directories of a mounted file system."""

from __future__ import annotations

import msgspec

from wideload.values.sizes import megabytes


class FillDirectory(msgspec.Struct, frozen=True, tag="fill-directory", tag_field="do"):
    """Have the filler unpack the bundle into a directory, called until it is complete."""

    function: str
    """The filler."""
    directory: str
    """Absolute path, where the filler mounts it."""
    bytes: int
    """What comes to lie in it."""

    def describe(self) -> str:
        """One line for people."""
        return f"fill {self.directory} with {megabytes(self.bytes)}"


class SweepDirectories(msgspec.Struct, frozen=True, tag="sweep-directories", tag_field="do"):
    """Have the filler remove directories that nothing names."""

    function: str
    """The filler."""
    path: str
    """Where it mounts the file system."""
    keep: tuple[str, ...]
    """Names of directories that stay."""
    age: float
    """Seconds that a directory has to have been there for."""
    of: str = ""
    """The function whose directories are meant; empty for all."""

    def describe(self) -> str:
        """One line for people."""
        whose = f"of {self.of} " if self.of else ""
        kept = f", but for {len(self.keep)} that versions name" if self.keep else ""
        return f"remove the directories {whose}below {self.path}{kept}"
