"""The rule `docs`: documentation, examples and benchmarks that no code asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wideload.slim.kinds import DOC_FOLDERS
from wideload.slim.rules.rule import Drop, Risk, Rule, Subject

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# Where wheels' data folders lay manual pages and the like, below the root.
_SHARED = ("share/man/", "share/doc/", "share/info/", "man/man")
_NEVER = frozenset({"tensorflow", "gradio", "streamlit", "nltk", "boto3", "botocore"})
"""Distributions in which these names mean something else, or that compose such paths."""


def candidates(paths: Sequence[str], name: str = "") -> dict[str, str]:
    """Paths that look like documentation, with the folder that makes them look so.

    Only at the top of a package or of the wheel itself: deeper ones are more often code.
    """
    found: dict[str, str] = {}
    for path in paths:
        parts = path.split("/")
        if path.startswith(_SHARED):
            found[path] = "/".join(parts[:2]) + "/"
        elif name not in _NEVER:
            for depth in (0, 1):
                if len(parts) > depth + 1 and parts[depth] in DOC_FOLDERS:
                    found[path] = "/".join(parts[: depth + 1]) + "/"
                    break
    return found


def _find(subject: Subject) -> Iterator[Drop]:
    for path, folder in candidates(subject.paths, subject.name).items():
        if path not in subject.asked.needed:
            yield Drop(path, f"{folder} is documentation that no code that ships asks for")


RULE = Rule("docs/1", Risk.CHECKED, "documentation, examples and benchmarks", _find)
