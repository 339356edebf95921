"""From a package-lock.json to packages with their files, or with what they weigh.

A package of npm's is a tarball, which cannot be read in parts. What it holds is known once it was
installed; it is then kept as an archive, as a wheel is, by what the lock says of it. Before that
a plan has its size as the registry tells it.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec

from wideload.cache import write_atomically
from wideload.errors import WideloadError
from wideload.resolve.npm_archive import archive
from wideload.resolve.npm_install import installed
from wideload.resolve.npm_registry import weights
from wideload.resolve.wheels import WHEELS
from wideload.values.resolution import Member, Resolution, Wheel

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from wideload.cache import Cache
    from wideload.nodejs import Node
    from wideload.resolve.http import Http
    from wideload.resolve.npm_config import NpmConfig
    from wideload.values.function import NpmPackage, NpmRequirements
    from wideload.values.target import Target

_NOTES = "npm-packages"
_VERSION = 1
_LIBC = "glibc"
# What a zip spends on a file whose path is as long as they mostly are; and deflate for each file
# against gzip for all.
_PER_FILE = 200
_AGAINST_TARBALL = 1.03


class _Known(msgspec.Struct, frozen=True, array_like=True):
    """A package that was installed, as it is kept."""

    version: int
    sha256: str
    """Of the archive; empty where there is nothing of it to pack."""
    size: int
    members: tuple[Member, ...]


def resolve_npm(
    requirements: NpmRequirements, target: Target, config: NpmConfig, http: Http, cache: Cache
) -> Resolution:
    """The packages of a lock: with their files where all of them were installed before, else
    with their sizes as the registry tells them.

    :raises WideloadError: the registry cannot be reached, or does not have one of them.
    """
    known = {
        one.location: _recall(one, requirements, target, cache) for one in requirements.packages
    }
    found = {location: one for location, one in known.items() if one is not None}
    if len(found) == len(known):
        return _resolution(requirements, target, found)
    before = http.received
    lacking = [one for one in requirements.packages if one.location not in found]
    for package, weight in zip(lacking, weights(lacking, config, http, cache), strict=True):
        if package.optional and weight.libc and _LIBC not in weight.libc:
            found[package.location] = _Known(_VERSION, "", 0, ())
            continue
        zipped = round(weight.zipped * _AGAINST_TARBALL) + weight.files * _PER_FILE
        member = Member(
            "", f"{package.location}/package.json", weight.unzipped, zipped, 0, False, False
        )
        found[package.location] = _Known(_VERSION, _standing_for(package), weight.zipped, (member,))
    resolution = _resolution(requirements, target, found)
    return msgspec.structs.replace(
        resolution, downloaded_bytes=http.received - before, estimated=True
    )


def install_npm(
    requirements: NpmRequirements,
    target: Target,
    node: Callable[[], Node],
    cache: Cache,
    progress: Callable[[int], None] = lambda _: None,
) -> tuple[Resolution, dict[str, Path]]:
    """The packages of a lock with their files, and where their archives lie by sha256.

    npm is run where one of them is not at hand, and all that it installs is kept.

    :param node: finds the Node.js, with npm, that installs.
    :param progress: told the bytes of files of packages that are at hand.
    :raises WideloadError: npm is not there or fails, or does not install what the lock says.
    """
    packages = requirements.packages
    known = {one.location: _recall(one, requirements, target, cache) for one in packages}
    there = {location: one for location, one in known.items() if one is not None}
    progress(sum(_size(one) for one in there.values()))
    if len(there) < len(known):
        with installed(requirements, target, node(), cache.root) as tree:
            for package in packages:
                if package.location in there:
                    continue
                there[package.location] = _keep(tree.files(package), cache)
                note = cache.path(_NOTES, _key(package, requirements, target))
                write_atomically(note, msgspec.msgpack.encode(there[package.location]))
                progress(_size(there[package.location]))
    resolution = _resolution(requirements, target, there)
    return resolution, paths_of(resolution, cache)


def paths_of(resolution: Resolution, cache: Cache) -> dict[str, Path]:
    """Where the archives of an exact resolution lie, by sha256.

    :raises WideloadError: the cache lost one.
    """
    paths: dict[str, Path] = {}
    for wheel in resolution.wheels:
        path = cache.verified(WHEELS, wheel.sha256, ".whl")
        if path is None:
            raise WideloadError(
                f"{wheel.filename} is no longer in the cache",
                why="the cache was emptied, or damaged, while this ran",
                hint="run it again",
            )
        paths[wheel.sha256] = path
    return paths


def _size(known: _Known) -> int:
    return sum(member.size for member in known.members)


def _keep(files: Mapping[str, Path] | None, cache: Cache) -> _Known:
    if files is None:
        return _Known(_VERSION, "", 0, ())
    made = archive(files, cache)
    return _Known(_VERSION, made.sha256, made.size, made.members)


def _key(package: NpmPackage, requirements: NpmRequirements, target: Target) -> str:
    """Digest of all that an installed package depends on: what the lock says of it.

    Where install scripts are run they may do anything: then all of the lock counts.
    """
    words = [str(_VERSION), package.location, package.name, package.version, package.integrity]
    # What is bundled with a package lies in its folder, and may be locked by itself.
    inside = f"{package.location}/"
    words += [one.location for one in requirements.packages if one.location.startswith(inside)]
    if requirements.install_scripts:
        words += [target.runtime, target.architecture]
        words += [f"{one.location} {one.integrity}" for one in requirements.packages]
    return hashlib.sha256("\0".join(words).encode()).hexdigest()


def _recall(
    package: NpmPackage, requirements: NpmRequirements, target: Target, cache: Cache
) -> _Known | None:
    note = cache.path(_NOTES, _key(package, requirements, target))
    try:
        found = msgspec.msgpack.decode(note.read_bytes(), type=_Known)
    except (FileNotFoundError, msgspec.MsgspecError):
        return None
    if found.version != _VERSION:
        return None
    there = not found.sha256 or cache.verified(WHEELS, found.sha256, ".whl")
    return found if there else None


def _standing_for(package: NpmPackage) -> str:
    """What stands in a plan for the digest of an archive that is not there yet."""
    return hashlib.sha256(f"{package.location} {package.integrity}".encode()).hexdigest()


def _resolution(
    requirements: NpmRequirements, target: Target, known: Mapping[str, _Known]
) -> Resolution:
    labels = {one.location: one.label for one in requirements.packages}
    wheels = [
        Wheel(
            name=one.label,
            version=one.version,
            filename=f"{one.name}@{one.version}",
            url=one.resolved,
            sha256=known[one.location].sha256,
            size=known[one.location].size,
            members=known[one.location].members,
            requires=tuple(labels[each] for each in one.requires if each in labels),
            location=one.location,
        )
        for one in requirements.packages
        if known[one.location].sha256
    ]
    there = {wheel.name for wheel in wheels}
    return Resolution(
        target=target,
        wheels=tuple(
            sorted(
                (
                    msgspec.structs.replace(
                        wheel, requires=tuple(name for name in wheel.requires if name in there)
                    )
                    for wheel in wheels
                ),
                key=lambda wheel: wheel.name,
            )
        ),
        roots=tuple(sorted(labels[each] for each in requirements.roots if labels[each] in there)),
    )
