"""What of a bundle has to be there before a module of it may run: whole sub-packages.

A *unit* is the files of one importable folder (an ``__init__`` and all beside and below it
that is not in another such folder), with their data. A folder with no code in it, only data
beside an empty ``__init__``, belongs to the package that it lies in. A module that lies at the
root is a unit by itself. What lies outside of any package (metadata, folders of shared
libraries, scripts) makes units by its topmost folder.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wideload.build.bundle.owners import source_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wideload.values.resolution import Wheel
    from wideload.values.tree import FileEntry

METADATA = re.compile(r"[^/]+\.(?:dist|egg)-info/.*")
_INIT = re.compile(r"__init__\.(?:py|(?:[\w-]+\.)*so)")
_LIBRARY = re.compile(r"(?:.*/)?lib[^/]*\.so(?:\.[^/]*)?|[^/]+\.libs/.*")
_MODULE = re.compile(r"[^\W\d]\w*\.(?:py|(?:[\w-]+\.)*so)")
_PTH = re.compile(r"[^/]+\.pth")
_EMPTY_BYTECODE = 256
"""Bytes of a compiled module below which it holds no more than its file's name."""


def units_of(entries: Iterable[FileEntry]) -> dict[str, str]:
    """The unit of each path, by a name that is unique."""
    entries = tuple(entries)
    packages, with_code = set(), set()
    for entry in entries:
        folder, _, name = source_of(entry.path).rpartition("/")
        is_init = _INIT.fullmatch(name) is not None
        if folder and is_init:
            packages.add(folder)
        if _MODULE.fullmatch(name) and not (is_init and _is_empty(entry)):
            while folder and folder not in with_code:
                with_code.add(folder)
                folder = folder.rpartition("/")[0]
    packages &= with_code
    return {entry.path: _unit(entry.path, packages) for entry in entries}


def _is_empty(entry: FileEntry) -> bool:
    limit = _EMPTY_BYTECODE if entry.path.endswith(".pyc") else 1
    return entry.size < limit


def _unit(path: str, packages: set[str]) -> str:
    folder, _, name = source_of(path).rpartition("/")
    if not folder:
        # `name` and `name.py` and `name.abi3.so` are imported by the same name.
        return f"./{name if _PTH.fullmatch(name) else name.split('.')[0]}"
    at = folder
    while at:
        if at in packages:
            return at
        at = at.rpartition("/")[0]
    # A namespace package has folders of several distributions below it.
    parts = folder.split("/")
    inside = any(package.startswith(f"{parts[0]}/") for package in packages)
    return folder if inside else parts[0]


def needs(
    owners: Mapping[str, str], units: Mapping[str, str], wheels: Mapping[str, Wheel]
) -> dict[str, frozenset[str]]:
    """For each unit those that must be there as well before a module of it runs.

    All metadata, since any module may ask for any distribution's version; and where its
    distribution, or one that this requires, has shared libraries, the units that these lie
    in: a library is found by its path, and nobody imports it.

    :param owners: sha256 of the wheel that each path is of.
    """
    always = {units[path] for path in owners if METADATA.fullmatch(path)}
    libraries: dict[str, set[str]] = {}
    for path, wheel in owners.items():
        if wheel and _LIBRARY.fullmatch(path):
            libraries.setdefault(wheel, set()).add(units[path])
    closures = _closures(wheels)
    found: dict[str, set[str]] = {}
    for path, wheel in owners.items():
        unit = units[path]
        wanted = found.setdefault(unit, {unit, *always})
        for each in closures.get(wheel, ()):
            wanted |= libraries.get(each, set())
    return {unit: frozenset(wanted) for unit, wanted in found.items()}


def _closures(wheels: Mapping[str, Wheel]) -> dict[str, frozenset[str]]:
    """For each wheel, by sha256, itself and all that it requires."""
    by_name = {wheel.name: wheel for wheel in wheels.values()}
    direct = {
        wheel.sha256: [by_name[name].sha256 for name in wheel.required_names if name in by_name]
        for wheel in wheels.values()
    }
    closures = {}
    for start in direct:
        seen, queue = {start}, [start]
        while queue:
            for each in direct[queue.pop()]:
                if each not in seen:
                    seen.add(each)
                    queue.append(each)
        closures[start] = frozenset(seen)
    return closures
