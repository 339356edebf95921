"""What packages of npm's carry that nothing on Lambda reads, told by paths alone.

Few rules, since JavaScript finds files by any string: readmes and tests stay. All that goes is
in the ledger, and ``keep`` takes anything back.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import msgspec

from wideload.slim import ledger
from wideload.values.layout import lay
from wideload.values.slimmed import Slimmed
from wideload.values.target import Architecture
from wideload.values.tree import FileTree, WheelMember

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from wideload.values.proposal import Removal
    from wideload.values.resolution import Resolution
    from wideload.values.target import Target

TYPES, MAPS, FOREIGN = "npm-types/1", "npm-maps/1", "npm-foreign/1"

_ESTIMATED = (
    "what ships is an estimate until the first build: of packages of npm's the registry tells "
    "the size, not the files; nothing is slimmed in it. The build may find it smaller, and take a "
    "simpler way"
)
_TYPES = re.compile(r"\.d\.(?:[cm]?ts|[\w-]+\.ts)$|\.tsbuildinfo$|\.d\.[cm]?ts\.map$")
_MAPS = re.compile(r"\.(?:[cm]?js|css)\.map$")
_COMPILERS = re.compile(r"(?:^|/)(?:typescript|ts-node|ts-morph|@ts-morph/.*|@typescript/.*)$")
"""Whose code reads declarations while it runs."""
_MAPPERS = re.compile(r"(?:^|/)(?:@cspotcode/)?source-map-support$")
_SOURCE_MAPS = "--enable-source-maps"

_NATIVE = re.compile(r"\.(?:node|dll|dylib|exe|pdb|lib|so(?:\.\d+)*)$", re.IGNORECASE)
_NEVER_LINUX = re.compile(r"\.(?:dll|dylib|exe|pdb)$", re.IGNORECASE)
_PACKAGE = re.compile(r".*node_modules/(?:@[^/]+/)?[^/]+/")
_WORD = re.compile(r"[a-z0-9_]+")
_SYSTEMS = {
    **dict.fromkeys(("darwin", "macos", "osx"), "macOS"),
    **dict.fromkeys(("win32", "windows"), "Windows"),
    "android": "Android",
    "freebsd": "FreeBSD",
    **dict.fromkeys(("linuxmusl", "musl"), "Linux with musl"),
}
_MACHINES = {
    **dict.fromkeys(("x64", "x86_64", "amd64"), Architecture.X86_64.value),
    **dict.fromkeys(("arm64", "aarch64"), Architecture.ARM64.value),
    **dict.fromkeys(("ia32", "x86", "arm", "armv6", "armv7", "armv7l"), "32 bits"),
    **{name: name for name in ("ppc64", "ppc64le", "s390x", "riscv64", "loong64")},
}


class NpmOptions(msgspec.Struct, frozen=True):
    """What slimming may do."""

    rules: bool = True
    keep: tuple[str, ...] = ()
    """Shell patterns of paths that no rule touches."""
    environment: Mapping[str, str] = {}
    """The function's variables, which may ask for source maps."""


def slim_npm(resolution: Resolution, own: FileTree, options: NpmOptions) -> Slimmed:
    """The tree that ships of a function in Node.js, or of a ready program.

    :raises WideloadError: files of two sides do not fit into one folder.
    """
    tree = lay(resolution.wheels, own)
    notes = (_ESTIMATED,) if resolution.estimated else ()
    if not options.rules or resolution.estimated:
        return Slimmed(tree, notes=notes, exact=not resolution.estimated)
    names = [wheel.name for wheel in resolution.wheels]
    wanted = _wanted(names, options.environment)
    packages = {wheel.sha256: wheel.name for wheel in resolution.wheels}
    removals: list[Removal] = []
    gone: set[str] = set()
    for entry in tree:
        origin = entry.origin
        if not isinstance(origin, WheelMember):
            continue
        why = _why(entry.path, wanted, resolution.target)
        if why is None or any(fnmatchcase(entry.path, pattern) for pattern in options.keep):
            continue
        rule, reason = why
        gone.add(entry.path)
        removals.append(ledger.removed(entry, rule, reason, packages[origin.wheel]))
    kept = tree.where(lambda entry: entry.path not in gone)
    return Slimmed(kept, tuple(removals), notes=notes)


def _wanted(names: Sequence[str], environment: Mapping[str, str]) -> frozenset[str]:
    """Rules that do not hold for these packages."""
    found = set()
    if any(_COMPILERS.search(name) for name in names):
        found.add(TYPES)
    if _SOURCE_MAPS in environment.get("NODE_OPTIONS", "") or any(
        _MAPPERS.search(name) for name in names
    ):
        found.add(MAPS)
    return frozenset(found)


def _why(path: str, wanted: Collection[str], target: Target) -> tuple[str, str] | None:
    """The rule by which a file goes, and the reason; nothing for one that stays."""
    if TYPES not in wanted and _TYPES.search(path):
        return TYPES, "declares types, which only compilers and editors read"
    if MAPS not in wanted and _MAPS.search(path):
        return MAPS, f"a source map, which Node.js reads with {_SOURCE_MAPS} alone"
    if _NATIVE.search(path):
        system = _other_system(path, target)
        if system:
            return FOREIGN, "for another system or processor"
    return None


def _other_system(path: str, target: Target) -> str:
    """What a library is for by its path, where that is no system of the target's."""
    # Of the package's folders, not of its name: a package for another system is not installed.
    *folders, file = _PACKAGE.sub("", path).lower().split("/")
    words = [word for part in folders for word in _WORD.findall(part)]
    words += _WORD.findall(file.rpartition(".")[0])
    system = next((_SYSTEMS[word] for word in words if word in _SYSTEMS), "")
    if system:
        return system
    if _NEVER_LINUX.search(file):
        return "macOS" if file.endswith(".dylib") else "Windows"
    # `linux/arm64/x.node`, `prebuilds/linux-arm64/x.node`: only beside the word linux.
    if "linux" in words:
        machine = next((_MACHINES[word] for word in words if word in _MACHINES), "")
        if machine and machine != target.architecture.value:
            return f"Linux on {machine}"
    return ""
