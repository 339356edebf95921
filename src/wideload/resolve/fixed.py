"""Distributions that are there already, as uv is told of them.

uv gets a wheel without files of each, so that it need not be on the index (a layer may carry
what nobody else has, or a build of its maker's), and leaves it out of the lock.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from packaging.version import Version

from wideload.values.attached import Held

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


_EXTRA = re.compile(r"""\bextra\s*==\s*["']([^"']+)["']""")


class Fixed(msgspec.Struct, frozen=True):
    """What a resolution has to go by and need not find."""

    distributions: tuple[Held, ...]
    """Each name once, each with a version of PEP 440."""
    override: bool = False
    """Whether it counts more than what the requirements ask for."""

    def fingerprint(self, of_requirements: str) -> str:
        """Digest of what the requirements and this make of a lock; theirs if this is nothing."""
        if not self.distributions:
            return of_requirements
        told = [[one.name, one.version, one.requires] for one in sorted(self.distributions)]
        text = json.dumps([of_requirements, told, self.override])
        return hashlib.sha256(text.encode()).hexdigest()

    @contextlib.contextmanager
    def arguments(self) -> Iterator[list[str]]:
        """Options for ``uv pip compile``, good within the block."""
        if not self.distributions:
            yield []
            return
        with tempfile.TemporaryDirectory(prefix="wideload-") as folder:
            links = Path(folder) / "links"
            links.mkdir()
            for one in self.distributions:
                _write_wheel(one, links)
            pins = Path(folder) / "layers.txt"
            lines = [f"{one.name}=={one.version}\n" for one in self.distributions]
            pins.write_text("".join(lines), encoding="utf-8")
            option, variable = (
                ("--overrides", "UV_OVERRIDE")
                if self.override
                else ("--constraints", "UV_CONSTRAINT")
            )
            # An option takes the place of its variable, so what that says is repeated.
            found = os.environ.get("UV_FIND_LINKS", "").replace(",", " ").split()
            yield [
                *_each(option, [str(pins), *os.environ.get(variable, "").split()]),
                *_each("--find-links", [str(links), *found]),
                *_each("--no-emit-package", [one.name for one in self.distributions]),
            ]


def _each(option: str, values: Iterable[str]) -> Iterator[str]:
    for value in values:
        yield from (option, value)


def _write_wheel(held: Held, folder: Path) -> None:
    stem = f"{held.name.replace('-', '_')}-{Version(held.version)}"
    requires = "".join(f"Requires-Dist: {line}\n" for line in held.requires)
    # The user may ask for it with an extra, whose packages are then looked for.
    extras = sorted({extra for line in held.requires for extra in _EXTRA.findall(line)})
    requires += "".join(f"Provides-Extra: {extra}\n" for extra in extras)
    with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as archive:
        archive.writestr(
            f"{stem}.dist-info/METADATA",
            f"Metadata-Version: 2.1\nName: {held.name}\nVersion: {held.version}\n{requires}",
        )
        archive.writestr(
            f"{stem}.dist-info/WHEEL",
            "Wheel-Version: 1.0\nGenerator: wideload\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        archive.writestr(f"{stem}.dist-info/RECORD", "")
