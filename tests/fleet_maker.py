"""Projects of several functions that ship by layers, of made wheels."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from wheel_maker import wheel

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from local_index import LocalIndex
    from wheel_maker import Made

HEAVY = ("alpha", "bravo", "charlie", "delta", "echo", "foxtrot")
LIGHT = "tiny"
NEEDS: dict[str, tuple[str, ...]] = {
    "one": ("alpha", "bravo"),
    "two": ("alpha", "bravo", "charlie"),
    # More than there may be layers.
    "three": HEAVY,
    "four": (*HEAVY[1:], "tiny"),
    "five": ("foxtrot",),
}
"""What the functions that ship by layers require, by name."""


def heavy(name: str, megabytes: float, version: str = "1.0") -> Made:
    """A wheel that is worth a layer: nothing of it can be compressed."""
    data = random.Random(f"{name} {version}").randbytes(int(megabytes * 1024 * 1024))
    files: dict[str, bytes | str] = {
        f"{name}/__init__.py": f"NAME = '{name} {version}'\n",
        f"{name}/data.bin": data,
    }
    return wheel(name, version, files=files)


def stock(index: LocalIndex) -> None:
    """All that `NEEDS` names."""
    for number, name in enumerate(HEAVY):
        index.add(heavy(name, 1.2 + number / 4))
    index.add(wheel(LIGHT))


def app(needs: Sequence[str]) -> str:
    """A handler that tells what it could import."""
    heavies = [name for name in needs if name in HEAVY]
    imports = "".join(f"import {name}\n" for name in heavies)
    names = ", ".join(f"{name}.NAME" for name in heavies)
    return f"{imports}\n\ndef handler(event, context):\n    return [{names}]\n"


def fleet(
    folder: Path,
    needs: Mapping[str, Sequence[str]] = NEEDS,
    *,
    more: str = 'strategy = "layers"',
    plain: str | None = "six",
) -> Path:
    """A project of these functions, and of one that ships as one zip."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["[defaults]", 'runtime = "python3.13"', 'handler = "app.handler"', ""]
    for name, wanted in needs.items():
        lines += [f"[functions.{name}]", f'source = "{name}"', more, ""]
        function(folder / name, wanted)
    if plain:
        lines += [f"[functions.{plain}]", f'source = "{plain}"', ""]
        function(folder / plain, (LIGHT,))
    (folder / "wideload.toml").write_text("\n".join(lines), encoding="utf-8")
    return folder


def function(folder: Path, needs: Sequence[str]) -> None:
    """A function's folder."""
    folder.mkdir()
    (folder / "app.py").write_text(app(needs), encoding="utf-8")
    (folder / "requirements.txt").write_text("\n".join(needs) + "\n", encoding="utf-8")
