"""Makes each way to start a function ready, for `wideload bench` to time beside the others."""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal, assert_never

import msgspec

from wideload import mounting
from wideload.bench import baselines, node_baselines, provided_baselines
from wideload.bench.measure import Contender
from wideload.bench.slow_files import LATENCY_MS
from wideload.build.ahead import Ahead
from wideload.build.builder import FUNCTION_ZIP
from wideload.build.builder import build as write_build
from wideload.build.bundle.provided import EXECUTABLE
from wideload.clouds import reach
from wideload.nodejs import find_node
from wideload.prepared import Built, Fetched, Prepared, state_folder
from wideload.running import bare_spec, running_spec
from wideload.values.artifact import BUNDLE_ROLE, FUNCTION_ROLE
from wideload.values.function import BundleStart, Function, Strategy
from wideload.values.instruction import UploadObject
from wideload.values.proposal import Proposal
from wideload.values.target import Family

if TYPE_CHECKING:
    from wideload.deploy.cloud import Cloud
    from wideload.pipeline import Pipeline
    from wideload.values.environment import EnvironmentSpec

Baseline = Literal["whole", "plain", "shell", "stream"]
_WHAT: dict[Strategy | Baseline, str] = {
    Strategy.DIRECT_ZIP: "all of it in /var/task",
    Strategy.S3_ZIP: "all of it in /var/task",
    Strategy.LAYERS: "its packages in layers at /opt",
    Strategy.S3_BOOTSTRAP: "its packages from S3, unpacked into /tmp while they are imported",
    Strategy.IMAGE: "an image with a root of its own, as if all of it were on the machine",
    Strategy.EFS: f"its packages mounted, {LATENCY_MS:g} ms for each uncached open, stat and read",
    Strategy.S3_FILES: "its packages mounted, simulated as EFS, on which S3 Files is built",
    "whole": "the same, all of the bundle fetched at start instead of what was traced",
    "plain": "the same package in /var/task, as if no limit refused it",
    "shell": "the unslimmed package from S3, unzipped and started as a program of its own",
    "stream": "the unslimmed package from S3 as a tar.gz, unpacked before it is imported",
}
_TIMINGS = {"WIDELOAD_TIMINGS": "1"}
_LEVEL = 6


class Maker:
    """Makes each way ready, in folders of its own beside the function's build."""

    def __init__(self, pipeline: Pipeline, function: Function) -> None:
        self._pipeline = pipeline
        self._fetched = pipeline.fetch(pipeline.prepare(function))
        self.prepared = self._fetched.prepared
        self.function = self.prepared.function
        self.plan = pipeline.plan(mounting.as_if_configured(self.prepared))
        self._raw: Fetched | None = None
        self.sizes: set[int] = set()
        """Bytes of each object that a way fetches from S3."""

    def contender(self, way: Strategy | Baseline) -> Contender:
        """The function, ready to be started this way.

        :raises UnreachableError: it is an image whose base cannot be asked for.
        :raises WideloadError: it cannot be made.
        """
        return Contender(way, _WHAT[way], self._spec(way))

    def _spec(self, way: Strategy | Baseline) -> EnvironmentSpec:
        """What an environment is started from that starts the function this way."""
        if isinstance(way, Strategy):
            return self._strategy(way)
        match way:
            case "whole":
                return self._strategy(Strategy.S3_BOOTSTRAP, way, bundle_start="all")
            case "plain":
                return self._timed(running_spec(self._pipeline, self._whole(self._fetched, way)))
            case "shell":
                return self._shell()
            case "stream":
                built = self._whole(self._unslimmed(), "raw")
                package = self._archive(built)
                sha256 = _digest(package)
                code = {f"{baselines.STREAM_MODULE}.py": baselines.STREAM}
                return self._fetching(built, baselines.STREAM_MODULE, code, package, sha256)
            case _:
                assert_never(way)

    def _shell(self) -> EnvironmentSpec:
        match self.function.target.family:
            case Family.PYTHON:
                return self._python_shell()
            case Family.NODE:
                return self._node_shell()
            case Family.PROVIDED:
                return self._provided_shell()
            case other:
                assert_never(other)

    def _python_shell(self) -> EnvironmentSpec:
        module = baselines.SHELL_MODULE
        built = self._whole(self._unslimmed(), "raw")
        code = {f"{module}.py": baselines.SHELL, "main.py": baselines.SHELL_MAIN}
        package = built.folder / FUNCTION_ZIP
        sha256 = built.manifest.artifact(FUNCTION_ROLE).sha256
        return self._fetching(built, module, code, package, sha256)

    def _node_shell(self) -> EnvironmentSpec:
        module = node_baselines.SHELL_MODULE
        built = self._whole(self._unslimmed(), "raw")
        code = {f"{module}.mjs": node_baselines.SHELL, "main.mjs": node_baselines.SHELL_MAIN}
        package = built.folder / FUNCTION_ZIP
        sha256 = built.manifest.artifact(FUNCTION_ROLE).sha256
        cache = self._pipeline.cache.root
        node = find_node(self.function.target.node, cache / "sandbox")
        packages = node_baselines.shell_packages(cache / "bench-node", node)
        task = self._folder(f"{module}-task")
        shutil.copytree(packages / "node_modules", task / "node_modules", dirs_exist_ok=True)
        return self._fetching(built, module, code, package, sha256)

    def _provided_shell(self) -> EnvironmentSpec:
        module, code = baselines.SHELL_MODULE, {EXECUTABLE: provided_baselines.SHELL_BOOTSTRAP}
        built = self._whole(self._unslimmed(), "raw")
        package = built.folder / FUNCTION_ZIP
        sha256 = built.manifest.artifact(FUNCTION_ROLE).sha256
        spec = self._fetching(built, module, code, package, sha256)
        (Path(spec.task) / EXECUTABLE).chmod(0o755)
        return msgspec.structs.replace(spec, handler=self.function.handler)

    def _folder(self, name: str) -> Path:
        return state_folder(self.function) / "bench" / self.function.name / name

    @property
    def scratch(self) -> Path:
        """A folder for what is there while it is measured."""
        return self._folder("scratch")

    def _strategy(
        self, strategy: Strategy, name: str = "", bundle_start: BundleStart | None = None
    ) -> EnvironmentSpec:
        function = msgspec.structs.replace(
            self.function,
            strategy=strategy,
            bundle_start=bundle_start or self.function.bundle_start,
        )
        prepared = msgspec.structs.replace(self._fetched.prepared, function=function)
        # What was planned was for all ways.
        fetched = msgspec.structs.replace(self._fetched, prepared=prepared, plan=None)
        built = self._pipeline.pack(fetched, folder=self._folder(name or strategy.value))
        spec = running_spec(self._pipeline, built)
        if strategy is Strategy.IMAGE:
            # What tells of an import would lie in a layer, and images have none.
            return spec
        if strategy is not Strategy.S3_BOOTSTRAP:
            return self._timed(spec)
        self.sizes.add(built.manifest.artifact(BUNDLE_ROLE).size)
        return msgspec.structs.replace(spec, environment={**spec.environment, **_TIMINGS})

    def _unslimmed(self) -> Fetched:
        if self._raw is None:
            raw = msgspec.structs.replace(self.function, slim="none")
            self._raw = self._pipeline.fetch(self._pipeline.prepare(raw))
        return self._raw

    def _whole(self, fetched: Fetched, name: str) -> Built:
        """All of it in one zip, whatever it weighs."""
        prepared, folder = fetched.prepared, self._folder(name)
        tree = prepared.slimmed.tree
        proposal = Proposal(Strategy.DIRECT_ZIP, tree.zipped_bytes, tree.unzipped_bytes, "")
        return self._built(prepared, fetched.paths, proposal, folder)

    def _built(
        self, prepared: Prepared, paths: dict[str, Path], proposal: Proposal, folder: Path
    ) -> Built:
        cache, function = self._pipeline.cache, prepared.function
        manifest = write_build(
            function,
            prepared.resolution,
            prepared.slimmed,
            proposal,
            paths,
            folder,
            cache,
            Ahead(folder / FUNCTION_ZIP, cache),
        )
        tree = prepared.slimmed.tree
        return Built(function, self.plan, manifest, tree, folder, prepared.attached.layers)

    def _timed(self, spec: EnvironmentSpec) -> EnvironmentSpec:
        """The same, with a handler around the function's that tells how long its import took."""
        layer = self._folder("plain-handler")
        match self.function.target.family:
            case Family.PYTHON:
                _write(layer / "python" / f"{baselines.PLAIN_MODULE}.py", baselines.PLAIN)
                handler = f"{baselines.PLAIN_MODULE}.handler"
            case Family.NODE:
                _write(layer / node_baselines.PLAIN_FILE, node_baselines.PLAIN)
                handler = node_baselines.PLAIN_HANDLER
            case Family.PROVIDED:
                # It has no import: what it does before it asks for events is not told apart.
                return spec
            case other:
                assert_never(other)
        return msgspec.structs.replace(
            spec,
            handler=handler,
            layers=(*spec.layers, str(layer)),
            environment={**spec.environment, "BENCH_HANDLER": spec.handler},
        )

    def _fetching(
        self, built: Built, module: str, code: dict[str, str], package: Path, sha256: str
    ) -> EnvironmentSpec:
        """A function of this code, which fetches a package from S3."""
        root = Path(self.function.root)
        cloud = self._pipeline.cloud(root, "local")
        bucket, key = self._bring(cloud, package, sha256)
        task = self._folder(f"{module}-task")
        for name, text in code.items():
            _write(task / name, text)
        where = reach(root)
        # The package itself is not unpacked for it.
        spec = bare_spec(self._pipeline, built, task)
        return msgspec.structs.replace(
            spec,
            handler=f"{module}.handler",
            # What it fetches and what it unpacks of it lie there side by side.
            ephemeral=max(
                spec.ephemeral, _room(package.stat().st_size + built.packed.unzipped_bytes)
            ),
            environment={
                **spec.environment,
                "BENCH_HANDLER": self.function.handler,
                "BENCH_BUCKET": bucket,
                "BENCH_KEY": key,
            },
            credentials=where.credentials,
            region=where.region,
            account=where.account,
        )

    def _bring(self, cloud: Cloud, package: Path, sha256: str) -> tuple[str, str]:
        """Bucket and key of a file, where nothing names it: so that `gc` takes it away."""
        from wideload.deploy import names  # noqa: PLC0415
        from wideload.deploy.bundles import bring  # noqa: PLC0415

        identity = cloud.identity()
        bucket = names.bucket_name(identity)
        key = f"{names.bundle_prefix(self.function.name)}bench/{sha256}"
        size = package.stat().st_size
        self.sizes.add(size)
        step = UploadObject(bucket, key, identity.account, package.name, sha256, size)
        bring(step, package.parent, cloud)
        return bucket, key

    def _archive(self, built: Built) -> Path:
        """The package as a tar.gz, made once."""
        sha256 = built.manifest.artifact(FUNCTION_ROLE).sha256
        path = built.folder / f"{sha256[:16]}.tar.gz"
        if path.is_file():
            return path
        tree = Path(running_spec(self._pipeline, built).task)
        temporary = path.with_suffix(".new")
        with (
            gzip.open(temporary, "wb", compresslevel=_LEVEL) as out,
            tarfile.open(fileobj=out, mode="w|") as archive,
        ):
            for entry in sorted(tree.iterdir()):
                archive.add(entry, entry.name)
        temporary.replace(path)
        return path


def _room(size: int) -> int:
    """MB of /tmp in which so many bytes of files fit."""
    return (size + size // 8 >> 20) + 64


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write(path: Path, text: str) -> None:
    """A file that the function may read, though it is not its owner's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    for each in (path, path.parent):
        each.chmod(0o644 if each == path else 0o755)
    os.sync()
