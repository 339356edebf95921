"""Writes a bundle: frames in the order in which the import wants them, and their index."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from wideload.build.bundle.cold import cold_paths, with_data_below, with_metadata_alone
from wideload.build.bundle.content import Contents
from wideload.build.bundle.format import (
    COLD_FRAME,
    FORMAT,
    FORMAT_WITH_COLD,
    FORMAT_WITH_COMPRESSION,
    FRAME,
    Compression,
    Frame,
    Index,
    IndexedFile,
    blocks,
    digests,
)
from wideload.build.bundle.frames import Made, Maker, Recipe, cut
from wideload.build.bundle.imports import imported_names
from wideload.build.bundle.levels import LEVEL_OF_COLD, level_for
from wideload.build.bundle.order import arrange
from wideload.build.bundle.owners import Divided
from wideload.build.bundle.units import needs, units_of
from wideload.cache import Stamp, replacing, write_atomically
from wideload.errors import WideloadError
from wideload.values.bundle import BUNDLE_PART, Bundle
from wideload.values.tree import folders_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from wideload.cache import Cache
    from wideload.values.profile import Profile
    from wideload.values.resolution import Wheel

INDEXES = "bundle-indexes"
"""Kind of the indexes in the cache."""
_NOTES = "bundle-notes"
_VERSION = 1


class _Written(msgspec.Struct, frozen=True, array_like=True):
    version: int
    stamp: Stamp
    sha256: str


def write_bundle(
    divided: Divided,
    wheels: Mapping[str, Wheel],
    paths: Mapping[str, Path],
    handler: str,
    out: Path,
    cache: Cache,
    profile: Profile | None = None,
    progress: Callable[[int], None] = lambda _: None,
    frame: int = FRAME,
    unused: frozenset[str] | None = None,
) -> Bundle:
    """Write the bundle of a tree, whole or not at all.

    The same bytes for the same files and profile, on any machine. Frames are made once; a
    change of the user's small files makes no difference to any of them.

    :param wheels: by sha256, all that the tree's files came of.
    :param paths: where these wheels lie.
    :param handler: ``module.attribute``; what it imports comes first where there is no profile.
    :param out: the bundle; what lies there is replaced, or left where it is the same.
    :param profile: must not be outdated by the tree's packages.
    :param progress: told how many bytes of content are done, of `divided.bundled`'s
        `unzipped_bytes`.
    :param frame: bytes of content in a frame at most.
    :param unused: paths that no traced event used: what of them can be is cold. Nothing has
        all fetched at start.
    :raises WideloadError: something cannot be read or written, or nothing is to be bundled.
    """
    refuse_nothing(divided)
    owners = divided.owners
    units = units_of(divided.bundled)
    imported = imported_names(handler, divided.zipped)
    wanted = needs(owners, units, wheels)
    cold = frozenset[str]()
    if unused is not None:
        wanted = with_data_below(with_metadata_alone(wanted, units), units)
        cold = cold_paths(owners, units, wanted, unused)
    groups = arrange(divided.bundled.entries, owners, units, wheels, imported, profile, cold)
    hot = [recipe for group in groups if not group.is_cold for recipe in cut(group.entries, frame)]
    last = [
        msgspec.structs.replace(recipe, level=LEVEL_OF_COLD)
        for group in groups
        if group.is_cold
        for recipe in cut(group.entries, min(frame, COLD_FRAME))
    ]
    recipes = hot + last
    with Contents(wheels, paths, cache) as contents:
        level = level_for(divided.bundled.unzipped_bytes)
        laid = lay(recipes, Maker(contents, cache, level), progress)
    files = laid.files
    numbers = {unit: at for at, unit in enumerate(dict.fromkeys(units[f.path] for f in files))}
    frames_of = _frames_of_units(laid.frames, files, units)
    laid = msgspec.structs.replace(
        laid,
        files=tuple(
            msgspec.structs.replace(file, unit=numbers[units[file.path]]) for file in files
        ),
    )
    unit_frames = tuple(
        tuple(sorted({frame for each in wanted[unit] for frame in frames_of[each]}))
        for unit in numbers
    )
    first = tuple(sorted(_first(files, frames_of, owners, units, wanted)))
    cut_at = None if unused is None else len(hot)
    return conclude(divided, laid, unit_frames, first, out, cache, hot=cut_at)


def refuse_nothing(divided: Divided) -> None:
    """Stop where a tree has nothing for a bundle.

    :raises WideloadError: it has not.
    """
    if not divided.bundled.entries:
        raise WideloadError(
            "there is nothing to put into a bundle",
            why="the function has no packages and no large files",
            hint='leave strategy = "auto"',
        )


class Laid(msgspec.Struct, frozen=True):
    """Frames one after the other, as they will lie in the bundle."""

    frames: tuple[Frame, ...]
    files: tuple[IndexedFile, ...]
    digests: tuple[str, ...]
    """sha256 of each file."""
    paths: tuple[Path, ...]
    """Where each frame lies in the cache."""

    @property
    def size(self) -> int:
        """Bytes of the bundle."""
        return sum(frame.length for frame in self.frames)


def lay(recipes: Sequence[Recipe], maker: Maker, progress: Callable[[int], None]) -> Laid:
    """Make what frames lack, and lay all of them in a row. Every file is of unit 0.

    :raises WideloadError: as :meth:`Maker.make`.
    """
    made = _frames(recipes, maker, progress)
    frames, files, file_digests = _laid(recipes, [each for each, _ in made])
    return Laid(frames, tuple(files), tuple(file_digests), tuple(path for _, path in made))


def conclude(
    divided: Divided,
    laid: Laid,
    units: tuple[tuple[int, ...], ...],
    first: tuple[int, ...],
    out: Path,
    cache: Cache,
    compression: Compression | None = None,
    hot: int | None = None,
) -> Bundle:
    """Write the object, and its index into the cache.

    :param units: for each unit its frames.
    :param first: frames that the user's own modules want.
    :param compression: told by the index; nothing is format 1.
    :param hot: how many frames are fetched at start; nothing is all of them.
    :raises WideloadError: something cannot be written.
    """
    key = hashlib.sha256("".join(frame.sha256 for frame in laid.frames).encode()).hexdigest()
    sha256 = _write(out, key, laid.paths, laid.size, cache)
    folders = folders_of(entry.path for entry in divided.bundled)
    tmp_bytes = sum(blocks(entry.size) for entry in divided.bundled) + blocks(1) * len(folders)
    index = Index(
        format=_format(compression, hot),
        sha256=sha256,
        size=laid.size,
        part=BUNDLE_PART,
        tmp_bytes=tmp_bytes,
        frames=laid.frames,
        units=units,
        files=laid.files,
        own=divided.beside,
        first=first,
        digests=digests(list(laid.digests)),
        compression=compression,
        hot=hot,
    ).encode()
    digest = hashlib.sha256(index).hexdigest()
    kept = cache.path(INDEXES, digest)
    if cache.verified(INDEXES, digest) is None:
        write_atomically(kept, index)
    return Bundle(
        sha256=sha256,
        size=laid.size,
        files=len(laid.files),
        unzipped_bytes=divided.bundled.unzipped_bytes,
        tmp_bytes=tmp_bytes,
        frames=len(laid.frames),
        index=digest,
        index_bytes=len(index),
    )


def _format(compression: Compression | None, hot: int | None) -> int:
    if hot is not None:
        return FORMAT_WITH_COLD
    return FORMAT if compression is None else FORMAT_WITH_COMPRESSION


def _first(
    files: Sequence[IndexedFile],
    frames_of: Mapping[str, set[int]],
    owners: Mapping[str, str],
    units: Mapping[str, str],
    wanted: Mapping[str, frozenset[str]],
) -> set[int]:
    """Frames without which none of the user's own modules may run: his own data, what every
    module needs, and what Python reads of a folder before it imports from it."""
    found = {
        frame
        for file in files
        if not owners[file.path] or ("/" not in file.path and file.path.endswith(".pth"))
        for frame in frames_of[units[file.path]]
    }
    common = frozenset.intersection(*wanted.values()) if wanted else frozenset()
    return found | {frame for unit in common for frame in frames_of[unit]}


def _frames(
    recipes: Sequence[Recipe], maker: Maker, progress: Callable[[int], None]
) -> list[tuple[Made, Path]]:
    """The frames in their order, those that lack made on all processors."""
    found = [maker.find(recipe) for recipe in recipes]
    lacking = [recipe for recipe, one in zip(recipes, found, strict=True) if one is None]
    progress(
        sum(recipe.raw_length for recipe in recipes) - sum(recipe.raw_length for recipe in lacking)
    )
    # Compressing lets go of the interpreter's lock, so threads are as good as processes.
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        made = iter(list(pool.map(lambda recipe: maker.make(recipe, progress), lacking)))
    return [one or next(made) for one in found]


def _laid(
    recipes: Sequence[Recipe], made: Sequence[Made]
) -> tuple[tuple[Frame, ...], list[IndexedFile], list[str]]:
    frames, files, file_digests, at = [], [], [], 0
    for number, (recipe, each) in enumerate(zip(recipes, made, strict=True)):
        frames.append(Frame(at, each.length, each.sha256, each.raw_length, each.raw_sha256))
        at += each.length
        inside = 0
        for piece, sha256 in zip(recipe.pieces, each.digests, strict=True):
            entry = piece.entry
            if piece.start == 0:
                file = IndexedFile(entry.path, number, inside, entry.size, entry.mode, 0)
                files.append(file)
                file_digests.append(sha256)
            inside += piece.length
    return tuple(frames), files, file_digests


def _frames_of_units(
    frames: Sequence[Frame], files: Sequence[IndexedFile], units: Mapping[str, str]
) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for file in files:
        wanted = found.setdefault(units[file.path], set())
        frame, end = file.frame, file.offset + file.size
        wanted.add(frame)
        while end > frames[frame].raw_length:
            end -= frames[frame].raw_length
            frame += 1
            wanted.add(frame)
    return found


def _write(out: Path, key: str, paths: Sequence[Path], size: int, cache: Cache) -> str:
    """The frames one after the other; sha256 of the whole.

    :param key: digest of the frames' digests.
    """
    note = cache.path(_NOTES, hashlib.sha256(f"{key} {out}".encode()).hexdigest())
    try:
        written = msgspec.msgpack.decode(note.read_bytes(), type=_Written)
        if written.version == _VERSION and written.stamp == Stamp.of(out):
            return written.sha256
    except (FileNotFoundError, msgspec.MsgspecError):
        pass
    digest = hashlib.sha256()
    try:
        with replacing(out) as file:
            for path in paths:
                data = path.read_bytes()
                digest.update(data)
                file.write(data)
    except OSError as error:
        raise WideloadError(
            f"{out.name} could not be written",
            why=str(error),
            hint="free disk space, or make the folder writable",
        ) from error
    if out.stat().st_size != size:
        raise AssertionError(f"planned {size} bytes, wrote {out.stat().st_size}")
    made = _Written(_VERSION, Stamp.of(out), digest.hexdigest())
    write_atomically(note, msgspec.msgpack.encode(made))
    return made.sha256
