"""A function that is started from a bundle: the zip with the loader, and the bundle itself."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, assert_never

import msgspec

from wideload.build.bundle.divided import divided_for
from wideload.build.bundle.format import Index
from wideload.build.bundle.loader_files import FOLDER, Loader, loader_files
from wideload.build.bundle.node import node_loader_files, write_node_bundle
from wideload.build.bundle.provided import provided_loader_files, write_provided_bundle
from wideload.build.bundle.writer import INDEXES, write_bundle
from wideload.errors import WideloadError
from wideload.values.artifact import BUNDLE_FILE, BUNDLE_ROLE, Artifact, ManifestFile
from wideload.values.target import Family
from wideload.values.tree import Derived, FileTree, LocalFile, WheelMember

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from wideload.build.bundle.loader_files import Compile
    from wideload.cache import Cache
    from wideload.values.bundle import Bundle
    from wideload.values.function import Function
    from wideload.values.profile import Profile
    from wideload.values.resolution import Wheel
    from wideload.values.tree import FileEntry


class Loading(msgspec.Struct, frozen=True):
    """What a loader needs besides the function, and a bundle where there is one."""

    decompressor: Wheel | None
    """Brings zstd; nothing for Pythons that have it, and where there is no bundle."""
    compiled: Compile | None
    """Where it cannot, Lambda compiles the loader at each start."""
    profile: Profile | None
    """Of what the function uses, and in which order."""
    unused: frozenset[str] | None = None
    """Paths that no traced event used, to be fetched late; nothing has all fetched at start."""
    progress: Callable[[int], None] = lambda _: None
    """Told of bytes of content that are compressed."""


class Bootstrap(msgspec.Struct, frozen=True):
    """What came of it."""

    tree: FileTree
    """Of the function's zip."""
    bundle: Bundle
    artifact: Artifact
    """The bundle, written."""
    files: tuple[ManifestFile, ...]
    """Of the bundle."""


def bootstrap(
    function: Function,
    tree: FileTree,
    wheels: Mapping[str, Wheel],
    paths: Mapping[str, Path],
    folder: Path,
    cache: Cache,
    loading: Loading,
) -> Bootstrap:
    """Write the bundle of a function, and say what its zip holds.

    :param wheels: by sha256, all that the tree's files came of.
    :param paths: where they lie.
    :param folder: of the build.
    :raises WideloadError: something cannot be read or written, there is nothing to bundle, or
        the function has a folder of the loader's name.
    """
    # What an attached layer carries has no wheel.
    wheels = {sha256: wheel for sha256, wheel in wheels.items() if sha256}
    target, handler, out = function.target, function.handler, folder / BUNDLE_FILE
    divided = divided_for(target, tree, wheels)
    match target.family:
        case Family.PYTHON:
            bundle = write_bundle(
                divided,
                wheels,
                paths,
                handler,
                out,
                cache,
                loading.profile,
                loading.progress,
                unused=loading.unused,
            )
            files = loader_of(function, bundle, cache, loading)
        case Family.NODE:
            bundle = write_node_bundle(divided, wheels, paths, target, out, cache, loading.progress)
            files = node_loader_files(bundle, handler, cache)
        case Family.PROVIDED:
            bundle = write_provided_bundle(divided, out, cache, loading.progress)
            files = provided_loader_files(bundle, target, cache)
        case _:
            assert_never(target.family)
    try:
        zipped = files.beside(divided.zipped)
    except ValueError as error:
        raise WideloadError(
            f"the loader's folder {FOLDER} is the function's own as well",
            why=str(error),
            hint=f"rename the function's {FOLDER}",
        ) from error
    artifact = Artifact(BUNDLE_ROLE, BUNDLE_FILE, bundle.sha256, bundle.size, bundle.unzipped_bytes)
    return Bootstrap(zipped, bundle, artifact, account_of(divided.bundled, wheels, bundle, cache))


def loader_of(
    function: Function,
    bundle: Bundle,
    cache: Cache,
    loading: Loading,
    loader: Loader = Loader.STARTING,
) -> FileTree:
    """The loader for Python with the bundle's index, compiled where that can be.

    :raises WideloadError: the cache lost the index.
    """
    return loader_files(
        bundle,
        function.handler,
        function.target,
        loading.decompressor,
        loading.compiled,
        cache,
        loader=loader,
    )


def account_of(
    tree: FileTree, wheels: Mapping[str, Wheel], bundle: Bundle, cache: Cache
) -> tuple[ManifestFile, ...]:
    """The bundle's files with their digests, which the index has."""
    index = msgspec.json.decode(cache.path(INDEXES, bundle.index).read_bytes(), type=Index)
    digests = base64.b64decode(index.digests).hex()
    sha256 = {
        file.path: digests[64 * number : 64 * number + 64]
        for number, file in enumerate(index.files)
    }
    return tuple(
        ManifestFile(
            entry.path, entry.size, sha256[entry.path], _origin(entry, wheels), BUNDLE_ROLE
        )
        for entry in tree
    )


def _origin(entry: FileEntry, wheels: Mapping[str, Wheel]) -> str:
    match entry.origin:
        case WheelMember(wheel, _):
            return wheels[wheel].filename
        case Derived(_, maker, wheel):
            return f"{wheels[wheel].filename} by {maker}" if wheel else maker
        case LocalFile():
            return "source"
