"""A function's folder as a tree of files: listed, then measured.

Links that end inside the folder are followed and packed as what they point at, since a
Lambda zip holds files; those that leave it, dangle or run in circles stop. So does all that
is neither file nor folder, cannot be read, or has a name that a zip does not hold the same
everywhere. Names that differ only in case are two files, as they are on Lambda.
"""

from __future__ import annotations

import hashlib
import os
import stat
import zlib
from contextlib import suppress
from pathlib import Path

import deflate
import msgspec

from wideload.errors import WideloadError
from wideload.own_files import UNREAD, digest_of
from wideload.source.ignore import Rules
from wideload.values.packing import DEFLATE_LEVEL, is_deflatable, pack
from wideload.values.tree import FileEntry, FileTree, LocalFile, is_clean_path

UNREAD_FROM = 1 << 30
"""Bytes. A file of 12 GB takes half a minute to digest; what is smaller is read at once."""
# libdeflate does about 40 MB/s at this level, sha256 over 400: from here on a file under
# version control is worth remembering.
_WORTH_KEEPING = 1 << 20


class SourceFile(msgspec.Struct, frozen=True):
    """A regular file that is to be packed, not yet read."""

    path: str
    """In the function."""
    location: str
    """Absolute path on this machine, links resolved."""
    size: int
    executable: bool


def list_files(folder: Path, rules: Rules) -> list[SourceFile]:
    """The files of a folder that the rules leave, sorted by path. Nothing is read.

    :raises WideloadError: a link, a kind of file or a name that cannot be packed.
    """
    root = os.path.realpath(folder)
    return sorted(_walk(_Place(root, root, "", (root,)), rules, False), key=lambda f: f.path)


def measure(files: list[SourceFile], cache: Path | None = None) -> FileTree:
    """Read every file: its size, digests, and the size of its stream in a zip.

    One that is bigger than `UNREAD_FROM` is not read: no zip and no layer holds it, so where it
    is packed at all it is read then, by `wideload.own_files.read_whole`.

    :param cache: folder in which the streams' sizes of big files are kept by digest.
    :raises WideloadError: a file cannot be read.
    """
    return FileTree.of(_entry(file, cache) for file in files)


class _Place(msgspec.Struct, frozen=True):
    root: str
    location: str
    prefix: str
    above: tuple[str, ...]
    """Real paths of this folder and those it was reached through."""


def _walk(place: _Place, rules: Rules, left_out: bool) -> list[SourceFile]:
    try:
        with os.scandir(place.location) as entries:
            names = sorted(entry.name for entry in entries)
    except OSError as error:
        raise WideloadError(
            f"cannot read the folder {place.prefix or place.location}",
            why=error.strerror or str(error),
            hint="make it readable, or leave it out in .wideloadignore",
        ) from None
    files: list[SourceFile] = []
    if place.prefix and "pyvenv.cfg" in names:
        return files
    for name in names:
        path = place.prefix + name
        location = os.path.join(place.location, name)  # noqa: PTH118 - str, for speed
        if rules.never(path) or rules.never(path + "/"):
            continue
        is_link = os.path.islink(location)  # noqa: PTH114
        is_folder = os.path.isdir(location)  # noqa: PTH112
        matched = path + "/" if is_folder else path
        out = left_out or rules.leaves_out(matched)
        if out and not (rules.may_include if is_folder else rules.includes(path)):
            continue
        _check_name(path)
        real = _followed(path, location, place) if is_link else location
        if is_folder:
            below = _Place(place.root, real, path + "/", (*place.above, real))
            files += _walk(below, rules, out)
        else:
            files.append(_regular(path, real))
    return files


def _check_name(path: str) -> None:
    try:
        path.encode()
    except UnicodeEncodeError:
        raise WideloadError(
            f"the name of {os.fsencode(path)!r} is not UTF-8",
            why="names in a function's zip are UTF-8",
            hint="rename the file, or leave it out in .wideloadignore",
        ) from None
    if not is_clean_path(path):
        raise WideloadError(
            f"the name of {path!r} has a backslash",
            why="tools that unpack zips take it for a folder",
            hint="rename the file, or leave it out in .wideloadignore",
        )


def _followed(path: str, location: str, place: _Place) -> str:
    target = os.readlink(location)  # noqa: PTH115
    hint = "point it at a file of this folder, or leave it out in .wideloadignore"
    try:
        real = os.path.realpath(location, strict=True)
    except FileNotFoundError:
        why = f"{target} does not exist"
        raise WideloadError(f"the link {path} dangles", why=why, hint=hint) from None
    except OSError:
        why = f"following {target} comes back to it"
        raise WideloadError(f"the link {path} runs in a circle", why=why, hint=hint) from None
    if real != place.root and not real.startswith(place.root.rstrip("/") + "/"):
        raise WideloadError(
            f"the link {path} leaves the function's folder",
            why=f"it points at {target}, and Lambda has only what is in the folder",
            hint=hint.replace("point it at", "copy what it points at here, point it at"),
        )
    if real in place.above:
        why = f"it points at {target}, a folder that it lies in"
        raise WideloadError(f"the link {path} runs in a circle", why=why, hint=hint)
    return real


def _regular(path: str, location: str) -> SourceFile:
    try:
        status = os.stat(location)  # noqa: PTH116
    except OSError as error:
        raise _unreadable(path, error) from None
    if not stat.S_ISREG(status.st_mode):
        raise WideloadError(
            f"{path} is no regular file",
            why=f"it is a {_kind(status.st_mode)}, which a zip cannot hold",
            hint="remove it, or leave it out in .wideloadignore",
        )
    return SourceFile(path, location, status.st_size, bool(status.st_mode & stat.S_IXUSR))


def _kind(mode: int) -> str:
    if stat.S_ISSOCK(mode):
        return "socket"
    if stat.S_ISFIFO(mode):
        return "named pipe"
    return "device"


def _entry(file: SourceFile, cache: Path | None) -> FileEntry:
    try:
        if file.size >= UNREAD_FROM:
            # That it can be read is known all the same.
            Path(file.location).open("rb").close()
            size, crc32, sha256, data = file.size, 0, UNREAD, None
        else:
            size, crc32, sha256, data = _read(file)
    except OSError as error:
        raise _unreadable(file.path, error) from None
    packed = None if cache is None else _kept_size(cache, sha256, size)
    if packed is None:
        packed = size if data is None else len(pack(data)[0])
        if cache is not None and size >= _WORTH_KEEPING and data is not None:
            _keep_size(cache, sha256, packed)
    return FileEntry(
        path=file.path,
        size=size,
        compressed_size=packed,
        crc32=crc32,
        mode=0o755 if file.executable else 0o644,
        stored=packed == size,
        origin=LocalFile(file.location, sha256),
    )


def _read(file: SourceFile) -> tuple[int, int, str, bytes | None]:
    """Size, crc32, sha256, and the content where it is to be deflated."""
    if not is_deflatable(file.size):
        return *digest_of(file.location), None
    data = Path(file.location).read_bytes()
    return len(data), zlib.crc32(data), hashlib.sha256(data).hexdigest(), data


def _unreadable(path: str, error: OSError) -> WideloadError:
    return WideloadError(
        f"cannot read {path}",
        why=error.strerror or str(error),
        hint="make it readable, or leave it out in .wideloadignore",
    )


def _size_file(cache: Path, sha256: str) -> Path:
    name = f"{sha256}.deflate-{deflate.__version__}-{DEFLATE_LEVEL}"
    return cache / "packed-sizes" / sha256[:2] / name


def _kept_size(cache: Path, sha256: str, size: int) -> int | None:
    if size < _WORTH_KEEPING or not is_deflatable(size):
        return None
    try:
        text = _size_file(cache, sha256).read_text("ascii")
    except (OSError, UnicodeDecodeError):
        return None
    number = text.removesuffix("\n")
    if number == text or not number.isdecimal() or not 0 < int(number) <= size:
        return None
    return int(number)


def _keep_size(cache: Path, sha256: str, packed: int) -> None:
    # Only a shortcut: where it cannot be kept, the next run deflates again.
    path = _size_file(cache, sha256)
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        draft.write_text(f"{packed}\n", "ascii")
        draft.replace(path)
