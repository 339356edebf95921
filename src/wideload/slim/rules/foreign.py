"""The rule `foreign`: programs and libraries for Windows and macOS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wideload.slim.rules.rule import Drop, Risk, Rule, Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

_RUNS_DOT_NET = ("pythonnet", "clr-loader", "dotnet")
"""On Linux, too, a .dll is a library where .NET is run."""


def _find(subject: Subject) -> Iterator[Drop]:
    dot_net = subject.name.startswith(_RUNS_DOT_NET)
    for path in subject.survey.foreign:
        ending = path.rpartition(".")[2].lower()
        if ending == "dll" and (dot_net or _has_managed_code(subject)):
            continue
        system = "macOS" if ending == "dylib" else "Windows"
        yield Drop(path, f"is for {system}")


def _has_managed_code(subject: Subject) -> bool:
    return any(path.endswith((".runtimeconfig.json", ".deps.json")) for path in subject.paths)


RULE = Rule("foreign/1", Risk.CHECKED, "programs and libraries for other systems", _find)
