"""A container image's layers become the folder that a function sees as its root.

Each layer is unpacked once, into a folder of its own; a root is made of links to the files of its
layers. So images that differ in a small layer differ on the disk in no more than that.
"""

from __future__ import annotations

import gzip
import os
import shutil
import stat
import tarfile
import zlib
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

import msgspec

from wideload.cache import made_once
from wideload.errors import WideloadError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from wideload.values.image import Descriptor

_FILES, _NOTE = "files", "layer.json"
_BLOCK = 1 << 20
_MOST_LINKS = 40
# https://github.com/opencontainers/image-spec/blob/v1.0.2/layer.md#whiteouts
_GONE, _OPAQUE = ".wh.", ".wh..wh..opq"
# What every container is given, whether its image has it or not.
_FOLDERS = ("proc", "dev", "tmp", "mnt", "opt", "etc", "sys/devices/system/cpu")
_EMPTY_FILES = ("etc/hosts", "etc/resolv.conf")
_DAMAGE = (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, UnicodeError)


class TooBig(Exception):
    """The layers take more than they may."""


class _Layer(msgspec.Struct, frozen=True):
    """What a layer is besides its files."""

    tar_bytes: int
    gone: tuple[str, ...]
    """Paths of lower layers that it hides."""
    opaque: tuple[str, ...]
    """Folders of whose content in lower layers it hides all."""


class Roots:
    """Roots of images below a folder, each under its image's digest."""

    def __init__(self, folder: Path) -> None:
        self._roots = folder / "roots"
        self._layers = folder / "layers"

    def find(self, image: Descriptor) -> Path | None:
        """The root of an image, if it was made."""
        root = self._roots / image.sha256
        return root if root.is_dir() else None

    def make(
        self,
        image: Descriptor,
        layers: Sequence[Descriptor],
        opened: Callable[[Descriptor], IO[bytes]],
        most: int,
    ) -> Path:
        """The root of an image, made if need be.

        :param layers: from the lowest, each a tar in gzip.
        :param opened: gives the content of a layer, for those that are not unpacked yet.
        :param most: bytes that the layers may take uncompressed.
        :raises TooBig: they take more.
        :raises WideloadError: a layer is damaged, or the disk is full.
        """
        root = self._roots / image.sha256
        if root.is_dir():
            return root
        try:
            folders, left = [], most
            for layer in layers:
                folder = self._layer(layer, opened, left)
                left -= _note(folder).tar_bytes
                if left < 0:
                    raise TooBig
                folders.append(folder)
            return made_once(root, lambda made: _merged(folders, made))
        except _DAMAGE as error:
            raise WideloadError(
                "a layer of the image is damaged", why=str(error), hint="make the image again"
            ) from error
        except OSError as error:
            raise WideloadError(
                "the image could not be unpacked", why=str(error), hint="free disk space"
            ) from error

    def _layer(
        self, layer: Descriptor, opened: Callable[[Descriptor], IO[bytes]], most: int
    ) -> Path:
        return made_once(
            self._layers / layer.sha256, lambda made: _unpacked(opened(layer), made, most)
        )

    def collect(
        self, needed: Collection[Sequence[Descriptor]], running: Collection[str] = ()
    ) -> None:
        """Delete the roots and layers of other images than these.

        :param needed: of each image its manifest, then its layers.
        :param running: hexadecimal digests of images whose roots are in use.
        """
        digests = {one.sha256 for image in needed for one in image} | set(running)
        for kind in (self._roots, self._layers):
            for path in kind.iterdir() if kind.is_dir() else ():
                if path.is_dir() and not path.name.startswith(".") and path.name not in digests:
                    shutil.rmtree(path, ignore_errors=True)


class _Counted:
    """A stream whose bytes are counted."""

    def __init__(self, stream: gzip.GzipFile, most: int) -> None:
        self._stream = stream
        self._most = most
        self.count = 0

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self.count += len(data)
        if self.count > self._most:
            raise TooBig
        return data


def _note(folder: Path) -> _Layer:
    return msgspec.json.decode((folder / _NOTE).read_bytes(), type=_Layer)


def _unpacked(source: IO[bytes], folder: Path, most: int) -> None:
    files = folder / _FILES
    files.mkdir(parents=True)
    gone, opaque = [], []
    with source, gzip.GzipFile(fileobj=source) as stream:
        counted = _Counted(stream, most)
        # Of what a file can do, reading is all that a stream's tar needs.
        with tarfile.open(fileobj=cast("IO[bytes]", counted), mode="r|") as tar:
            for member in tar:
                parts = _parts(member.name)
                if not parts:
                    continue
                if parts[-1] == _OPAQUE:
                    opaque.append("/".join(parts[:-1]))
                elif parts[-1].startswith(_GONE):
                    name = parts[-1].removeprefix(_GONE)
                    gone.append("/".join([*parts[:-1], name]))
                else:
                    _extract(tar, member, files, parts)
        # What follows the end of the archive is part of the layer too.
        while counted.read(_BLOCK):
            pass
    note = _Layer(counted.count, tuple(gone), tuple(opaque))
    (folder / _NOTE).write_bytes(msgspec.json.encode(note))


def _parts(name: str) -> list[str]:
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts or "\0" in name:
        raise tarfile.TarError(f"it has a member that would lie outside: {name!r}")
    return parts


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, files: Path, parts: list[str]) -> None:
    target = _folder(files, parts[:-1]) / parts[-1]
    if member.isdir():
        if target.is_symlink() or not target.is_dir():
            _remove(target)
            target.mkdir()
        return
    if member.isfile():
        content = tar.extractfile(member)
        assert content is not None
        _remove(target)
        with target.open("xb") as file:
            os.fchmod(file.fileno(), _mode(member.mode))
            shutil.copyfileobj(content, file, _BLOCK)
    elif member.issym():
        _remove(target)
        target.symlink_to(member.linkname)
    elif member.islnk():
        linked = _parts(member.linkname)
        source = _folder(files, linked[:-1]) / linked[-1]
        if not source.is_symlink() and not source.is_file():
            raise tarfile.TarError(f"{member.name} is a link to {member.linkname}, which is not")
        _remove(target)
        os.link(source, target, follow_symlinks=False)
    # Devices and the like are made for each environment anew.


def _mode(mode: int) -> int:
    # Functions are neither the owner of their files nor of its group: what others may, they may.
    return (mode & 0o007) * 0o111 | (mode & 0o222)


def _folder(files: Path, parts: list[str]) -> Path:
    """The folder of these names, made where it is not; links are followed within `files`."""
    at, left, links = files, list(parts), 0
    while left:
        name = left.pop(0)
        if name in ("", "."):
            continue
        if name == "..":
            at = at if at == files else at.parent
            continue
        there = at / name
        if there.is_symlink():
            links += 1
            if links > _MOST_LINKS:
                raise tarfile.TarError(f"too many links on the way to {'/'.join(parts)}")
            goal = str(there.readlink())
            at = files if goal.startswith("/") else at
            left = [*goal.split("/"), *left]
            continue
        if not there.is_dir():
            _remove(there)
            there.mkdir()
        at = there
    return at


def _remove(path: Path) -> None:
    try:
        is_folder = stat.S_ISDIR(path.lstat().st_mode)
    except FileNotFoundError:
        return
    if is_folder:
        shutil.rmtree(path)
    else:
        path.unlink()


def _merged(layers: Sequence[Path], root: Path) -> None:
    root.mkdir()
    for layer in layers:
        note = _note(layer)
        for path in note.opaque:
            folder = _within(root, path)
            for entry in folder.iterdir() if folder and folder.is_dir() else ():
                _remove(entry)
        for path in note.gone:
            parent, _, name = path.rpartition("/")
            holder = _within(root, parent)
            if holder is not None:
                _remove(holder / name)
        _lay(layer / _FILES, root)
    for name in _FOLDERS:
        _folder(root, name.split("/"))
    for name in _EMPTY_FILES:
        file = root / name
        # Mounted over: what a link there leads to is not meant.
        if file.is_symlink() or not file.is_file():
            _remove(file)
            file.touch()


def _within(root: Path, path: str) -> Path | None:
    """A folder of the root, unless the way to it leads over a link."""
    at = root
    for part in filter(None, path.split("/")):
        at = at / part
        if at.is_symlink():
            return None
    return at


def _lay(layer: Path, root: Path) -> None:
    """Lay a layer's files over a root; folders that both have are one."""
    with os.scandir(layer) as entries:
        for entry in entries:
            into = root / entry.name
            if entry.is_dir(follow_symlinks=False):
                if into.is_symlink() or not into.is_dir():
                    _remove(into)
                    into.mkdir()
                _lay(Path(entry.path), into)
                continue
            _remove(into)
            if entry.is_symlink():
                into.symlink_to(Path(entry.path).readlink())
            else:
                os.link(entry.path, into)
