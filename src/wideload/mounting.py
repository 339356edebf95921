"""Composes what a function needs that mounts its packages, from EFS or S3 Files."""

from __future__ import annotations

import contextlib
import hashlib
import io
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from wideload.cache import made_once
from wideload.values.artifact import BUNDLE_FILE
from wideload.values.environment import Mount
from wideload.values.function import Strategy
from wideload.values.mount import (
    FILES_FILE,
    FILLER_FILE,
    MOUNTED_HANDLER,
    TREE,
    MountEstimate,
    Vpc,
)
from wideload.values.target import Family

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from wideload.bench.measure import Contender
    from wideload.cache import Cache
    from wideload.prepared import Built, Prepared
    from wideload.values.bundle import BundleEstimate
    from wideload.values.environment import EnvironmentSpec
    from wideload.values.function import Function
    from wideload.values.instruction import InlineCode
    from wideload.values.proposal import Proposal
    from wideload.values.tree import FileTree

MOUNTED_MODULE = MOUNTED_HANDLER.rpartition(".")[0]
"""Importing it starts the function: all that is mounted can be imported then."""


def weigh(
    function: Function, bundle: BundleEstimate | None, tree: FileTree
) -> MountEstimate | None:
    """What the function would weigh; nothing where there is nothing to put into a directory.

    :param bundle: what it would weigh if it were started from a bundle: what that carries is what
        a directory holds, and archives of the modules besides.
    :param tree: all that ships.
    """
    from wideload.build.module_archives import ZIPPED, archived_bytes  # noqa: PLC0415

    if bundle is None:
        return None
    runtime = function.target.runtime
    python = function.target.family is Family.PYTHON
    mounts = function.settings.mounts
    archives = archived_bytes(tree)
    return MountEstimate(
        code_zipped=bundle.own_zipped,
        code_unzipped=bundle.own_unzipped,
        bundled=bundle.zipped + round(ZIPPED * archives),
        unzipped=bundle.unzipped + archives,
        files=bundle.files,
        efs_lacks=_lacks(function, Strategy.EFS, "efs_access_point", mounts.efs),
        s3_files_lacks=_lacks(
            function, Strategy.S3_FILES, "s3_files_access_point", mounts.s3_files
        ),
        unfit="" if python else f"functions in Python can; this one runs on {runtime}",
    )


def _lacks(function: Function, strategy: Strategy, key: str, access_point: str) -> tuple[str, ...]:
    """What is not configured. Who wants this very way is left to the deployment: it finds what it
    made before, makes what it is told to, or says what is missing."""
    if function.strategy is strategy:
        return ()
    vpc = function.settings.vpc
    keys = {"subnets": vpc.subnets, "security_groups": vpc.security_groups, key: access_point}
    return tuple(name for name, value in keys.items() if not value)


def filled(prepared: Prepared, proposal: Proposal) -> Prepared:
    """The function with its bundle as the proposed way wants it: a directory is filled with all
    of it, whatever a start would fetch."""
    if proposal.strategy is not Strategy.EFS:
        return prepared
    function = msgspec.structs.replace(prepared.function, bundle_start="all")
    return msgspec.structs.replace(prepared, function=function)


def mounted(spec: EnvironmentSpec, built: Built, cache: Cache) -> EnvironmentSpec:
    """What an environment is started from that has the build's directory mounted.

    :param spec: its task holds the function's zip.
    """
    from wideload.deploy.desired import mounted_environment  # noqa: PLC0415

    directory = built.manifest.mount
    if directory is None:
        raise AssertionError("the build mounts nothing")
    key = directory.name.replace("/", "-")

    def make(folder: Path) -> None:
        _fill(built, folder / directory.name)

    folder = made_once(cache.root / "mounted" / key, make)
    return msgspec.structs.replace(
        spec,
        handler=MOUNTED_HANDLER,
        mounts=(Mount(str(folder), directory.path, read_only=True),),
        environment=mounted_environment(built.manifest, directory),
    )


def _fill(built: Built, folder: Path) -> None:
    from wideload.build.bundle.format import Index  # noqa: PLC0415
    from wideload.build.bundle.loader_files import FOLDER  # noqa: PLC0415
    from wideload.build.bundle.unpacked import unpack_bundle  # noqa: PLC0415
    from wideload.sandbox.unpack import unpack  # noqa: PLC0415

    if built.manifest.strategy is Strategy.S3_FILES:
        unpack(built.folder / FILES_FILE, folder)
        return
    with zipfile.ZipFile(built.folder / FILLER_FILE) as filler:
        index = msgspec.json.decode(filler.read(f"{FOLDER}/index.json"), type=Index)
    unpack_bundle(built.folder / BUNDLE_FILE, index, folder / TREE)


def sweeper(cache: Cache) -> InlineCode:
    """The code of a function that removes mounted directories, as a zip in the cache."""
    from wideload.build.bundle.loader_files import FOLDER, Loader, loader_sources  # noqa: PLC0415
    from wideload.cache import write_atomically  # noqa: PLC0415
    from wideload.values.instruction import InlineCode  # noqa: PLC0415

    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in loader_sources(Loader.FILLING).items():
            entry = zipfile.ZipInfo(f"{FOLDER}/{name}")
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data)
    data = zipped.getvalue()
    sha256 = hashlib.sha256(data).hexdigest()
    path = cache.path("sweepers", sha256) / "sweeper.zip"
    if not path.is_file():
        write_atomically(path, data)
    return InlineCode(str(path), sha256, len(data))


def as_if_configured(prepared: Prepared) -> Prepared:
    """The function as if all was configured that it could mount: to see whether it works."""
    settings = prepared.function.settings
    there = "there"
    mounts = msgspec.structs.replace(settings.mounts, efs=there, s3_files=there)
    settings = msgspec.structs.replace(settings, vpc=Vpc((there,), (there,)), mounts=mounts)
    function = msgspec.structs.replace(prepared.function, settings=settings)
    return msgspec.structs.replace(prepared, function=function)


@contextlib.contextmanager
def slowed(contenders: Sequence[Contender], scratch: Path) -> Iterator[list[Contender]]:
    """While it lasts, what they mount is as far away as a file system of the network is.

    :param scratch: a folder to mount in.
    :raises WideloadError: one mounts something, and this machine has no FUSE.
    """
    from wideload.bench.slow_files import LATENCY_MS  # noqa: PLC0415
    from wideload.bench.slow_files import slowed as slow  # noqa: PLC0415

    ways: list[tuple[Path, Path]] = []
    far = []
    for one in contenders:
        mounts = []
        for mount in one.spec.mounts:
            at = scratch / f"mount-{len(ways)}"
            ways.append((Path(mount.folder), at))
            mounts.append(msgspec.structs.replace(mount, folder=str(at)))
        spec = msgspec.structs.replace(one.spec, mounts=tuple(mounts))
        far.append(msgspec.structs.replace(one, spec=spec))
    with slow(ways, LATENCY_MS):
        yield far
