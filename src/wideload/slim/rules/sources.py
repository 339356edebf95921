"""The rule `sources`: stubs and what compilers read, where no code that ships names them."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from wideload.slim.compilers import why_compiles
from wideload.slim.kinds import BUILD_FILES, SOURCE_ENDINGS, STUB_ENDING
from wideload.slim.rules.rule import Drop, Risk, Rule, Subject

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_ONLY_BUILDS = frozenset({"numpy"})
"""Distributions that compose names of sources only to call a compiler: f2py does. What they
name in full stays, since `numpy.f2py.get_include` tells where it lies."""
_PLACEHOLDERS = frozenset("{*+%")


def composed_endings(files: Iterable[str]) -> frozenset[str]:
    """Endings of which code speaks: ``".h"``, ``"*.pyx"``, ``"{name}.c"``.

    :param files: names in its strings, as `Survey.files`.
    """
    found = set()
    for text in files:
        head, dot, ending = text.partition(".")
        if dot and (not head or not _PLACEHOLDERS.isdisjoint(head)):
            found.add(f".{ending}")
    return frozenset(found)


def _find(subject: Subject) -> Iterator[Drop]:
    if why_compiles(subject.name):
        return
    stubbed = {f"{posixpath.splitext(path)[0]}{STUB_ENDING}" for path in subject.survey.stubs}
    # Of which this wheel's own code speaks.
    of_own = () if subject.name in _ONLY_BUILDS else subject.survey.files
    composed = composed_endings(of_own)
    for path in subject.paths:
        name = posixpath.basename(path)
        if path in stubbed or name in subject.asked.files:
            continue
        if name.endswith(STUB_ENDING):
            if STUB_ENDING not in composed:
                yield Drop(path, "type stubs are for checkers and editors")
        elif name in BUILD_FILES:
            yield Drop(path, "is for building the package")
        elif not subject.asked.compiler:
            ending = next((end for end in SOURCE_ENDINGS if name.endswith(end)), None)
            if ending and len(name) > len(ending) and ending not in composed:
                yield Drop(path, f"{ending} files are for compilers, and Lambda has none")


RULE = Rule("sources/3", Risk.CHECKED, "type stubs, and sources for compilers", _find)
