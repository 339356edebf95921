"""Runs functions on this Linux machine as AWS Lambda would."""

from __future__ import annotations

import os
import platform
import shutil
import threading
from pathlib import Path
from typing import assert_never

from wideload import limits
from wideload.cold_starts import INIT_AHEAD_SECONDS
from wideload.errors import WideloadError
from wideload.relay import Relay
from wideload.sandbox import cgroups, root
from wideload.sandbox.check import c_library
from wideload.sandbox.environment import MB_PER_VCPU, LinuxEnvironment
from wideload.sandbox.image_runtime import ImageRuntime
from wideload.sandbox.log import LogPipe
from wideload.sandbox.node_runtime import NodeRuntime
from wideload.sandbox.provided_runtime import ProvidedRuntime
from wideload.sandbox.python_runtime import PythonRuntime
from wideload.sandbox.routes import EVERYTHING, Route, routes
from wideload.sandbox.runtime import InvalidEntrypoint, Runtime
from wideload.sandbox.runtime_api import RuntimeApi
from wideload.sandbox.supervised import Held, Holding, Supervisor, chosen_cpus, visible_cpus
from wideload.sandbox.variables import variables
from wideload.values.environment import EnvironmentSpec
from wideload.values.target import Architecture, Family, Target

_MACHINES = {"x86_64": Architecture.X86_64, "aarch64": Architecture.ARM64}


class LinuxSandbox:
    """Starts execution environments in Linux namespaces; implements `Sandbox`.

    What it needs besides (interpreters, the runtime's packages) is kept below `cache`, which
    any number of processes may share. Of the environments themselves nothing is kept.
    """

    def __init__(self, cache: Path, *, init_timeout: float = limits.INIT_SECONDS) -> None:
        """Nothing is looked for or made before it is needed.

        :param init_timeout: seconds that init may take before it is run again.
        """
        self._cache = cache.absolute() / "sandbox"
        self._init_timeout = init_timeout
        self._lock = threading.Lock()
        self._prepared: dict[Target, Runtime] = {}
        self._hierarchies: cgroups.Hierarchies | None = None

    def prepare(self, target: Target) -> None:
        """Find or fetch what `start` needs for this target, which may take a while once.

        :raises WideloadError: as `start`.
        """
        _check_machine(target)
        with self._lock:
            (self._cache / "scratch").mkdir(parents=True, exist_ok=True)
            if target not in self._prepared:
                self._prepared[target] = _runtime(target, self._cache)
        self._groups()

    def _groups(self) -> cgroups.Hierarchies:
        """Where groups are made; the first time those are swept away that were left behind."""
        with self._lock:
            if self._hierarchies is None:
                self._hierarchies = cgroups.find_hierarchies()
                cgroups.sweep(self._hierarchies)
            return self._hierarchies

    def _runtime_of(self, spec: EnvironmentSpec) -> Runtime:
        if spec.container is not None:
            _check_machine(spec.target)
            (self._cache / "scratch").mkdir(parents=True, exist_ok=True)
            return ImageRuntime(spec.container)
        self.prepare(spec.target)
        return self._prepared[spec.target]

    def start(self, spec: EnvironmentSpec) -> LinuxEnvironment:
        """A new environment, as `Sandbox.start`.

        :raises WideloadError: this machine cannot run it: it has another architecture, no
            interpreter of the runtime's version, no bubblewrap, or forbids namespaces; or
            `spec` names a folder that is not there or a network that cannot be given.
        """
        bwrap = shutil.which("bwrap")
        if bwrap is None:
            raise WideloadError(
                "no bubblewrap on this machine to run the function in",
                why="`bwrap` is not on the PATH",
                hint="install the package `bubblewrap`",
            )
        _check_folders(spec)
        is_open = EVERYTHING in spec.network
        ways = [] if is_open else routes(spec.endpoint, spec.network)
        runtime = self._runtime_of(spec)
        group = cgroups.Group(self._groups(), cgroups.group_name(), spec.memory)
        cpus = visible_cpus(spec.memory)
        api_address = ("127.0.0.1", 0 if is_open else 9001)
        holding = Holding(
            bwrap=bwrap,
            network=not is_open,
            listen=(api_address, *(way.inside for way in ways)),
            files=root.system_files({way.name: way.inside[0] for way in ways if way.name}, cpus),
            layers=spec.layers,
            image=spec.ephemeral << 20 if os.geteuid() == 0 else 0,
            disk=str(self._cache),
            scratch=str(self._cache / "scratch"),
            groups=tuple(map(str, group.folders)),
            thaw=tuple(group.thawing),
            memory=0 if group.holds("memory") else spec.memory << 20,
            cpus=chosen_cpus(cpus),
        )
        try:
            return self._hold(spec, runtime, holding, group, ways)
        except BaseException:
            group.remove()
            raise

    def _hold(
        self,
        spec: EnvironmentSpec,
        runtime: Runtime,
        holding: Holding,
        group: cgroups.Group,
        ways: list[Route],
    ) -> LinuxEnvironment:
        log = LogPipe()
        try:
            supervisor = Supervisor(holding, log.writer)
        finally:
            os.close(log.writer)
        listener, *others = supervisor.listeners
        address, port = listener.getsockname()
        api = RuntimeApi(listener)
        pumps = [Relay(other, way.outside) for other, way in zip(others, ways, strict=True)]
        environment = variables(spec, f"{address}:{port}", runtime.variables())
        arguments = [
            *_file_system(spec, runtime, holding, supervisor.held),
            *root.environment(environment),
        ]
        supervisor.begin(arguments, api.tell_exit)
        try:
            program, refusal = [*spec.wrapper, *_command(runtime, spec)], ""
        except InvalidEntrypoint as error:
            program, refusal = [], str(error)
        # Set once before the first init, to know what is refused.
        group.limit_cpu(spec.memory / MB_PER_VCPU)
        return LinuxEnvironment(
            spec,
            supervisor,
            program,
            refusal=refusal,
            api=api,
            pumps=pumps,
            group=group,
            log=log,
            missing=_missing(spec, group, supervisor.held),
            init_timeout=(
                self._init_timeout
                if spec.initialization == "on-demand"
                else max(INIT_AHEAD_SECONDS, spec.timeout)
            ),
        )


def _file_system(
    spec: EnvironmentSpec, runtime: Runtime, holding: Holding, held: Held
) -> list[str]:
    scratch, network = holding.scratch, not holding.network
    opt = ["--ro-bind", f"{scratch}/opt", "/opt"] if held.opt else root.layered(spec.layers)
    tmp = ["--perms", "0700", "--size", str(spec.ephemeral << 20), "--tmpfs", "/tmp"]
    if held.tmp:
        tmp = ["--bind", f"{scratch}/tmp", "/tmp"]
    if spec.container is None:
        return [
            *root.system(scratch, network=network),
            *runtime.mounts(),
            *root.function(spec.task, opt, spec.mounts, tmp),
        ]
    return [
        *root.image(spec.container.root, scratch, network=network),
        *root.image_function(
            spec.container.working_directory, opt if spec.layers else [], spec.mounts, tmp
        ),
    ]


def _check_machine(target: Target) -> None:
    if _MACHINES.get(platform.machine()) is not target.architecture:
        raise WideloadError(
            f"{target.architecture} functions do not run on this machine",
            why=f"it is {platform.machine()}, and nothing is emulated",
            hint="run it on a machine of that architecture",
        )


def _runtime(target: Target, cache: Path) -> Runtime:
    match target.family:
        case Family.PYTHON:
            return PythonRuntime(target, cache)
        case Family.NODE:
            return NodeRuntime(target, cache)
        case Family.PROVIDED:
            return ProvidedRuntime()
        case _:
            assert_never(target.family)


def _command(runtime: Runtime, spec: EnvironmentSpec) -> list[str]:
    """The runtime's command, under the user's wrapper script where he names one."""
    wrapper = spec.environment.get("AWS_LAMBDA_EXEC_WRAPPER")
    # Runtimes without a language know of no wrapper.
    if wrapper and spec.container is None and spec.target.family is not Family.PROVIDED:
        return [wrapper, *runtime.command(spec)]
    return runtime.command(spec)


def _check_folders(spec: EnvironmentSpec) -> None:
    own = spec.task if spec.container is None else spec.container.root
    for folder in (own, *spec.layers, *(mount.folder for mount in spec.mounts)):
        if not Path(folder).is_dir():
            raise WideloadError(f"no such folder to run the function from: {folder}")


def _missing(spec: EnvironmentSpec, group: cgroups.Group, held: Held) -> tuple[str, ...]:
    missing = []
    if not group.holds("memory"):
        missing.append(
            f"memory: the function is not held to its {spec.memory} MB: " + group.why_not("memory")
        )
    if not held.tmp:
        why = held.tmp_why or "a file system of its own needs root"
        missing.append(
            f"/tmp: has its {spec.ephemeral} MB, but in memory"
            + (", against which they count" if group.holds("memory") else "")
            + f": {why}"
        )
    vcpus = spec.memory / MB_PER_VCPU
    if not group.holds("cpu"):
        missing.append(
            f"cpu: the function is not held to its {vcpus:.2f} vCPUs: " + group.why_not("cpu")
        )
    available = len(os.sched_getaffinity(0))
    if available < vcpus:
        missing.append(f"cpu: {vcpus:.2f} vCPUs in Lambda, but this machine has {available}")
    if spec.initialization == "snap-start":
        missing.append(
            "SnapStart: this environment was initialised by itself; on Lambda all of a version "
            "come from one snapshot, and share what was random in it"
        )
    library = c_library(spec.target)
    # An image brings its own.
    if spec.container is None and not library.given:
        missing.append(f"{library.guarantee}: {library.why}")
    return tuple(missing)
