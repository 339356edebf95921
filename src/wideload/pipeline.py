"""The way of the data, from a folder to a running function: the one place that composes."""

from __future__ import annotations

import contextlib
import copy
import os
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

import msgspec
from packaging.utils import canonicalize_name

from wideload import bootstrapping
from wideload.build.ahead import Ahead
from wideload.build.builder import FUNCTION_ZIP, last_manifest
from wideload.build.builder import build as write_build
from wideload.build.places import places_path, read_places, write_places
from wideload.cache import Cache, default_root
from wideload.errors import WideloadError
from wideload.limits import CODE_SIZE_UNZIPPED, LAYER_COUNT
from wideload.plan.budget import check_budget
from wideload.plan.planner import chosen, propose
from wideload.plan.split.layout import python_path
from wideload.resolve.attached import client
from wideload.resolve.attaching import attached_layers, layer_zip
from wideload.resolve.credentials import Credentials
from wideload.resolve.fixed import Fixed
from wideload.resolve.http import Http
from wideload.resolve.locking import lock
from wideload.resolve.requirements import read_asked
from wideload.resolve.resolver import fetch_all, resolve
from wideload.resolve.subtraction import (
    Share,
    carriage,
    explain_failure,
    for_lock,
    for_open,
    of_open,
    settle,
)
from wideload.slim.ahead import SlimAhead
from wideload.slim.guarding import Layers, guard
from wideload.slim.runtime import uses_sdk
from wideload.slim.slimming import slim, slim_fetched
from wideload.source.choose import find_function
from wideload.source.config import load_project
from wideload.source.function import read_function
from wideload.source.locks import Selection
from wideload.source.pylock import read_pylock
from wideload.values.artifact import BUNDLE_ROLE, Manifest
from wideload.values.attached import AttachedLayer, LayerSource
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

    from wideload.build.bootstrap import Loading
    from wideload.deploy.aws import Aws
    from wideload.deploy.cloud import Cloud
    from wideload.deploy.once import Once
    from wideload.deploy.progress import Progress
    from wideload.values.deployment import DeploymentResult
    from wideload.values.instruction import Smoke
    from wideload.values.proposal import Proposal, Refusal
    from wideload.values.split import Split
    from wideload.values.unused import Chooser
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


class Attached(msgspec.Struct, frozen=True):
    """What a function has to do with layers made by others."""

    layers: tuple[AttachedLayer, ...] = ()
    """In the order in which they are attached."""
    share: Share = Share(())

    @property
    def unzipped_bytes(self) -> int:
        """What the layers take of the unzipped quota."""
        return sum(layer.unzipped_bytes for layer in self.layers)


class Prepared(msgspec.Struct, frozen=True):
    """A function up to the point where ways to ship it can be weighed."""

    function: Function
    """Its attached layers are versions that are known."""
    resolution: Resolution
    slimmed: Slimmed
    attached: Attached = Attached()


class Fetched(msgspec.Struct, frozen=True):
    """A function with all that it is packed of at hand."""

    prepared: Prepared
    """Its tree is exact."""
    paths: dict[str, Path]
    """The wheels, by sha256."""


class Built(msgspec.Struct, frozen=True):
    """A finished build and the folder that it lies in."""

    function: Function
    plan: Plan
    manifest: Manifest
    packed: FileTree
    """The wheels' files in the package, without the user's own."""
    folder: Path
    attached: tuple[AttachedLayer, ...] = ()
    """Layers made by others."""


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


def smoke_of(source: Path, event: Path | None = None) -> Smoke | None:
    """What a new version has to pass: this event, else ``event.json`` of the folder.

    :raises WideloadError: it is not JSON.
    """
    from wideload.values.instruction import Smoke  # noqa: PLC0415
    from wideload.verify.verifier import read_cases  # noqa: PLC0415

    cases = read_cases([event] if event else [], source)
    if not cases:
        return None
    expected = cases[0].expected
    return Smoke(cases[0].event.decode(), expected.decode() if expected else None)


def _options(function: Function, attached: Attached) -> SlimOptions:
    held = [one for layer in attached.layers for one in layer.distributions]
    # What of the SDK's data is asked for is known of what is packed only.
    kept = ("botocore/data/*",) if any(uses_sdk(one.requires) for one in held) else ()
    modules = {canonicalize_name(name) for layer in attached.layers for name in layer.modules}
    return SlimOptions(
        rules="none" if function.slim == "none" else "safe",
        bytecode=function.bytecode,
        docstrings=function.docstrings,
        keep=(*function.keep, *kept),
        layers_bytes=attached.unzipped_bytes,
        provided=attached.share.provided,
        shadowed=tuple(sorted({one.name for one in held} | modules)),
    )


def _chooser(function: Function, resolution: Resolution) -> Chooser | None:
    if function.slim != "traced":
        return None
    from wideload.trace.choosing import ByProfile  # noqa: PLC0415
    from wideload.trace.files import profile_path  # noqa: PLC0415

    path = profile_path(function)
    return ByProfile(path, function.target, resolution.wheels, function.keep)


def _environment(function: Function, task: Path, layers: tuple[str, ...] = ()) -> EnvironmentSpec:
    settings = function.settings
    return EnvironmentSpec(
        function=function.name,
        version="$LATEST",
        target=function.target,
        handler=function.handler,
        task=str(task),
        layers=layers,
        memory=settings.memory,
        timeout=settings.timeout,
        ephemeral=settings.ephemeral,
        environment=settings.environment,
        network=function.network,
    )


def _first(manifest: Manifest) -> str:
    """What has to be imported before the packages can be."""
    return bootstrapping.LOADER_MODULE if manifest.bundle else ""


class Pipeline:
    """The stages over one cache, one client of the index and one narrator.

    :param destination: which AWS knows the layers that are attached.
    :param layers: knows them instead, for a project's folder.
    """

    def __init__(
        self,
        narrator: Narrator,
        cache: Cache | None = None,
        destination: Destination = "local",
        layers: Callable[[Path], LayerSource] | None = None,
    ) -> None:
        self.narrator = narrator
        self.cache = cache or Cache(default_root())
        self._layers_of = layers or (lambda root: self._aws(root, destination).attached)
        self._recording = threading.Lock()

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

    def prepare(
        self, function: Function, *, upgrade: bool = False, compare: bool = False
    ) -> Prepared:
        """Resolve and slim: what would be shipped, nothing of it downloaded.

        :param compare: hold attached layers to what AWS has now, where it can be asked.
        """
        http = client()
        function, layers = self._with_layers(function, http, upgrade=upgrade, compare=compare)
        resolution, share = self._resolve(function, layers, upgrade=upgrade)
        fetched = resolution.downloaded_bytes + http.received
        resolution = msgspec.structs.replace(resolution, downloaded_bytes=fetched)
        attached = Attached(layers, share)
        # Without the cache only what the runtime carries is left out.
        cache = self.cache if function.slim in ("safe", "traced") else None
        slimmed = slim(
            resolution,
            function.files,
            _options(function, attached),
            cache,
            chooser=_chooser(function, resolution),
            python=self._known_python(function) if cache else None,
        )
        return Prepared(function, resolution, slimmed, attached)

    def _known_python(self, function: Function) -> str | None:
        """What compiles for the function, where it was found before: looking takes a while."""
        from wideload.interpreters import known_interpreter  # noqa: PLC0415

        if function.bytecode == "none":
            return None
        found = known_interpreter(function.target.python_version, self.cache.root)
        return found.executable if found else None

    def _with_layers(
        self, function: Function, http: Http, *, upgrade: bool, compare: bool
    ) -> tuple[Function, tuple[AttachedLayer, ...]]:
        """What is attached, and the function with versions where it said ``latest``."""
        asked = function.settings.layers
        if not asked:
            return function, ()
        root = Path(function.root)
        functions = load_project(root).functions.values()
        # Functions that are planned side by side write one record.
        with self._recording:
            layers = attached_layers(
                asked,
                function.target,
                root,
                lambda: self._layers_of(root),
                self.cache,
                upgrade=upgrade,
                compare=compare,
                in_use={arn for each in functions for arn in each.layers},
                http=http,
                tell=self.narrator.tell,
            )
        arns = tuple(layer.arn for layer in layers)
        settings = msgspec.structs.replace(function.settings, layers=arns)
        return msgspec.structs.replace(function, settings=settings), layers

    def told_to(self, narrator: Narrator) -> Pipeline:
        """The same stages, narrating to somebody else."""
        other = copy.copy(self)
        other.narrator = narrator
        return other

    def plan(self, prepared: Prepared, shared: Split | Refusal | None = None) -> Plan:
        """Every way to ship it, side by side.

        :param shared: how it is split with the others of its project, where that is known.
        :raises WideloadError: a library is known not to load on the target.
        """
        self._guard(prepared)
        layers = prepared.attached
        if layers.layers:
            self.narrator.tell(
                f"attached layers: {len(layers.layers)} of at most {LAYER_COUNT}, with "
                f"{layers.unzipped_bytes:,} of the {CODE_SIZE_UNZIPPED:,} bytes unzipped"
            )
        return self._weigh(prepared, shared or self._shared(prepared, record=False))

    def _shared(self, prepared: Prepared, *, record: bool) -> Split | Refusal | None:
        """How it is split with the others of its project; nothing where it does not share."""
        from wideload.sharing import shared_splits  # noqa: PLC0415

        name = prepared.function.name
        return shared_splits(self, {name: prepared}, record=record).get(name)

    def _weigh(self, prepared: Prepared, shared: Split | Refusal | None = None) -> Plan:
        function = prepared.function
        return propose(
            function.name,
            prepared.resolution,
            prepared.slimmed,
            wanted=function.strategy,
            attached=prepared.attached.layers,
            pins=function.split,
            before=read_places(places_path(function)),
            parted=shared,
            bundle=bootstrapping.weigh(prepared.resolution, prepared.slimmed),
            settings=function.settings,
        )

    def build(self, function: Function, *, upgrade: bool = False) -> Built:
        """The artifacts of the chosen way, and their manifest.

        :raises WideloadError: every way, or the wanted one, is refused.
        """
        ahead = Ahead(build_folder(function) / FUNCTION_ZIP, self.cache)
        fetched = self.fetch(self.prepare(function, upgrade=upgrade, compare=True))
        return self.pack(fetched, self._shared(fetched.prepared, record=True), ahead)

    def fetch(self, prepared: Prepared) -> Fetched:
        """What it is packed of, and the exact tree; nothing is fetched of what is refused.

        :raises WideloadError: every way, or the wanted one, is refused.
        """
        function = prepared.function
        guarded = False
        if prepared.slimmed.exact:
            # What is refused is refused before anything is fetched.
            guarded = self._guard(prepared)
            chosen(self._weigh(prepared), function.strategy)
        if prepared.slimmed.exact:
            paths = self._fetch(prepared)
        else:
            whole = function.slim != "traced"
            with SlimAhead(function.target, self.cache, whole=whole) as ahead:
                paths = self._fetch(prepared, ahead)
                prepared = self._slim_exactly(prepared, paths, ahead)
        if not guarded:
            self._guard(prepared, paths)
        return Fetched(prepared, paths)

    def pack(
        self,
        fetched: Fetched,
        shared: Split | Refusal | None = None,
        ahead: Ahead | None = None,
        folder: Path | None = None,
    ) -> Built:
        """The artifacts and their manifest.

        :param shared: how it is split with the others of its project, if it is.
        :param ahead: has begun to digest what they will most likely begin with.
        :param folder: to build in, instead of the function's own.
        :raises WideloadError: the wanted way is refused, or the user's budget is.
        """
        prepared, paths = fetched.prepared, fetched.paths
        function = prepared.function
        folder = folder or build_folder(function)
        ahead = ahead or Ahead(folder / FUNCTION_ZIP, self.cache)
        plan = self._weigh(prepared, shared)
        proposal = chosen(plan, function.strategy)
        if prepared.attached.layers or (proposal.split and proposal.split.layers):
            function = self._seeing_layers(function)
        before = last_manifest(folder)
        check_budget(function, prepared.slimmed.tree, prepared.resolution, before)
        loading = None
        if proposal.bundle is not None:
            loading, helpers = self._loading(prepared)
            paths = {**helpers, **paths}
        with self._compressing(proposal) as done:
            manifest = write_build(
                function,
                prepared.resolution,
                prepared.slimmed,
                proposal,
                paths,
                folder,
                self.cache,
                ahead,
                loading and msgspec.structs.replace(loading, progress=done),
            )
        is_own = folder == build_folder(function)
        if manifest.layers and is_own and write_places(places_path(function), manifest.places):
            self.narrator.tell(f"split into {places_path(function).name}; commit it")
        packed = prepared.slimmed.tree.where(lambda entry: not isinstance(entry.origin, LocalFile))
        layers = prepared.attached.layers
        return Built(function, plan, manifest, packed, folder, layers)

    def _loading(self, prepared: Prepared) -> tuple[Loading, dict[str, Path]]:
        return bootstrapping.loading_of(
            prepared.function,
            prepared.resolution,
            prepared.slimmed,
            self._http(prepared.function),
            self.cache,
            self.narrator.tell,
        )

    def _compressing(self, proposal: Proposal) -> AbstractContextManager[Callable[[int], None]]:
        if proposal.bundle is None:
            return contextlib.nullcontext(lambda _: None)
        return self.narrator.progress("packing the bundle", proposal.bundle.unzipped)

    def _seeing_layers(self, function: Function) -> Function:
        """The function with the layers' folders in its PYTHONPATH, where the user set one."""
        environment = function.settings.environment
        path = python_path(environment, function.target)
        if path is None or path == environment["PYTHONPATH"]:
            return function
        self.narrator.tell(
            "note: PYTHONPATH is made to name the layers' folders as well, which it would hide: "
            f"{path}"
        )
        settings = msgspec.structs.replace(
            function.settings, environment={**environment, "PYTHONPATH": path}
        )
        return msgspec.structs.replace(function, settings=settings)

    def _fetch(self, prepared: Prepared, ahead: SlimAhead | None = None) -> dict[str, Path]:
        """The wheels that are packed, by sha256."""
        gone = {one.name for one in prepared.slimmed.provided}
        wheels = [wheel for wheel in prepared.resolution.wheels if wheel.name not in gone]
        lacking = [
            wheel for wheel in wheels if not self.cache.verified("wheels", wheel.sha256, ".whl")
        ]
        http = self._http(prepared.function)
        with self.narrator.progress("fetching wheels", sum(one.size for one in lacking)) as done:
            if ahead is None:
                return fetch_all(wheels, http, self.cache, done)
            return fetch_all(wheels, http, self.cache, done, ahead.arrived)

    def _guard(self, prepared: Prepared, paths: dict[str, Path] | None = None) -> bool:
        """Refuse what cannot be loaded on the target; returns whether all of it was judged."""
        function = prepared.function
        found = guard(
            prepared.resolution,
            prepared.slimmed.tree,
            self.cache,
            paths,
            layers=Layers(
                tuple(name for one in prepared.attached.layers for name in one.libraries)
            ),
            allowed=function.allow_unloadable,
        )
        if found.complete:
            for note in found.notes:
                self.narrator.tell(f"note: {note}")
        return found.complete

    def _slim_exactly(
        self, prepared: Prepared, paths: dict[str, Path], ahead: SlimAhead
    ) -> Prepared:
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
                _options(function, prepared.attached),
                paths,
                python,
                self.cache,
                done,
                _chooser(function, prepared.resolution),
                ahead,
            )
        return Prepared(function, prepared.resolution, slimmed, prepared.attached)

    def verify(self, built: Built, events: Sequence[Path] = ()) -> Verdict:
        """Start the build as Lambda would, import what it packs, and invoke the events."""
        from wideload.sandbox.linux import LinuxSandbox  # noqa: PLC0415
        from wideload.verify.modules import top_level_modules  # noqa: PLC0415
        from wideload.verify.verifier import read_cases, verify  # noqa: PLC0415

        cases = read_cases(events, Path(built.function.source))
        spec = self.spec(built)
        sandbox = LinuxSandbox(self.cache.root)
        return verify(
            sandbox, spec, top_level_modules(built.packed), cases, first=_first(built.manifest)
        )

    def compare(self, built: Built, events: Sequence[Path] = ()) -> Verdict:
        """Hold a slimmed build to what the same function does unslimmed."""
        from wideload.build.splice import splice  # noqa: PLC0415
        from wideload.sandbox.linux import LinuxSandbox  # noqa: PLC0415
        from wideload.sandbox.unpack import unpack  # noqa: PLC0415
        from wideload.trace.keep import RULE as UNUSED  # noqa: PLC0415
        from wideload.verify.modules import all_modules  # noqa: PLC0415
        from wideload.verify.verifier import compare, read_cases  # noqa: PLC0415

        function = built.function
        prepared = self.prepare(msgspec.structs.replace(function, slim="none"))
        tree, wheels = prepared.slimmed.tree, prepared.resolution.wheels
        shipped = {entry.path for entry in built.packed}
        kept = tree.where(
            lambda entry: (
                isinstance(entry.origin, WheelMember)
                # A module may ship compiled, in the place of its source.
                and (entry.path in shipped or f"{entry.path}c" in shipped)
            )
        )
        unused = {one.path for one in built.manifest.removals if one.rule == UNUSED}
        spec = self.spec(built)
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
                msgspec.structs.replace(
                    spec,
                    task=str(task),
                    handler=function.handler,
                    environment=function.settings.environment,
                ),
                all_modules(kept),
                read_cases(events, Path(function.source)),
                all_modules(tree.where(lambda entry: entry.path in unused)),
                first=_first(built.manifest),
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
        layers = self._unpacked_layers(prepared.attached.layers, Path(function.root))
        with tempfile.TemporaryDirectory(prefix="wideload-") as folder:
            package, task = Path(folder) / "whole.zip", Path(folder) / "task"
            Path(folder).chmod(0o755)
            splice(tree, wheels, paths, package, self.cache, Ahead(package, self.cache))
            unpack(package, task)
            profile = trace_function(
                LinuxSandbox(self.cache.root, init_timeout=INIT_TIMEOUT),
                _environment(function, task, layers),
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
        self,
        built: Built,
        cloud: Cloud,
        smoke: Smoke | None,
        terms: Terms,
        progress: Progress,
        once: Once | None = None,
    ) -> DeploymentResult:
        """Let callers get to what was built, once it is whole and answers.

        :param once: the same for all deployments that run at once.
        """
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
            once=once,
        )

    def cloud(self, root: Path, destination: Destination) -> Cloud:
        """AWS, or the embedded one of the project at `root`, started if need be."""
        return self._aws(root, destination)

    def _aws(self, root: Path, destination: Destination) -> Aws:
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

    def spec(self, built: Built) -> EnvironmentSpec:
        """What an environment is started from that runs the build, unpacked.

        A bundle is brought into the embedded AWS of the project, where the function fetches it.
        """
        from wideload.sandbox.unpack import unpack  # noqa: PLC0415

        folders = []
        for package in built.manifest.artifacts:
            if package.role == BUNDLE_ROLE:
                continue
            folder = self.cache.path("unpacked", package.sha256)
            if not folder.is_dir():
                unpack(built.folder / package.filename, folder)
            folders.append(folder)
        task, *own = folders
        others = self._unpacked_layers(built.attached, Path(built.function.root))
        spec = _environment(built.function, task, (*others, *map(str, own)))
        if built.manifest.bundle is None:
            return spec
        root = Path(built.function.root)
        variables = bootstrapping.stored(built.manifest, built.folder, self._aws(root, "local"))
        return bootstrapping.started(spec, variables, self.reach(root))

    def bare_spec(self, built: Built, task: Path) -> EnvironmentSpec:
        """What an environment is started from that has other code in the function's place."""
        others = self._unpacked_layers(built.attached, Path(built.function.root))
        return _environment(built.function, task, others)

    def reach(self, root: Path) -> bootstrapping.Reach:
        """The embedded AWS of a project, and the keys of its account's root."""
        from wideload.local import daemon  # noqa: PLC0415

        endpoint = daemon.ensure(local_state(root))
        keys = {
            "AWS_ACCESS_KEY_ID": endpoint.access_key,
            "AWS_SECRET_ACCESS_KEY": endpoint.secret,
        }
        return bootstrapping.Reach(endpoint.url, keys, endpoint.region, endpoint.account)

    def _unpacked_layers(self, layers: tuple[AttachedLayer, ...], root: Path) -> tuple[str, ...]:
        """Folders with what the attached layers hold, fetched if need be."""
        from wideload.sandbox.unpack import unpack  # noqa: PLC0415

        folders = [self.cache.path("unpacked", layer.sha256) for layer in layers]
        for layer, folder in zip(layers, folders, strict=True):
            if not folder.is_dir():
                with self.narrator.progress("fetching a layer", layer.zipped_bytes) as done:
                    archive = layer_zip(layer, lambda: self._layers_of(root), self.cache, done)
                unpack(archive, folder)
        return tuple(map(str, folders))

    def _resolve(
        self, function: Function, layers: tuple[AttachedLayer, ...], *, upgrade: bool
    ) -> tuple[Resolution, Share]:
        """The packages, with those among them that layers carry."""
        target, prefer = function.target, function.prefer
        carried = carriage(layers, target)
        match function.requirements:
            case NoRequirements():
                return Resolution(target, (), ()), Share(())
            case OpenRequirements() as asked:
                found = read_asked(asked, target)
                wishes = (*found.wishes, *found.constraints)
                against = for_open(carried, wishes, target, prefer, Path(asked.path).name)
                held = tuple(one.held for one in against.top.values())
                fixed = Fixed(held, override=prefer == "layer")
                try:
                    path, found, written = lock(
                        asked, function.name, target, upgrade=upgrade, asked=found, fixed=fixed
                    )
                except WideloadError as error:
                    raise explain_failure(error, against) from error
                if written:
                    self.narrator.tell(f"resolved into {path.name}; commit it")
                locked = read_pylock(path, Selection(target, asked.groups, asked.extras))
                resolution = resolve(
                    locked,
                    target,
                    self._http(function),
                    self.cache,
                    wishes=found.wishes,
                    constraints=found.constraints,
                    hashes=found.hashes,
                    held=held,
                )
                share = of_open(resolution, carried, against)
            case LockedRequirements() as locked:
                locked, share = for_lock(carried, locked, prefer)
                taken = [one.held for one in share.taken]
                resolution = resolve(
                    locked,
                    target,
                    self._http(function),
                    self.cache,
                    held=taken,
                    needed=[one.name for one in taken],
                )
        what = Path(function.requirements.path).name
        for note in settle(resolution, carried, share, prefer, what):
            self.narrator.tell(f"note: {note}")
        return resolution, share

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
