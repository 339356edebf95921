"""The way of the data, from a folder to a running function: the one place that composes."""

from __future__ import annotations

import contextlib
import copy
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from packaging.utils import canonicalize_name

from wideload import bootstrapping, imaging, mounting
from wideload.build.ahead import Ahead
from wideload.build.builder import FUNCTION_ZIP, last_manifest
from wideload.build.builder import build as write_build
from wideload.build.places import places_path, read_places, write_places
from wideload.cache import Cache, default_root
from wideload.clouds import cloud_of
from wideload.errors import WideloadError
from wideload.limits import CODE_SIZE_UNZIPPED, LAYER_COUNT
from wideload.measurements import read_measured
from wideload.npm import installed_packages, slimmed_packages
from wideload.own_files import read_whole
from wideload.plan.budget import check_budget, over_budget
from wideload.plan.planner import chosen, propose
from wideload.plan.split.layout import search_path
from wideload.prepared import Attached, Built, Fetched, Named, Prepared, build_folder
from wideload.resolve.attached import client
from wideload.resolve.resolver import fetch_all
from wideload.resolving import http_for, resolved, with_layers
from wideload.slim.ahead import SlimAhead
from wideload.slim.guarding import Layers, guard
from wideload.slim.runtime import uses_sdk
from wideload.slim.slimming import slim, slim_fetched
from wideload.source.choose import find_function
from wideload.source.function import read_function
from wideload.values.function import Strategy
from wideload.values.slimmed import SlimOptions
from wideload.values.target import Family
from wideload.values.tree import LocalFile

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from wideload.build.bootstrap import Loading
    from wideload.clouds import Destination
    from wideload.deploy.cloud import Cloud
    from wideload.deploy.once import Once
    from wideload.deploy.progress import Progress
    from wideload.prepared import Narrator
    from wideload.values.attached import LayerSource
    from wideload.values.deployment import DeploymentResult
    from wideload.values.function import Function
    from wideload.values.instruction import Smoke
    from wideload.values.proposal import Plan, Proposal, Refusal
    from wideload.values.resolution import Resolution
    from wideload.values.split import Split
    from wideload.values.unused import Chooser


class Terms(msgspec.Struct, frozen=True):
    """How a deployment is to be done."""

    dry_run: bool = False
    adopt: bool = False
    """Take over a function that wideload did not make."""
    create_network: bool = False
    """Make what a function is to mount and is not there."""


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
        base=imaging.other_base(function),
    )


def _chooser(function: Function, resolution: Resolution) -> Chooser | None:
    if function.slim != "traced":
        return None
    from wideload.trace.choosing import ByProfile  # noqa: PLC0415
    from wideload.trace.files import profile_path  # noqa: PLC0415

    path = profile_path(function)
    return ByProfile(path, function.target, resolution.wheels, function.keep)


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
        self.layers_of = layers or (lambda root: cloud_of(root, destination).attached)

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
        tell = self.narrator.tell
        function, layers = with_layers(
            function,
            self.layers_of,
            http,
            self.cache,
            tell,
            upgrade=upgrade,
            compare=compare,
        )
        resolution, share = resolved(function, layers, self.cache, tell, upgrade=upgrade)
        fetched = resolution.downloaded_bytes + http.received
        resolution = msgspec.structs.replace(resolution, downloaded_bytes=fetched)
        attached = Attached(layers, share)
        imaging.record_base(function, self.cache, self.narrator, upgrade=upgrade)
        if function.target.family is not Family.PYTHON:
            slimmed = slimmed_packages(function, resolution)
            return Prepared(function, resolution, slimmed, attached)
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
        for line in over_budget(prepared.function, prepared.slimmed.tree):
            self.narrator.tell(f"note: {line}; `build` stops at that")
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
        bundle = bootstrapping.weigh(prepared.resolution, prepared.slimmed)
        return propose(
            function.name,
            prepared.resolution,
            prepared.slimmed,
            wanted=function.strategy,
            attached=prepared.attached.layers,
            pins=function.split,
            before=read_places(places_path(function)),
            parted=shared,
            bundle=bundle,
            image=imaging.weigh(prepared),
            mount=mounting.weigh(function, bundle, prepared.slimmed.tree),
            settings=function.settings,
            prefer=function.merit,
            measured=read_measured(prepared),
            needs_internet=bool(function.network),
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
        guarded, plan = False, None
        if prepared.slimmed.exact:
            # What is refused is refused before anything is fetched.
            guarded = self._guard(prepared)
            plan = self._weigh(prepared)
            chosen(plan, function.strategy)
        if function.target.family is not Family.PYTHON:
            prepared, paths = installed_packages(prepared, self.cache, self.narrator)
            plan = None
        elif prepared.slimmed.exact:
            paths = self.wheels(prepared)
        else:
            whole = function.slim != "traced"
            with SlimAhead(function.target, self.cache, whole=whole) as ahead:
                paths = self.wheels(prepared, ahead)
                prepared = self._slim_exactly(prepared, paths, ahead)
        if not guarded:
            self._guard(prepared, paths)
        slimmed = prepared.slimmed
        slimmed = msgspec.structs.replace(slimmed, tree=read_whole(slimmed.tree))
        return Fetched(msgspec.structs.replace(prepared, slimmed=slimmed), paths, plan)

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
        plan = None if shared else fetched.plan
        plan = plan or self._weigh(prepared, shared)
        proposal = chosen(plan, function.strategy)
        if prepared.attached.layers or (proposal.split and proposal.split.layers):
            function = self._seeing_layers(function)
        before = last_manifest(folder)
        check_budget(function, prepared.slimmed.tree, prepared.resolution, before)
        loading = None
        if proposal.bundle is not None or proposal.strategy is Strategy.EFS:
            loading, helpers = self._loading(mounting.filled(prepared, proposal))
            paths = {**helpers, **paths}
        elif proposal.strategy is Strategy.S3_FILES:
            tell = self.narrator.tell
            loading = bootstrapping.loading_without_bundle(function, self.cache, tell)
        image = None
        if proposal.strategy is Strategy.IMAGE:
            image = imaging.imaging_of(function, self.cache, self.narrator, folder)
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
                image,
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
            http_for(prepared.function),
            self.cache,
            self.narrator.tell,
        )

    def _compressing(self, proposal: Proposal) -> AbstractContextManager[Callable[[int], None]]:
        if proposal.strategy not in (Strategy.S3_BOOTSTRAP, Strategy.EFS):
            return contextlib.nullcontext(lambda _: None)
        return self.narrator.progress("packing the bundle", proposal.unzipped_bytes)

    def _seeing_layers(self, function: Function) -> Function:
        """The function with the layers' folders in its search path, where the user set one."""
        environment = function.settings.environment
        variable, path = search_path(environment, function.target)
        if path is None or path == environment[variable]:
            return function
        self.narrator.tell(
            f"note: {variable} is made to name the layers' folders as well, which it would hide: "
            f"{path}"
        )
        settings = msgspec.structs.replace(
            function.settings, environment={**environment, variable: path}
        )
        return msgspec.structs.replace(function, settings=settings)

    def wheels(self, prepared: Prepared, ahead: SlimAhead | None = None) -> dict[str, Path]:
        """The wheels that are packed, by sha256, fetched where they are not at hand."""
        if prepared.function.target.family is not Family.PYTHON:
            return installed_packages(prepared, self.cache, self.narrator)[1]
        gone = {one.name for one in prepared.slimmed.provided}
        wheels = [wheel for wheel in prepared.resolution.wheels if wheel.name not in gone]
        lacking = [
            wheel for wheel in wheels if not self.cache.verified("wheels", wheel.sha256, ".whl")
        ]
        http = http_for(prepared.function)
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
            create_network=terms.create_network,
            smoke=smoke,
            progress=progress,
            once=once,
        )

    def cloud(self, root: Path, destination: Destination) -> Cloud:
        """AWS, or the embedded one of the project at `root`, started if need be."""
        return cloud_of(root, destination)
