"""The chosen proposal becomes a folder of artifacts with a manifest."""

from __future__ import annotations

import hashlib
import shutil
from typing import TYPE_CHECKING

import msgspec

from wideload.build.ahead import Ahead
from wideload.build.splice import splice
from wideload.cache import Stamp, write_atomically
from wideload.errors import WideloadError
from wideload.values.artifact import (
    BUNDLE_FILE,
    FUNCTION_ROLE,
    IMAGE_FOLDER,
    IMAGE_ROLE,
    LAYER_ROLE,
    MANIFEST_NAME,
    MANIFEST_SCHEMA,
    Artifact,
    Manifest,
    ManifestFile,
    ManifestWheel,
)
from wideload.values.function import Strategy
from wideload.values.mount import FILES_FILE, FILES_ROLE, FILLER_FILE, FILLER_ROLE
from wideload.values.tree import WheelMember

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from wideload.build.bootstrap import Bootstrap, Loading
    from wideload.build.image.engine import Taken
    from wideload.build.image.packing import Imaging, PackedImage
    from wideload.build.mount import Mounted
    from wideload.cache import Cache
    from wideload.values.function import Function
    from wideload.values.proposal import Proposal
    from wideload.values.resolution import Resolution, Wheel
    from wideload.values.slimmed import Slimmed
    from wideload.values.tree import FileTree

FUNCTION_ZIP = "function.zip"

_RECIPE_VERSION = 1


class _Made(msgspec.Struct, frozen=True, array_like=True):
    """What came of a recipe at a place."""

    version: int
    stamp: Stamp
    sha256: str
    files: tuple[ManifestFile, ...]


def _recipe(tree: FileTree) -> str:
    """Digest of all that the bytes of a package depend on."""
    digest = hashlib.sha256()
    for entry in tree:
        origin = entry.origin
        source = origin.sha256 if not isinstance(origin, WheelMember) else origin.wheel
        member = origin.name if isinstance(origin, WheelMember) else ""
        size = entry.compressed_size  # of a derived file's stream its own digest says nothing
        digest.update(f"{entry.path}\0{entry.mode:o}\0{source}\0{member}\0{size}\0".encode())
    return digest.hexdigest()


def _made_before(note: Path, package: Path) -> _Made | None:
    """What the package is, where the same recipe made it and nobody touched it since."""
    try:
        made = msgspec.msgpack.decode(note.read_bytes(), type=_Made)
        same = made.version == _RECIPE_VERSION and made.stamp == Stamp.of(package)
    except (FileNotFoundError, msgspec.MsgspecError):
        return None
    return made if same else None


class _Package(msgspec.Struct, frozen=True):
    """A zip to be made."""

    role: str
    filename: str
    tree: FileTree
    packages: tuple[str, ...] = ()


def build(
    function: Function,
    resolution: Resolution,
    slimmed: Slimmed,
    proposal: Proposal,
    paths: Mapping[str, Path],
    folder: Path,
    cache: Cache,
    ahead: Ahead | None = None,
    loading: Loading | None = None,
    imaging: Imaging | Taken | None = None,
) -> Manifest:
    """Write the artifacts of a proposal, then the manifest that makes them valid.

    :param paths: the fetched wheels by sha256.
    :param folder: of this function's build; what an older build left there is replaced.
    :param ahead: of the function's own package, started before the plan was made where that
        pays.
    :param loading: where the strategy has the function started by a loader.
    :param imaging: where the strategy is to make it an image.
    :raises WideloadError: something could not be read or written; the older build is whole.
    """
    packed = resolution.wheels
    wheels = {wheel.sha256: wheel for wheel in packed}
    started: Bootstrap | None = None
    mounted: Mounted | None = None
    if loading is not None and proposal.strategy is Strategy.S3_FILES:
        from wideload.build.mount import mount_s3_files  # noqa: PLC0415

        mounted = mount_s3_files(function, slimmed.tree, wheels, paths, cache, loading)
    elif loading is not None and proposal.strategy is Strategy.EFS:
        from wideload.build.mount import mount_efs  # noqa: PLC0415

        mounted = mount_efs(function, slimmed.tree, wheels, paths, folder, cache, loading)
    elif loading is not None:
        from wideload.build.bootstrap import bootstrap  # noqa: PLC0415

        started = bootstrap(function, slimmed.tree, wheels, paths, folder, cache, loading)
    if loading is not None:
        helper = loading.decompressor
        if helper is not None and helper.sha256 not in wheels:
            packed = (*packed, helper)
            wheels[helper.sha256] = helper
    packed_image: PackedImage | None = None
    artifacts: list[Artifact] = []
    files: list[ManifestFile] = []
    if imaging is not None:
        from wideload.build.image.engine import Taken  # noqa: PLC0415
        from wideload.build.image.packing import pack_image, take_image  # noqa: PLC0415

        if ahead is not None:
            ahead.stop()
        packed_image = (
            take_image(function, imaging, folder)
            if isinstance(imaging, Taken)
            else pack_image(function, slimmed.tree, wheels, paths, folder, cache, imaging)
        )
        artifacts.append(packed_image.artifact)
        files += packed_image.files
    for package in () if packed_image else _packages(slimmed, proposal, started, mounted):
        begun = ahead if package.role == FUNCTION_ROLE else None
        made = _make(package, wheels, paths, folder, cache, begun)
        artifacts.append(
            Artifact(
                role=package.role,
                filename=package.filename,
                sha256=made.sha256,
                size=package.tree.zipped_bytes,
                unzipped_bytes=package.tree.unzipped_bytes,
                packages=package.packages,
            )
        )
        files += [msgspec.structs.replace(file, artifact=package.role) for file in made.files]
    if started is not None:
        artifacts.append(started.artifact)
        files += started.files
    if mounted is not None and mounted.artifact is not None:
        artifacts.append(mounted.artifact)
        files += mounted.files
    by = {one.name: one.by for one in slimmed.provided}
    manifest = Manifest(
        schema=MANIFEST_SCHEMA,
        function=function.name,
        strategy=proposal.strategy,
        target=function.target,
        handler=function.handler,
        settings=function.settings,
        artifacts=tuple(artifacts),
        files=tuple(files),
        wheels=tuple(
            ManifestWheel(
                wheel.name, wheel.version, wheel.filename, wheel.sha256, by.get(wheel.name)
            )
            for wheel in packed
        ),
        removals=slimmed.removals,
        bundle=started.bundle if started else None,
        image=packed_image.image if packed_image else None,
        mount=mounted.directory if mounted else None,
    )
    text = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
    write_atomically(folder / MANIFEST_NAME, text + b"\n")
    _sweep(folder, manifest)
    return manifest


def _packages(
    slimmed: Slimmed, proposal: Proposal, started: Bootstrap | None, mounted: Mounted | None
) -> Iterator[_Package]:
    split = proposal.split
    tree = slimmed.tree if split is None else split.function
    if started is not None:
        tree = started.tree
    if mounted is not None:
        tree = mounted.tree
    yield _Package(FUNCTION_ROLE, FUNCTION_ZIP, tree, split.packages if split else ())
    for number, share in enumerate(split.layers if split else (), start=1):
        role = f"{LAYER_ROLE}{number}"
        yield _Package(role, f"{role}.zip", share.tree, share.packages)
    if mounted is not None and mounted.filler is not None:
        yield _Package(FILLER_ROLE, FILLER_FILE, mounted.filler)
    if mounted is not None and mounted.listed is not None:
        yield _Package(FILES_ROLE, FILES_FILE, mounted.listed)


def _make(
    package: _Package,
    wheels: Mapping[str, Wheel],
    paths: Mapping[str, Path],
    folder: Path,
    cache: Cache,
    ahead: Ahead | None,
) -> _Made:
    into = folder / package.filename
    recipe = _recipe(package.tree)
    note = cache.path("packages", hashlib.sha256(f"{recipe} {into}".encode()).hexdigest())
    made = _made_before(note, into)
    if made is not None:
        if ahead is not None:
            ahead.stop()
        return made
    sha256, files = splice(package.tree, wheels, paths, into, cache, ahead or Ahead(into, cache))
    made = _Made(_RECIPE_VERSION, Stamp.of(into), sha256, files)
    write_atomically(note, msgspec.msgpack.encode(made))
    return made


def _sweep(folder: Path, manifest: Manifest) -> None:
    """Take away what of an older build the new manifest does not name."""
    named = {artifact.filename for artifact in manifest.artifacts}
    if IMAGE_FOLDER not in named:
        shutil.rmtree(folder / IMAGE_FOLDER, ignore_errors=True)
    others = (BUNDLE_FILE, FUNCTION_ZIP, FILLER_FILE, FILES_FILE)
    for path in [*folder.glob(f"{LAYER_ROLE}*.zip"), *(folder / name for name in others)]:
        if path.name not in named:
            path.unlink(missing_ok=True)


def last_manifest(folder: Path) -> Manifest | None:
    """The manifest of the last build, if there is one that can be read."""
    try:
        return msgspec.json.decode((folder / MANIFEST_NAME).read_bytes(), type=Manifest)
    except (FileNotFoundError, msgspec.MsgspecError):
        return None


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a build, its artifacts being there.

    :raises WideloadError: nothing was built there, or it is not whole.
    """
    try:
        manifest = msgspec.json.decode((folder / MANIFEST_NAME).read_bytes(), type=Manifest)
    except FileNotFoundError:
        raise WideloadError(
            f"nothing is built in {folder.name}", hint="run `wideload build` first"
        ) from None
    except msgspec.MsgspecError as error:
        raise WideloadError(
            f"the manifest of {folder.name} cannot be read",
            why=str(error),
            hint="run `wideload build` again",
        ) from error
    for artifact in manifest.artifacts:
        path = folder / artifact.filename
        if artifact.role == IMAGE_ROLE:
            whole = (path / "blobs" / "sha256" / artifact.sha256).is_file()
        else:
            whole = path.is_file() and path.stat().st_size == artifact.size
        if not whole:
            raise WideloadError(
                f"the build of {manifest.function} is not whole",
                why=f"{artifact.filename} is missing or has another size than the manifest says",
                hint="run `wideload build` again",
            )
    return manifest
