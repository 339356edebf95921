"""A function that mounts its packages: the zip with its own files, and what its directory is
filled from."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec

from wideload.build.bootstrap import account_of, loader_of
from wideload.build.bundle.divided import divided_for
from wideload.build.bundle.loader_files import FOLDER, TMP, Loader, derived_file, loader_modules
from wideload.build.bundle.writer import refuse_nothing, write_bundle
from wideload.build.module_archives import archived
from wideload.errors import WideloadError
from wideload.values.artifact import BUNDLE_FILE, BUNDLE_ROLE, Artifact, ManifestFile
from wideload.values.mount import TREE, Directory, directory_name
from wideload.values.target import Family
from wideload.values.tree import FileTree

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from wideload.build.bootstrap import Loading
    from wideload.build.bundle.owners import Divided
    from wideload.build.module_archives import Listed
    from wideload.cache import Cache
    from wideload.values.function import Function
    from wideload.values.resolution import Wheel


class Mounted(msgspec.Struct, frozen=True):
    """What came of it."""

    tree: FileTree
    """Of the function's zip."""
    directory: Directory
    filler: FileTree | None = None
    """Of the zip of the function that fills a directory of EFS."""
    listed: FileTree | None = None
    """The files of a directory of S3 Files."""
    artifact: Artifact | None = None
    """The bundle, written, that a directory of EFS is filled from."""
    files: tuple[ManifestFile, ...] = ()
    """Of the bundle."""


def mount_efs(
    function: Function,
    tree: FileTree,
    wheels: Mapping[str, Wheel],
    paths: Mapping[str, Path],
    folder: Path,
    cache: Cache,
    loading: Loading,
) -> Mounted:
    """Write the bundle that a directory of EFS is filled from, and say what the zips hold.

    The arguments are those of :func:`~wideload.build.bootstrap.bootstrap`.

    :raises WideloadError: as there.
    """
    wheels = {sha256: wheel for sha256, wheel in wheels.items() if sha256}
    divided, listed = _divided(function, tree, wheels, paths, cache)
    out = folder / BUNDLE_FILE
    bundle = write_bundle(
        divided, wheels, paths, function.handler, out, cache, loading.profile, loading.progress
    )
    name = directory_name(function.name, bundle.sha256)
    path = function.settings.mounts.path
    directory = Directory(path, name, f"{path}/{name}/{TREE}")
    return Mounted(
        tree=_zipped(function, divided, listed, directory, cache, loading),
        directory=directory,
        filler=loader_of(function, bundle, cache, loading, Loader.FILLING),
        artifact=Artifact(
            BUNDLE_ROLE, BUNDLE_FILE, bundle.sha256, bundle.size, bundle.unzipped_bytes
        ),
        files=account_of(divided.bundled, wheels, bundle, cache),
    )


def mount_s3_files(
    function: Function,
    tree: FileTree,
    wheels: Mapping[str, Wheel],
    paths: Mapping[str, Path],
    cache: Cache,
    loading: Loading,
) -> Mounted:
    """Say what the function's zip holds and what is to be uploaded.

    The arguments are those of :func:`~wideload.build.bootstrap.bootstrap`.

    :raises WideloadError: there is nothing to mount.
    """
    wheels = {sha256: wheel for sha256, wheel in wheels.items() if sha256}
    divided, listed = _divided(function, tree, wheels, paths, cache)
    name = directory_name(function.name, _digest(divided.bundled))
    path = function.settings.mounts.path
    directory = Directory(path, name, f"{path}/{name}")
    return Mounted(
        tree=_zipped(function, divided, listed, directory, cache, loading),
        directory=directory,
        listed=divided.bundled,
    )


def _divided(
    function: Function,
    tree: FileTree,
    wheels: Mapping[str, Wheel],
    paths: Mapping[str, Path],
    cache: Cache,
) -> tuple[Divided, Listed]:
    """What lies in the zip and what in the directory, and what the zip knows of the latter."""
    if function.target.family is not Family.PYTHON:
        raise WideloadError(
            f"{function.name} cannot mount its packages",
            why=f"functions in Python can; this one runs on {function.target.runtime}",
            hint='set strategy = "auto"',
        )
    divided = divided_for(function.target, tree, wheels)
    refuse_nothing(divided)
    return archived(divided, wheels, paths, function.target, cache)


def _zipped(
    function: Function,
    divided: Divided,
    listed: Listed,
    directory: Directory,
    cache: Cache,
    loading: Loading,
) -> FileTree:
    """The function's zip: its own files, and what has them find the mounted ones.

    Where files of the user's own lie in the directory, or in folders that hold some of both, what
    is to be laid beside those of the zip is linked.
    """
    shared = {_top(path) for path in divided.beside} - {""}
    linked = [
        entry.path
        for entry in (divided.bundled if divided.beside else ())
        if not divided.owners[entry.path] or _top(entry.path) in shared
    ]
    bundled = [entry.path for entry in divided.bundled]
    told = {
        "folder": TMP,
        "handler": function.handler,
        "search": directory.search,
        "own": list(divided.beside),
        "linked": linked,
        "pth": [path for path in bundled if "/" not in path and path.endswith(".pth")],
    }
    contents = {
        "function.json": msgspec.json.encode(told, order="sorted"),
        "modules.json": listed.encode(),
    }
    contents |= loader_modules(Loader.MOUNTED, function.target, loading.compiled, cache)
    files = [derived_file(f"{FOLDER}/{name}", data, cache) for name, data in contents.items()]
    try:
        return FileTree.of(files).beside(divided.zipped)
    except ValueError as error:
        raise WideloadError(
            f"the loader's folder {FOLDER} is the function's own as well",
            why=str(error),
            hint=f"rename the function's {FOLDER}",
        ) from error


def _top(path: str) -> str:
    folder, slash, _ = path.partition("/")
    return folder if slash else ""


def _digest(tree: FileTree) -> str:
    """Digest of what the files are made of."""
    digest = hashlib.sha256()
    for entry in tree:
        source = " ".join(entry.identity)
        digest.update(f"{entry.path}\0{entry.mode:o}\0{source}\0".encode())
    return digest.hexdigest()
