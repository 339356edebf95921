"""The way of the data, from a folder to a running function: the one place that composes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

import msgspec

from wideload.build.ahead import Ahead
from wideload.build.builder import FUNCTION_ZIP, last_manifest
from wideload.build.builder import build as write_build
from wideload.cache import Cache, default_root
from wideload.plan.budget import check_budget
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
from wideload.values.environment import EnvironmentSpec
from wideload.values.function import (
    Function,
    LockedRequirements,
    NoRequirements,
    OpenRequirements,
)
from wideload.values.proposal import Plan
from wideload.values.resolution import Resolution
from wideload.values.slimmed import Slimmed
from wideload.values.tree import FileTree, LocalFile

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from wideload.deploy.cloud import Cloud
    from wideload.deploy.progress import Progress
    from wideload.values.deployment import DeploymentResult
    from wideload.values.instruction import Smoke
    from wideload.values.verdict import Verdict


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
    packed: FileTree
    """The wheels' files in the package, without the user's own."""
    folder: Path


class Terms(msgspec.Struct, frozen=True):
    """How a deployment is to be done."""

    dry_run: bool = False
    adopt: bool = False
    """Take over a function that wideload did not make."""


class Named(msgspec.Struct, frozen=True):
    """A function of a project, by name."""

    name: str
    root: Path
    source: Path


Destination = Literal["local", "aws"]


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

    def named(self, wanted: str | None, start: Path) -> Named:
        """Which function is meant, without reading it."""
        project, name = find_function(wanted, start)
        root = Path(project.root)
        return Named(name, root, root / project.functions[name].source)

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
        ahead = Ahead(build_folder(function) / FUNCTION_ZIP, self.cache)
        prepared = self.prepare(function, upgrade=upgrade)
        plan = self.plan(prepared)
        proposal = chosen(plan, function.strategy)
        before = last_manifest(build_folder(function))
        check_budget(function, prepared.slimmed.tree, prepared.resolution, before)
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
            ahead,
        )
        packed = prepared.slimmed.tree.where(lambda entry: not isinstance(entry.origin, LocalFile))
        return Built(function, plan, manifest, packed, build_folder(function))

    def verify(self, built: Built, events: Sequence[Path] = ()) -> Verdict:
        """Start the build as Lambda would, import what it packs, and invoke the events."""
        from wideload.sandbox.linux import LinuxSandbox  # noqa: PLC0415
        from wideload.sandbox.unpack import unpack  # noqa: PLC0415
        from wideload.verify.modules import top_level_modules  # noqa: PLC0415
        from wideload.verify.verifier import read_cases, verify  # noqa: PLC0415

        function, settings = built.function, built.function.settings
        cases = read_cases(events, Path(function.source))
        package = built.manifest.artifact("function")
        task = self.cache.path("unpacked", package.sha256)
        if not task.is_dir():
            unpack(built.folder / package.filename, task)
        spec = EnvironmentSpec(
            function=function.name,
            version="$LATEST",
            target=function.target,
            handler=function.handler,
            task=str(task),
            memory=settings.memory,
            timeout=settings.timeout,
            ephemeral=settings.ephemeral,
            environment=settings.environment,
            network=function.network,
        )
        sandbox = LinuxSandbox(self.cache.root)
        return verify(sandbox, spec, top_level_modules(built.packed), cases)

    def deploy(
        self, built: Built, cloud: Cloud, smoke: Smoke | None, terms: Terms, progress: Progress
    ) -> DeploymentResult:
        """Let callers get to what was built, once it is whole and answers."""
        from wideload.deploy.deployment import deploy  # noqa: PLC0415

        return deploy(
            built.manifest,
            built.function,
            built.folder,
            cloud,
            dry_run=terms.dry_run,
            adopt=terms.adopt,
            smoke=smoke,
            progress=progress,
        )

    def cloud(self, root: Path, destination: Destination) -> Cloud:
        """AWS, or the embedded one of the project at `root`, started if need be."""
        from wideload.deploy.aws import Aws  # noqa: PLC0415

        if destination == "aws":
            return Aws()
        from wideload.local import daemon  # noqa: PLC0415

        endpoint = daemon.ensure(local_state(root))
        return Aws(
            region=endpoint.region,
            endpoint=endpoint.url,
            keys=(endpoint.access_key, endpoint.secret),
        )

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
                    hashes=found.hashes,
                )
            case LockedRequirements() as locked:
                return resolve(locked, function.target, self._http(function), self.cache)

    def _http(self, function: Function) -> Http:
        files = [Path(function.root) / name for name in ("pyproject.toml", "uv.toml")]
        if isinstance(function.requirements, OpenRequirements | LockedRequirements):
            files.append(Path(function.requirements.path))
        return Http(Credentials.gather([file for file in files if file.is_file()], os.environ))
