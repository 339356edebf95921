"""Reading the TOML files that people write, with a clear word where they cannot be read."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

from wideload.errors import WideloadError

if TYPE_CHECKING:
    from pathlib import Path


def read_text(path: Path) -> str:
    """The UTF-8 text of a file, without a byte order mark.

    :raises WideloadError: it is missing, unreadable or not UTF-8.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise WideloadError(
            f"cannot read {path}", why=error.strerror or str(error), hint="is the path right?"
        ) from None
    except UnicodeDecodeError as error:
        raise WideloadError(
            f"cannot read {path}",
            why=f"not UTF-8 at byte {error.start}",
            hint="save the file as UTF-8",
        ) from None


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file.

    :raises WideloadError: it is missing, unreadable, or no TOML.
    """
    text = read_text(path)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise WideloadError(
            f"{path} is not TOML", why=str(error), hint="mend the line that is named"
        ) from None


def table(document: dict[str, Any], *keys: str) -> dict[str, Any]:
    """The table below these keys; empty where it, or one above it, is not there."""
    found: Any = document
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}
