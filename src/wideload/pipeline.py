"""The way of the data, from a folder to a running function: the one place that composes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec

from wideload.build.builder import build as write_build
from wideload.cache import Cache, default_root
from wideload.plan.planner import chosen, propose
from wideload.resolve.credentials import Credentials
from wideload.resolve.http import Http
from wideload.resolve.locking import lock
from wideload.resolve.resolver import fetch_all, resolve
from wideload.slim.slimming import slim
from wideload.source.choose import find_function
from wideload.source.function import read_function
from wideload.source.locks import Selection
from wideload.source.pylock import read_pylock
from wideload.values.artifact import Manifest
from wideload.values.function import (
    Function,
    LockedRequirements,
    NoRequirements,
    OpenRequirements,
)
from wideload.values.proposal import Plan
from wideload.values.resolution import Resolution
from wideload.values.slimmed import Slimmed

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager


STATE_FOLDER = ".wideload"


class Narrator(Protocol):
    """Whoever is told how the work goes."""

    def tell(self, line: str) -> None:
        """A line for a person: what was done, or a note."""
        ...

    def progress(self, what: str, total: int) -> AbstractContextManager[Callable[[int], None]]:
        """Bytes under way: the callable takes how many more were done."""
        ...


class Prepared(msgspec.Struct, frozen=True):
    """A function up to the point where ways to ship it can be weighed."""

    function: Function
    resolution: Resolution
    slimmed: Slimmed


class Built(msgspec.Struct, frozen=True):
    """A finished build and the folder that it lies in."""

    function: Function
    plan: Plan
    manifest: Manifest
    folder: Path


def state_folder(function: Function) -> Path:
    """Where wideload keeps what belongs to a project, beside its configuration."""
    return Path(function.root) / STATE_FOLDER


def local_state(root: Path) -> Path:
    """Where the embedded AWS of a project keeps what it holds."""
    return root / STATE_FOLDER / "local"


def build_folder(function: Function) -> Path:
    """Where the artifacts of a function lie."""
    return state_folder(function) / "build" / function.name


class Pipeline:
    """The stages over one cache, one client of the index and one narrator."""

    def __init__(self, narrator: Narrator, cache: Cache | None = None) -> None:
        self.narrator = narrator
        self.cache = cache or Cache(default_root())

    def source(self, wanted: str | None, start: Path) -> Function:
        """The function that a name or a path means, read and checked."""
        project, name = find_function(wanted, start)
        return read_function(
            project, name, cache=self.cache.root / "sizes", tell=self.narrator.tell
        )

    def prepare(self, function: Function, *, upgrade: bool = False) -> Prepared:
        """Resolve and slim: what would be shipped, nothing of it downloaded."""
        resolution = self._resolve(function, upgrade=upgrade)
        return Prepared(function, resolution, slim(resolution, function.files, rules=function.slim))

    def plan(self, prepared: Prepared) -> Plan:
        """Every way to ship it, side by side."""
        function = prepared.function
        return propose(
            function.name, prepared.resolution, prepared.slimmed, wanted=function.strategy
        )

    def build(self, function: Function, *, upgrade: bool = False) -> Built:
        """The artifacts of the chosen way, and their manifest.

        :raises WideloadError: every way, or the wanted one, is refused.
        """
        prepared = self.prepare(function, upgrade=upgrade)
        plan = self.plan(prepared)
        proposal = chosen(plan, function.strategy)
        gone = {one.name for one in prepared.slimmed.provided}
        wheels = [wheel for wheel in prepared.resolution.wheels if wheel.name not in gone]
        lacking = [
            wheel for wheel in wheels if not self.cache.verified("wheels", wheel.sha256, ".whl")
        ]
        http = self._http(function)
        with self.narrator.progress("fetching wheels", sum(one.size for one in lacking)) as done:
            paths = fetch_all(wheels, http, self.cache, done)
        manifest = write_build(
            function,
            prepared.resolution,
            prepared.slimmed,
            proposal,
            paths,
            build_folder(function),
            self.cache,
        )
        return Built(function, plan, manifest, build_folder(function))

    def _resolve(self, function: Function, *, upgrade: bool) -> Resolution:
        match function.requirements:
            case NoRequirements():
                return Resolution(function.target, (), ())
            case OpenRequirements() as asked:
                path, found, written = lock(asked, function.name, function.target, upgrade=upgrade)
                if written:
                    self.narrator.tell(f"resolved into {path.name}; commit it")
                locked = read_pylock(path, Selection(function.target, asked.groups, asked.extras))
                return resolve(
                    locked,
                    function.target,
                    self._http(function),
                    self.cache,
                    wishes=found.wishes,
                    constraints=found.constraints,
                )
            case LockedRequirements() as locked:
                return resolve(locked, function.target, self._http(function), self.cache)

    def _http(self, function: Function) -> Http:
        files = [Path(function.root) / name for name in ("pyproject.toml", "uv.toml")]
        if isinstance(function.requirements, OpenRequirements | LockedRequirements):
            files.append(Path(function.requirements.path))
        return Http(Credentials.gather([file for file in files if file.is_file()], os.environ))
