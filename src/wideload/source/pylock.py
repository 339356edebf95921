"""pylock.toml (PEP 751)."""

from __future__ import annotations

import urllib.parse
from typing import TYPE_CHECKING, Any

import msgspec
from packaging.pylock import (
    Package,
    PackageArchive,
    PackageSdist,
    PackageWheel,
    Pylock,
    PylockUnsupportedVersionError,
    PylockValidationError,
)

from wideload.errors import WideloadError
from wideload.source.locks import (
    Selection,
    check_python,
    damaged,
    local_folder,
    only_selected,
    refused,
    sha256_of,
    unique,
)
from wideload.source.toml import read_toml, table
from wideload.values.function import LockedFile, LockedPackage, LockedRequirements

if TYPE_CHECKING:
    from pathlib import Path


def is_own_pylock(path: Path) -> bool:
    """Whether wideload itself wrote this pylock.toml from open requirements.

    Such a file says so in a table ``[tool.wideload]`` and is not a lock of the user's.
    """
    return "wideload" in table(read_toml(path), "tool")


def read_pylock(path: Path, selection: Selection) -> LockedRequirements:
    """What a pylock.toml locks for the target.

    All files of a package are given; which one loads is for others to choose.

    :raises WideloadError: it is unreadable, damaged, for other Pythons or systems, or locks
        a package at a place that is not taken.
    """
    packages = select_packages(path, read_toml(path), selection)
    return LockedRequirements(path=str(path), format="pylock", packages=packages)


def select_packages(
    path: Path, document: dict[str, Any], selection: Selection
) -> tuple[LockedPackage, ...]:
    """The packages of a pylock document that lies, or might, at this path.

    :raises WideloadError: as for :func:`read_pylock`.
    """
    lock = _parsed(path, document)
    selection.check_known(path, lock.dependency_groups or (), lock.extras or ())
    if lock.requires_python is not None:
        check_python(path, str(lock.requires_python), selection.target, "uv lock")
    environment: dict[str, Any] = {
        **selection.target.marker_environment(),
        "extras": frozenset(selection.extras),
        "dependency_groups": frozenset({*(lock.default_groups or ()), *selection.groups}),
    }
    if lock.environments and not any(
        marker.evaluate(environment, context="lock_file") for marker in lock.environments
    ):
        raise WideloadError(
            f"{path} is not for {selection.target.runtime} on {selection.target.architecture}",
            why=f"it is for {' or '.join(str(marker) for marker in lock.environments)}",
            hint="lock for Linux and this Python as well",
        )
    chosen = [
        package
        for package in lock.packages
        if package.marker is None or package.marker.evaluate(environment, context="lock_file")
    ]
    for package in chosen:
        if package.requires_python is not None:
            check_python(path, str(package.requires_python), selection.target, "uv lock")
    names: set[str] = {package.name for package in chosen}
    return unique((_package(path, package, names) for package in chosen), path)


def _parsed(path: Path, document: dict[str, Any]) -> Pylock:
    try:
        return Pylock.from_dict(document)
    except PylockUnsupportedVersionError as error:
        raise WideloadError(
            f"cannot read {path}", why=str(error), hint="lock with lock-version 1.0"
        ) from None
    except PylockValidationError as error:
        raise damaged(path, str(error)) from None


def _package(path: Path, package: Package, names: set[str]) -> LockedPackage:
    if package.vcs is not None:
        where = package.vcs.url or package.vcs.path
        raise refused(path, package.name, f"a {package.vcs.type} repository ({where})")
    requires = only_selected(
        (str(each["name"]) for each in package.dependencies or () if "name" in each), names
    )
    located = LockedPackage(
        name=package.name,
        version=str(package.version or ""),
        files=(),
        index=package.index or "",
        requires=requires,
    )
    if package.directory is not None:
        folder = local_folder(
            path, package.name, package.directory.path, package.directory.subdirectory or ""
        )
        return _with(located, directory=folder)
    if package.archive is not None:
        if package.archive.subdirectory:
            raise refused(path, package.name, "a subdirectory of an archive")
        return _with(located, files=(_file(path, package.archive),))
    files: list[PackageWheel | PackageSdist] = [*(package.wheels or ())]
    if package.sdist is not None:
        files.append(package.sdist)
    return _with(located, files=tuple(_file(path, file) for file in files))


def _with(package: LockedPackage, **changes: Any) -> LockedPackage:
    return msgspec.structs.replace(package, **changes)


def _file(path: Path, file: PackageWheel | PackageSdist | PackageArchive) -> LockedFile:
    url = file.url or file.path or ""
    if isinstance(file, PackageArchive):
        tail = urllib.parse.urlsplit(url).path if file.url else url
        filename = urllib.parse.unquote(tail.rpartition("/")[2])
    else:
        filename = file.filename
    return LockedFile(
        sha256=sha256_of(file.hashes, path, filename), filename=filename, url=url, size=file.size
    )
