"""requirements.txt: left to uv, but for the files that it is made of."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from wideload.errors import WideloadError
from wideload.source.requirement_names import names_of
from wideload.source.toml import read_text

if TYPE_CHECKING:
    from pathlib import Path

_INCLUDE = re.compile(
    r"(?P<option>-r|-c|--requirement|--constraint)(?:\s*=\s*|\s+|(?<=-[rc]))(?P<path>\S.*)"
)
_COMMENT = re.compile(r"(^|\s)#.*")
_OPTIONS = re.compile(r"\s--?[a-z].*")


class RequirementsFile(msgspec.Struct, frozen=True):
    """A requirements.txt with all that it draws in."""

    files: tuple[str, ...]
    """Absolute paths of itself and of the files after -r and -c; none twice."""
    names: frozenset[str]
    """Normalised names that it asks for, where a line gives one."""


def read_requirements_txt(path: Path) -> RequirementsFile:
    """Check that a requirements.txt and every file that it draws in can be read.

    :raises WideloadError: one of them is missing or unreadable.
    """
    files: dict[str, None] = {}
    names: set[str] = set()
    _read(path, files, names, asks=True)
    return RequirementsFile(tuple(files), frozenset(names))


def _read(path: Path, files: dict[str, None], names: set[str], *, asks: bool) -> None:
    files[str(path)] = None
    for line in _lines(read_text(path)):
        included = _INCLUDE.fullmatch(line)
        if included is None:
            if asks and not line.startswith("-"):
                names |= names_of([_OPTIONS.sub("", line)])
            continue
        place = included["path"].strip("\"'")
        # uv fetches addresses and expands variables itself.
        if "://" in place or "${" in place:
            continue
        target = (path.parent / place).resolve()
        if not target.is_file():
            raise WideloadError(
                f"{path} draws in a file that is not there",
                why=f"{line} is {target}",
                hint="mend the path: it is relative to the file that the line is in",
            )
        if str(target) not in files:
            is_constraint = included["option"] in ("-c", "--constraint")
            _read(target, files, names, asks=asks and not is_constraint)


def _lines(text: str) -> list[str]:
    joined = re.sub(r"\\\r?\n", "", text)
    lines = (_COMMENT.sub("", line).strip() for line in joined.splitlines())
    return [line for line in lines if line]
