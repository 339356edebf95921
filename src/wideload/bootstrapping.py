"""Composes what a function needs that is started from a bundle: to be weighed, built and run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from wideload.build.bundle_estimate import bundle_estimate
from wideload.cache import write_atomically
from wideload.errors import WideloadError
from wideload.prepared import pinned
from wideload.resolve.resolver import fetch_all, resolve
from wideload.values.bundle import BUNDLE_VARIABLE, LOADER_HANDLER, loader_handler
from wideload.values.resolution import Wheel
from wideload.values.target import Family
from wideload.values.tree import Derived, FileTree, WheelMember

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wideload.build.bootstrap import Loading
    from wideload.cache import Cache
    from wideload.deploy.cloud import Cloud
    from wideload.deploy.progress import Progress
    from wideload.resolve.http import Http
    from wideload.values.artifact import Manifest
    from wideload.values.bundle import BundleEstimate
    from wideload.values.environment import EnvironmentSpec
    from wideload.values.function import Function
    from wideload.values.profile import Profile
    from wideload.values.resolution import Resolution
    from wideload.values.slimmed import Slimmed
    from wideload.values.target import Target

LOADER_MODULE = LOADER_HANDLER.rpartition(".")[0]
"""Importing it starts the function: all its packages can be imported then."""


class Reach(msgspec.Struct, frozen=True):
    """Where the embedded AWS is, and who asks it."""

    endpoint: str
    credentials: dict[str, str]
    region: str
    account: str


def weigh(resolution: Resolution, slimmed: Slimmed) -> BundleEstimate | None:
    """What the function would weigh; nothing where there is nothing to put into a bundle."""
    from wideload.build.bundle.decompressor import decompressor_lock  # noqa: PLC0415

    wheels = {wheel.sha256: wheel for wheel in resolution.wheels if wheel.sha256}
    target = resolution.target
    has_zstd = target.family is not Family.PYTHON or decompressor_lock(target) is None
    return bundle_estimate(slimmed.tree, wheels, target, has_zstd=has_zstd)


def loading_of(
    function: Function,
    resolution: Resolution,
    slimmed: Slimmed,
    http: Http,
    cache: Cache,
    tell: Callable[[str], None],
) -> tuple[Loading, dict[str, Path]]:
    """What the bundle of a function needs besides it, and where the wheels lie that it brings.

    :raises WideloadError: the index has no zstd for the target, or what is to be fetched at start
        was not traced.
    """
    from wideload.build.bootstrap import Loading  # noqa: PLC0415

    if function.target.family is not Family.PYTHON:
        return Loading(None, None, None), {}
    profile: Profile | None
    unused = None
    if function.bundle_start == "traced":
        profile = _traced(function, resolution, slimmed)
        unused = unused_paths(slimmed.tree, resolution.wheels, profile, function.keep)
    else:
        profile = _profile(function, resolution, slimmed, tell)
    wheel, paths = decompressor(function.target, Path(function.root), http, cache)
    compiled = loading_without_bundle(function, cache, tell).compiled
    return Loading(wheel, compiled, profile, unused), paths


def loading_without_bundle(
    function: Function, cache: Cache, tell: Callable[[str], None]
) -> Loading:
    """What the loader of a function needs whose packages lie somewhere whole."""
    from wideload.build.bootstrap import Loading  # noqa: PLC0415

    def compiled(sources: Sequence[tuple[str, bytes]]) -> list[bytes]:
        return _compiled(sources, function.target, cache, tell)

    return Loading(None, compiled, None)


def _compiled(
    sources: Sequence[tuple[str, bytes]],
    target: Target,
    cache: Cache,
    tell: Callable[[str], None],
) -> list[bytes]:
    from wideload.build.bundle.loader_files import NotCompiled  # noqa: PLC0415
    from wideload.interpreters import find_interpreter  # noqa: PLC0415
    from wideload.slim.bytecode import Style, compile_all  # noqa: PLC0415

    try:
        python = find_interpreter(target.python_version, cache.root).executable
    except WideloadError as error:
        tell(f"note: {error.what}: the loader ships uncompiled")
        raise NotCompiled from error
    made = compile_all(sources, python, Style(columns=True))
    for (path, _), one in zip(sources, made, strict=True):
        if not one.data:
            raise WideloadError(f"{path} of the loader does not compile", why=one.reason)
    return [one.data for one in made]


def decompressor(
    target: Target, root: Path, http: Http, cache: Cache
) -> tuple[Wheel | None, dict[str, Path]]:
    """The wheel with zstd that a loader needs, and where it lies by its sha256; nothing for
    Pythons that have zstd. What was fetched once is known again without asking anybody.

    :param root: of the project, whose index serves it.
    :raises WideloadError: it cannot be had.
    """
    from wideload.build.bundle.decompressor import decompressor_lock  # noqa: PLC0415

    lock = decompressor_lock(target)
    if lock is None:
        return None, {}
    (package,) = lock.packages
    sha256 = package.files[0].sha256
    note = cache.path("decompressors", sha256, ".msgpack")
    there = cache.verified("wheels", sha256, ".whl")
    if there is not None:
        try:
            return msgspec.msgpack.decode(note.read_bytes(), type=Wheel), {sha256: there}
        except (FileNotFoundError, msgspec.MsgspecError):
            pass
    # Where the function's own packages are looked for, its index is.
    lock = msgspec.structs.replace(lock, path=str(root / "the loader"))
    try:
        (wheel,) = resolve(lock, target, http, cache).wheels
        paths = fetch_all([wheel], http, cache)
    except WideloadError as error:
        raise WideloadError(
            f"the loader needs {package.name} {package.version}, which cannot be had",
            why=f"{error.what}: {error.why}" if error.why else error.what,
            hint="let the index that is configured serve this one wheel, too; Python 3.14 "
            "and later do without it",
        ) from error
    write_atomically(note, msgspec.msgpack.encode(wheel))
    return wheel, paths


def _profile(
    function: Function,
    resolution: Resolution,
    slimmed: Slimmed,
    tell: Callable[[str], None],
) -> Profile | None:
    """What was traced, to put first what is wanted first; without it the imports are guessed."""
    from wideload.trace.files import profile_path, read_profile  # noqa: PLC0415

    path = profile_path(function)
    if not path.is_file():
        return None
    try:
        return read_profile(path, function.target, pinned(resolution, slimmed))
    except WideloadError as error:
        tell(f"note: {error.what}; the bundle's order is guessed: run `wideload trace` again")
        return None


def _traced(function: Function, resolution: Resolution, slimmed: Slimmed) -> Profile:
    """What was traced, without which nobody knows what is to be fetched at start."""
    from wideload.trace.files import profile_path, read_profile  # noqa: PLC0415

    packages = pinned(resolution, slimmed)
    try:
        return read_profile(profile_path(function), function.target, packages)
    except WideloadError as error:
        raise WideloadError(
            f'{function.name} has bundle_start = "traced": {error.what}',
            why=error.why,
            hint=error.hint,
        ) from error


def unused_paths(
    tree: FileTree, wheels: Sequence[Wheel], profile: Profile, patterns: Sequence[str]
) -> frozenset[str]:
    """What of a slimmed tree no traced event used, by whole sub-packages.

    :param patterns: of the key ``keep``.
    """
    from wideload.trace.keep import keep  # noqa: PLC0415

    members = {member.path: wheel.sha256 for wheel in wheels for member in wheel.members}
    # Whose a library is that slimming made anew is known by its path.
    named = FileTree.of(
        msgspec.structs.replace(entry, origin=WheelMember(members[entry.path], entry.path))
        if isinstance(entry.origin, Derived) and entry.path in members
        else entry
        for entry in tree
    )
    return frozenset(entry.path for entry in keep(named, profile, patterns).dropped)


def stored(
    manifest: Manifest, folder: Path, cloud: Cloud, progress: Progress | None = None
) -> dict[str, str]:
    """Bring the bundle of a build to where a deployment brings it.

    :return: the variable that tells the loader where it lies.
    """
    from wideload.deploy.bundles import location, store  # noqa: PLC0415

    store(manifest, folder, cloud, progress)
    return {BUNDLE_VARIABLE: location(manifest, cloud.identity()).variable()}


def started(spec: EnvironmentSpec, variables: dict[str, str], reach: Reach) -> EnvironmentSpec:
    """What an environment is started from that starts its function from a bundle.

    :param spec: its task holds the function's zip.
    :param variables: as :func:`stored` gives them.
    """
    return msgspec.structs.replace(
        spec,
        handler=loader_handler(spec.target, spec.handler),
        environment={**spec.environment, **variables},
        endpoint=reach.endpoint,
        credentials=reach.credentials,
        region=reach.region,
        account=reach.account,
    )
