"""Miniature functions for the tests of slimming: wheels in a cache, and files of the user's."""

from __future__ import annotations

import hashlib
import io
import sys
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from wheel_maker import Made, wheel
from wideload.cache import Cache
from wideload.resolve.directory import Directory
from wideload.slim.slimming import slim, slim_fetched
from wideload.values.layout import lay
from wideload.values.packing import pack
from wideload.values.resolution import Resolution, Wheel
from wideload.values.slimmed import Slimmed, SlimOptions
from wideload.values.target import Target
from wideload.values.tree import Derived, FileEntry, FileTree, LocalFile, WheelMember

if TYPE_CHECKING:
    from collections.abc import Mapping

HERE = Target.parse(f"python{sys.version_info[0]}.{sys.version_info[1]}", "x86_64")
"""What the Python of the tests can compile for."""
TAG = f"cpython-{sys.version_info[0]}{sys.version_info[1]}"


class Kitchen:
    """Makes functions below a folder of the test's own.

    :param wheels: files of each distribution, by its name.
    :param own: the user's files.
    """

    def __init__(
        self,
        root: Path,
        wheels: Mapping[str, Mapping[str, bytes | str]],
        own: Mapping[str, bytes | str] | None = None,
        target: Target = HERE,
    ) -> None:
        self.cache = Cache(root / "cache")
        self.paths: dict[str, Path] = {}
        self._archives: dict[str, zipfile.ZipFile] = {}
        made = [self._wheel(wheel(name, files=files)) for name, files in sorted(wheels.items())]
        self.resolution = Resolution(target, tuple(made), tuple(sorted(wheels)))
        self.own = FileTree.of(self._file(root, *item) for item in (own or {}).items())

    def _wheel(self, made: Made) -> Wheel:
        path = self.cache.path("wheels", made.sha256, ".whl")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(made.data)
        self.paths[made.sha256] = path
        self._archives[made.sha256] = zipfile.ZipFile(path)
        members = Directory(io.BytesIO(made.data), made.filename).members
        url = f"https://index.example/{made.filename}"
        size = len(made.data)
        return Wheel(made.name, "1.0", made.filename, url, made.sha256, size, members)

    @staticmethod
    def _file(root: Path, path: str, content: bytes | str) -> FileEntry:
        data = content.encode() if isinstance(content, str) else content
        place = root / "source" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
        stream, stored = pack(data)
        origin = LocalFile(str(place), hashlib.sha256(data).hexdigest())
        return FileEntry(path, len(data), len(stream), zlib.crc32(data), 0o644, stored, origin)

    @property
    def raw(self) -> FileTree:
        return lay(self.resolution.wheels, self.own)

    def slim(self, options: SlimOptions | None = None, python: str | None = None) -> Slimmed:
        """With everything fetched."""
        return slim_fetched(
            self.resolution,
            self.own,
            options or SlimOptions(bytecode="none"),
            self.paths,
            python or sys.executable,
            self.cache,
        )

    def plan(self, options: SlimOptions | None = None) -> Slimmed:
        """With nothing fetched."""
        return slim(self.resolution, self.own, options or SlimOptions(), self.cache)

    def content(self, entry: FileEntry) -> bytes:
        """The bytes of a file, which must be what its entry says."""
        match entry.origin:
            case WheelMember(sha256, name):
                data = self._archives[sha256].read(name)
            case LocalFile(path, _):
                data = Path(path).read_bytes()
            case Derived(sha256, _):
                stream = self.cache.path("derived", sha256).read_bytes()
                assert len(stream) == entry.compressed_size
                data = stream if entry.stored else zlib.decompress(stream, -zlib.MAX_WBITS)
                assert hashlib.sha256(data).hexdigest() == sha256
        assert (len(data), zlib.crc32(data)) == (entry.size, entry.crc32)
        return data

    def contents(self, tree: FileTree) -> dict[str, bytes]:
        return {entry.path: self.content(entry) for entry in tree}

    def lay_out(self, tree: FileTree, folder: Path) -> Path:
        """Write a tree, as Lambda would unpack it."""
        for path, data in self.contents(tree).items():
            place = folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
        return folder


def gone(slimmed: Slimmed) -> dict[str, str]:
    """The rule by the path of each file that is not shipped any more."""
    left = slimmed.tree.by_path
    return {one.path: one.rule for one in slimmed.removals if one.path not in left}
