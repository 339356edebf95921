"""What traced runs of a function used of its package, as it is kept beside the requirements."""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import msgspec

from wideload.errors import WideloadError
from wideload.values.target import Target
from wideload.values.tree import is_clean_path

if TYPE_CHECKING:
    from collections.abc import Iterable

PROFILE_SCHEMA = 1
INIT = "init"
"""The phase before the first event: the handler's module is imported."""
LAYER_ROOT = "/opt/"

Use = Literal["open", "stat", "list"]
"""What was done with a path: a file read (or loaded, or run), a file only found to be there,
a folder's names read."""


class TracedEvent(msgspec.Struct, frozen=True):
    """An event that was run."""

    name: str
    """Its file's name, made unique; never ``init``."""
    sha256: str
    """Of its bytes, hexadecimal."""


class UsedPath(msgspec.Struct, frozen=True, array_like=True):
    """A file or a folder that was used."""

    path: str
    """In the package, wherever of it is shipped; of a layer's files that are not on Python's
    path the absolute one below /opt. Byte-code stands under its source's path, so that a
    profile does not depend on how, or whether, the package was compiled."""
    phase: str
    """Of the first use: ``init`` or an event's name."""
    use: Use
    """The strongest of all uses: ``open``, else ``stat``, else ``list``."""


class Profile(msgspec.Struct, frozen=True, dict=True):
    """All that was used, in the order of first use. No path of a machine, no time, no size."""

    schema: int
    function: str
    target: Target
    packages: tuple[str, ...]
    """What the package was made from: ``name==version``, sorted."""
    events: tuple[TracedEvent, ...]
    entries: tuple[UsedPath, ...]

    @cached_property
    def files(self) -> frozenset[str]:
        """The paths of files, without folders that were only listed."""
        return frozenset(entry.path for entry in self.entries if entry.use != "list")

    @cached_property
    def folders(self) -> frozenset[str]:
        """The paths of folders that were listed; empty for the package's root."""
        return frozenset(entry.path for entry in self.entries if entry.use == "list")

    def encode(self) -> bytes:
        """The profile as JSON, an entry a line."""
        bare = msgspec.structs.replace(self, entries=())
        head = msgspec.json.format(msgspec.json.encode(bare), indent=1).decode()
        lines = ",\n  ".join(
            json.dumps([entry.path, entry.phase, entry.use], ensure_ascii=False)
            for entry in self.entries
        )
        opening, _, closing = head.rpartition("[]")
        entries = f"[\n  {lines}\n ]" if lines else "[]"
        return f"{opening}{entries}{closing}\n".encode()

    @classmethod
    def decode(cls, data: bytes, where: str) -> Profile:
        """The profile that :meth:`encode` wrote.

        :param where: what the data is called in an error.
        :raises WideloadError: it is no profile, or one of another version.
        """
        try:
            schema = msgspec.json.decode(data, type=_Versioned).schema
            if schema != PROFILE_SCHEMA:
                raise WideloadError(
                    f"{where} cannot be read",
                    why=f"it has schema {schema}, known is {PROFILE_SCHEMA}",
                    hint="run `wideload trace` to write it anew",
                )
            profile = msgspec.json.decode(data, type=cls)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise WideloadError(
                f"{where} is not a profile", why=str(error), hint="run `wideload trace` again"
            ) from error
        fault = profile._fault()
        if fault:
            raise WideloadError(
                f"{where} is not a profile", why=fault, hint="run `wideload trace` again"
            )
        return profile

    def outdated_by(self, target: Target, packages: Iterable[str]) -> tuple[str, ...]:
        """Why what was traced says nothing about a package; empty where it does.

        Other versions are other files. The architecture does not count: sub-packages are the
        same on both. Nor does a package that is gone.

        :param packages: ``name==version`` of all that is packed now.
        """
        reasons = []
        if target.runtime != self.target.runtime:
            reasons.append(f"the runtime was {self.target.runtime}, now it is {target.runtime}")
        traced = dict(package.split("==", 1) for package in self.packages)
        for package in sorted(packages):
            name, version = package.split("==", 1)
            if name not in traced:
                reasons.append(f"{package} was not there")
            elif traced[name] != version:
                reasons.append(f"{name} was {traced[name]}, now it is {version}")
        return tuple(reasons)

    def _fault(self) -> str:
        phases = {INIT, *(event.name for event in self.events)}
        seen: set[str] = set()
        for package in self.packages:
            if "==" not in package:
                return f"{package!r} is not name==version"
        for entry in self.entries:
            clean = is_clean_path(entry.path.removeprefix(LAYER_ROOT))
            if not clean and (entry.path or entry.use != "list"):
                return f"{entry.path!r} is not a path in a package"
            if entry.phase not in phases:
                return f"{entry.phase!r} is none of its events"
            if entry.path in seen:
                return f"{entry.path!r} stands twice"
            seen.add(entry.path)
        return ""


class PackageUse(msgspec.Struct, frozen=True):
    """How much of one distribution was used, in files and bytes unzipped."""

    name: str
    """Empty for the function's own files."""
    used_files: int
    """A module's source and its byte-code count both where one of them was used."""
    used_bytes: int
    kept_files: int
    """What the rule `traced` ships."""
    kept_bytes: int
    files: int
    bytes: int


class _Versioned(msgspec.Struct, frozen=True):
    schema: int
