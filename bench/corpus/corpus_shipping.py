"""Takes a package through the stages: resolved, slimmed, spliced, unpacked."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from corpus_entries import FUNCTION, Entry
from corpus_results import Size

from wideload.build.ahead import Ahead
from wideload.build.splice import splice
from wideload.cache import Cache, write_atomically
from wideload.interpreters import find_interpreter
from wideload.pipeline import Pipeline
from wideload.resolve.credentials import Credentials
from wideload.resolve.http import Http
from wideload.resolve.resolver import fetch_all
from wideload.sandbox.unpack import unpack
from wideload.slim.slimming import slim_fetched
from wideload.values.layout import lay
from wideload.values.slimmed import Slimmed, SlimOptions

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from wideload.values.function import Function
    from wideload.values.resolution import Resolution
    from wideload.values.slimmed import Bytecode
    from wideload.values.target import Architecture
    from wideload.values.tree import FileTree

RUNTIME = "python3.13"
# Copies of what lies in the wheels and in the derived streams.
_PASSING = ("blocks", "blocks-unnamed", "block-notes", "last-blocks", "unpacked")


class Quiet:
    """A narrator that says nothing."""

    def tell(self, line: str) -> None:
        """Nothing."""

    def progress(self, what: str, total: int) -> AbstractContextManager[Callable[[int], None]]:
        """A progress that nobody sees."""
        raise NotImplementedError


class Package(msgspec.Struct, frozen=True):
    """A package resolved for one architecture, its wheels at hand."""

    function: Function
    resolution: Resolution
    paths: dict[str, Path]

    @property
    def raw(self) -> FileTree:
        """All files, unslimmed, with the function's own."""
        return lay(self.resolution.wheels, self.function.files)


class Shipping:
    """The stages over a cache of the corpus's own."""

    def __init__(self, root: Path) -> None:
        self.cache = Cache(root)
        self._root = root
        self._http = Http(Credentials.gather([], os.environ))

    def project(self, entry: Entry) -> Path:
        """The folder of the function that uses the package; its lock stays there."""
        folder = self._root / "projects" / entry.name
        files = {
            "requirements.txt": "".join(f"{line}\n" for line in entry.requirements),
            "function/app.py": (FUNCTION / "app.py").read_text(encoding="utf-8"),
            "function/use.py": entry.use.read_text(encoding="utf-8"),
            "wideload.toml": "".join(
                f'[functions.on-{architecture}]\nsource = "function"\nhandler = "app.handler"\n'
                f'runtime = "{RUNTIME}"\narchitecture = "{architecture}"\n'
                'requirements = "requirements.txt"\nslim = "none"\n'
                for architecture in ("x86_64", "arm64")
            ).replace("on-x86_64", "on-x86"),
        }
        for name, text in files.items():
            path = folder / name
            if not path.is_file() or path.read_text(encoding="utf-8") != text:
                write_atomically(path, text.encode())
        return folder

    def resolve(self, entry: Entry, architecture: Architecture) -> Package:
        """The package and all that it requires, fetched.

        :raises WideloadError: there is no wheel for it.
        """
        pipeline = Pipeline(Quiet(), self.cache)
        name = "on-x86" if architecture == "x86_64" else "on-arm64"
        function = pipeline.source(name, self.project(entry))
        resolution = pipeline.prepare(function).resolution
        return Package(function, resolution, fetch_all(resolution.wheels, self._http, self.cache))

    def slim(self, package: Package, mode: Bytecode) -> Slimmed:
        """What is left by the safe rules."""
        python = find_interpreter(package.resolution.target.python_version, self._root).executable
        options = SlimOptions(bytecode=mode)
        return slim_fetched(
            package.resolution, package.function.files, options, package.paths, python, self.cache
        )

    def lay_out(self, package: Package, tree: FileTree, folder: Path) -> None:
        """Splice the zip of a tree and unpack it, as it is done when it is deployed."""
        wheels = {wheel.sha256: wheel for wheel in package.resolution.wheels}
        archive = folder.with_suffix(".zip")
        ahead = Ahead(archive, self.cache)
        splice(tree, wheels, package.paths, archive, self.cache, ahead)
        unpack(archive, folder)
        archive.unlink()

    def sweep(self) -> None:
        """Remove what is copied from elsewhere in the cache."""
        for kind in _PASSING:
            shutil.rmtree(self._root / kind, ignore_errors=True)

    def forget_wheels(self, package: Package) -> None:
        """Remove the wheels, to be fetched again when they are needed."""
        for path in package.paths.values():
            path.unlink(missing_ok=True)


def size_of(package: Package, tree: FileTree) -> Size:
    """Of what is not the function's own."""
    own = {entry.path for entry in package.function.files}
    own |= {f"{path}c" for path in own} | {
        f"__pycache__/{path[:-3]}.cpython-313.pyc" for path in own
    }
    foreign = tree.where(lambda entry: entry.path not in own)
    return Size(foreign.unzipped_bytes, foreign.zipped_bytes)
