"""Chooses by a profile what of a function's package is left out: the rule ``traced``."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from wideload.trace.files import checked, read_bytes
from wideload.trace.guarding import guard_files
from wideload.trace.keep import REASON, RULE, keep
from wideload.values.tree import FileTree, WheelMember
from wideload.values.unused import Unused

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from wideload.values.resolution import Wheel
    from wideload.values.target import Target

_WHY_GUARD = "says what was left out when something asks to import it"


@functools.cache
def _rule_digest() -> bytes:
    """Of this package's own sources: whatever is changed in the rule, nothing old is taken."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.digest()


class ByProfile:
    """Leaves out the sub-packages of which no traced event used a file.

    :param path: of the profile.
    :param wheels: all that the tree may have files of.
    :param patterns: of the key ``keep``.
    :raises WideloadError: there is no profile.
    """

    def __init__(
        self, path: Path, target: Target, wheels: Iterable[Wheel], patterns: Sequence[str]
    ) -> None:
        self._path = path
        self._data = read_bytes(path)
        self._target = target
        self._versions = {one.sha256: f"{one.name}=={one.version}" for one in wheels}
        self._patterns = tuple(patterns)

    @property
    def key(self) -> str:
        """Digest of the profile and of the rule's own code.

        The rest that it goes by, slimming goes by too.
        """
        return hashlib.sha256(_rule_digest() + self._data).hexdigest()

    def choose(self, tree: FileTree) -> Unused:
        """What the profile leaves out of a raw tree.

        :raises WideloadError: the profile cannot be read, or is of other packages.
        """
        packed = {one.origin.wheel for one in tree if isinstance(one.origin, WheelMember)}
        packages = [name for sha256, name in self._versions.items() if sha256 in packed]
        profile = checked(self._data, self._path, self._target, packages)
        kept = keep(tree, profile, self._patterns)
        return Unused(
            rule=RULE,
            reason=REASON,
            paths=frozenset(entry.path for entry in kept.dropped),
            files=guard_files(kept.gone),
            why_files=_WHY_GUARD,
        )
