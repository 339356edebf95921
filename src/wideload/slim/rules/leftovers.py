"""The rule `leftovers`: what installers and builders leave beside a package."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wideload.slim.rules.rule import Drop, Risk, Rule, Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

_INSTALLERS = frozenset({"INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json"})
_SIGNATURES = frozenset({"RECORD.jws", "RECORD.p7s"})
_BUILDERS = frozenset({"dependency_links.txt", "zip-safe", "not-zip-safe", "SOURCES.txt"})
_SBOMS = "sboms"


def _reason(path: str) -> str:
    folder, _, rest = path.partition("/")
    if not folder.endswith(".dist-info"):
        return ""
    if rest in _INSTALLERS:
        return "tells how the package was installed"
    if rest in _SIGNATURES:
        return "signs a list of files that is not what is shipped"
    if rest in _BUILDERS:
        return "is for building the package"
    if rest.startswith(f"{_SBOMS}/"):
        return "is a bill of materials, for scanners of the wheel"
    return ""


def _find(subject: Subject) -> Iterator[Drop]:
    # What importlib.metadata, entry points and licences need is never touched: METADATA,
    # WHEEL, RECORD, entry_points.txt, top_level.txt, namespace_packages.txt, all else.
    for path in subject.paths:
        reason = _reason(path)
        if reason:
            yield Drop(path, reason)


RULE = Rule("leftovers/1", Risk.SAFE, "what installers and builders leave behind", _find)
