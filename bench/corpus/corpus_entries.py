"""The list of packages, and how each is put to use."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path

import msgspec

FOLDER = Path(__file__).resolve().parent
FUNCTION = FOLDER / "function"
USES = FOLDER / "uses"


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One package of the corpus."""

    name: str
    field: str
    """What it is for, in a word."""
    requires: tuple[str, ...] = ()
    """Requirements, where they are more than the name."""
    memory: int = 4096
    """MB that its use and the import of all its modules may take."""
    skip: dict[str, str] = {}
    """Modules that are not imported, as they do something that lasts, and what."""
    environment: dict[str, str] = {}
    arm64: str = ""
    """Why it is not looked at for arm64."""

    @property
    def use(self) -> Path:
        """The file that puts it to use."""
        return USES / f"{self.name.replace('-', '_')}.py"

    @property
    def requirements(self) -> tuple[str, ...]:
        """As a requirements.txt names them."""
        return self.requires or (self.name,)

    @property
    def digest(self) -> str:
        """Of all that is run here but the package itself."""
        said = msgspec.json.encode((self.requirements, self.memory, self.skip, self.environment))
        parts = [said, self.use.read_bytes(), (FUNCTION / "app.py").read_bytes()]
        return hashlib.sha256(b"\0".join(parts)).hexdigest()


def read_entries() -> tuple[Entry, ...]:
    """All of them, by name.

    :raises msgspec.ValidationError: the list is not as it must be.
    """
    table = tomllib.loads((FOLDER / "packages.toml").read_text(encoding="utf-8"))
    rows = ({"name": name, **fields} for name, fields in table.items())
    return tuple(sorted((msgspec.convert(row, Entry) for row in rows), key=lambda one: one.name))
