"""The way of the data, from a folder to a running function: the one place that composes."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

import msgspec

from wideload.build.ahead import Ahead
from wideload.build.builder import FUNCTION_ZIP, last_manifest
from wideload.build.builder import build as write_build
from wideload.cache import Cache, default_root
from wideload.errors import WideloadError
from wideload.plan.budget import check_budget
from wideload.plan.planner import chosen, propose
from wideload.resolve.credentials import Credentials
from wideload.resolve.http import Http
from wideload.resolve.locking import lock
from wideload.resolve.resolver import fetch_all, resolve
from wideload.slim.slimming import slim, slim_fetched
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
from wideload.values.profile import PackageUse, Profile
from wideload.values.proposal import Plan
from wideload.values.resolution import Resolution
from wideload.values.slimmed import Slimmed, SlimOptions
from wideload.values.tree import FileTree, LocalFile, WheelMember

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


class Traced(msgspec.Struct, frozen=True):
    """What came of tracing a function."""

    path: Path
    """Where the profile lies."""
    profile: Profile
    account: tuple[PackageUse, ...]


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


def _options(function: Function) -> SlimOptions:
    return SlimOptions(
        rules="none" if function.slim == "none" else "safe",
        bytecode=function.bytecode,
        keep=function.keep,
    )


def _environment(function: Function, task: Path) -> EnvironmentSpec:
    settings = function.settings
    return EnvironmentSpec(
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
        # Without the cache only what the runtime carries is left out.
        cache = self.cache if function.slim == "safe" else None
        return Prepared(
            function, resolution, slim(resolution, function.files, _options(function), cache)
        )

    def plan(self, prepared: Prepared) -> Plan:
        """Every way to ship it, side by side."""
        function = prepared.function
        if function.settings.layers:
            self.narrator.tell(
                "note: what the attached layers weigh is not counted; Lambda counts it against "
                "the same 262,144,000 bytes"
            )
        return propose(
            function.name, prepared.resolution, prepared.slimmed, wanted=function.strategy
        )

    def build(self, function: Function, *, upgrade: bool = False) -> Built:
        """The artifacts of the chosen way, and their manifest.

        :raises WideloadError: every way, or the wanted one, is refused.
        """
        ahead = Ahead(build_folder(function) / FUNCTION_ZIP, self.cache)
        prepared = self.prepare(function, upgrade=upgrade)
        if prepared.slimmed.exact:
            # What is refused is refused before anything is fetched.
            chosen(self.plan(prepared), function.strategy)
        paths = self._fetch(prepared)
        if not prepared.slimmed.exact:
            prepared = self._slim_exactly(prepared, paths)
        plan = self.plan(prepared)
        proposal = chosen(plan, function.strategy)
        before = last_manifest(build_folder(function))
        check_budget(function, prepared.slimmed.tree, prepared.resolution, before)
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

    def _fetch(self, prepared: Prepared) -> dict[str, Path]:
        """The wheels that are packed, by sha256."""
        gone = {one.name for one in prepared.slimmed.provided}
        wheels = [wheel for wheel in prepared.resolution.wheels if wheel.name not in gone]
        lacking = [
            wheel for wheel in wheels if not self.cache.verified("wheels", wheel.sha256, ".whl")
        ]
        http = self._http(prepared.function)
        with self.narrator.progress("fetching wheels", sum(one.size for one in lacking)) as done:
            return fetch_all(wheels, http, self.cache, done)

    def _slim_exactly(self, prepared: Prepared, paths: dict[str, Path]) -> Prepared:
        """Slim with the wheels at hand; what is made of them is kept for the next time."""
        from wideload.interpreters import find_interpreter  # noqa: PLC0415

        function = prepared.function
        python = None
        if function.bytecode != "none":
            try:
                version = function.target.python_version
                python = find_interpreter(version, self.cache.root).executable
            except WideloadError as error:
                self.narrator.tell(f"note: {error.what}: modules ship uncompiled")
        total = sum(wheel.unzipped_bytes for wheel in prepared.resolution.wheels)
        with self.narrator.progress("slimming", total) as done:
            slimmed = slim_fetched(
                prepared.resolution,
                function.files,
                _options(function),
                paths,
                python,
                self.cache,
                done,
            )
        return Prepared(function, prepared.resolution, slimmed)

    def verify(self, built: Built, events: Sequence[Path] = ()) -> Verdict:
        """Start the build as Lambda would, import what it packs, and invoke the events."""
        from wideload.sandbox.linux import LinuxSandbox  # noqa: PLC0415
        from wideload.verify.modules import top_level_modules  # noqa: PLC0415
        from wideload.verify.verifier import read_cases, verify  # noqa: PLC0415

        cases = read_cases(events, Path(built.function.source))
        spec = self._spec(built)
        sandbox = LinuxSandbox(self.cache.root)
        return verify(sandbox, spec, top_level_modules(built.packed), cases)

    def compare(self, built: Built, events: Sequence[Path] = ()) -> Verdict:
        """Hold a slimmed build to what the same function does unslimmed."""
        from wideload.build.splice import splice  # noqa: PLC0415
        from wideload.sandbox.linux import LinuxSandbox  # noqa: PLC0415
        from wideload.sandbox.unpack import unpack  # noqa: PLC0415
        from wideload.verify.modules import all_modules  # noqa: PLC0415
        from wideload.verify.verifier import compare, read_cases  # noqa: PLC0415

        function = built.function
        prepared = self.prepare(msgspec.structs.replace(function, slim="none"))
        tree, wheels = prepared.slimmed.tree, prepared.resolution.wheels
        shipped = {file.path for file in built.manifest.files}
        kept = tree.where(
            lambda entry: (
                isinstance(entry.origin, WheelMember)
                # A module may ship compiled, in the place of its source.
                and (entry.path in shipped or f"{entry.path}c" in shipped)
            )
        )
        spec = self._spec(built)
        with tempfile.TemporaryDirectory(prefix="wideload-") as folder:
            package, task = Path(folder) / "raw.zip", Path(folder) / "task"
            Path(folder).chmod(0o755)
            paths = self._fetch(prepared)
            by_digest = {wheel.sha256: wheel for wheel in wheels}
            splice(tree, by_digest, paths, package, self.cache, Ahead(package, self.cache))
            unpack(package, task)
            return compare(
                LinuxSandbox(self.cache.root),
                spec,
                msgspec.structs.replace(spec, task=str(task)),
                all_modules(kept),
                read_cases(events, Path(function.source)),
            )

    def trace(self, function: Function, events: Sequence[Path] = ()) -> Traced:
        """Run the events and write down what they use of all that could be packed.

        Nothing is left out of what runs but what the runtime carries, and no limit of
        Lambda's refuses it, since it is not to be shipped.

        :raises WideloadError: there is no event or no tracer, or the function fails.
        """
        from wideload.build.splice import splice  # noqa: PLC0415
        from wideload.sandbox.linux import LinuxSandbox  # noqa: PLC0415
        from wideload.sandbox.unpack import unpack  # noqa: PLC0415
        from wideload.trace.account import account  # noqa: PLC0415
        from wideload.trace.files import profile_path, write_profile  # noqa: PLC0415
        from wideload.trace.recorder import INIT_TIMEOUT, trace_function  # noqa: PLC0415
        from wideload.verify.verifier import read_cases  # noqa: PLC0415

        cases = read_cases(events, Path(function.source))
        if function.slim != "none":
            function = msgspec.structs.replace(function, slim="runtime")
        prepared = self.prepare(function)
        tree, provided = prepared.slimmed.tree, {one.name for one in prepared.slimmed.provided}
        wheels = {wheel.sha256: wheel for wheel in prepared.resolution.wheels}
        paths = self._fetch(prepared)
        with tempfile.TemporaryDirectory(prefix="wideload-") as folder:
            package, task = Path(folder) / "whole.zip", Path(folder) / "task"
            Path(folder).chmod(0o755)
            splice(tree, wheels, paths, package, self.cache, Ahead(package, self.cache))
            unpack(package, task)
            profile = trace_function(
                LinuxSandbox(self.cache.root, init_timeout=INIT_TIMEOUT),
                _environment(function, task),
                cases,
                [
                    f"{one.name}=={one.version}"
                    for one in wheels.values()
                    if one.name not in provided
                ],
            )
        path = profile_path(function)
        if write_profile(path, profile):
            self.narrator.tell(f"traced into {path.name}; commit it")
        names = {sha256: wheel.name for sha256, wheel in wheels.items()}
        return Traced(path, profile, account(tree, profile, names, function.keep))

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

    def _spec(self, built: Built) -> EnvironmentSpec:
        """What an environment is started from that runs the build, unpacked."""
        from wideload.sandbox.unpack import unpack  # noqa: PLC0415

        package = built.manifest.artifact("function")
        task = self.cache.path("unpacked", package.sha256)
        if not task.is_dir():
            unpack(built.folder / package.filename, task)
        return _environment(built.function, task)

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
        folders, files = [Path(function.root), Path(function.source)], []
        if isinstance(function.requirements, OpenRequirements | LockedRequirements):
            path = Path(function.requirements.path)
            folders.append(path.parent)
            files.append(path)
        # Where uv finds its configuration when it resolves there.
        files += [
            folder / name
            for folder in dict.fromkeys(folders)
            for name in ("uv.toml", "pyproject.toml")
        ]
        return Http(Credentials.gather([file for file in files if file.is_file()], os.environ))
