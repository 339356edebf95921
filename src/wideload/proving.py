"""Composes what is learnt of a function by running it on this machine: that it works, that
slimming changed nothing of it, and what it uses."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from wideload.bootstrapping import LOADER_MODULE
from wideload.build.ahead import Ahead
from wideload.build.splice import splice
from wideload.errors import WideloadError
from wideload.mounting import MOUNTED_MODULE
from wideload.prepared import pinned
from wideload.running import environment, running_spec, unpacked_layers
from wideload.sandbox.linux import LinuxSandbox
from wideload.sandbox.unpack import unpack
from wideload.trace.account import account
from wideload.trace.files import profile_path, write_profile
from wideload.trace.keep import RULE as UNUSED
from wideload.trace.recorder import INIT_TIMEOUT, trace_function
from wideload.values.profile import PackageUse, Profile
from wideload.values.target import Family
from wideload.values.tree import WheelMember
from wideload.verify import verifier
from wideload.verify.modules import all_modules, top_level_modules

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from wideload.pipeline import Pipeline
    from wideload.prepared import Built, Prepared
    from wideload.values.artifact import Manifest
    from wideload.values.function import Function
    from wideload.values.verdict import Verdict


class Traced(msgspec.Struct, frozen=True):
    """What came of tracing a function."""

    path: Path
    """Where the profile lies."""
    profile: Profile
    account: tuple[PackageUse, ...]


def verify(pipeline: Pipeline, built: Built, events: Sequence[Path] = ()) -> Verdict:
    """Start the build as Lambda would, import what it packs, and invoke the events.

    :param events: none is event.json of the function's folder, where there is one.
    """
    is_python = built.function.target.family is Family.PYTHON
    return verifier.verify(
        LinuxSandbox(pipeline.cache.root),
        running_spec(pipeline, built),
        top_level_modules(built.packed) if is_python else (),
        verifier.read_cases(events, Path(built.function.source)),
        first=_first(built.manifest),
    )


def compare(pipeline: Pipeline, built: Built, events: Sequence[Path] = ()) -> Verdict:
    """Hold a slimmed build to what the same function does unslimmed."""
    function = built.function
    prepared = pipeline.prepare(msgspec.structs.replace(function, slim="none"))
    tree = prepared.slimmed.tree
    shipped = {entry.path for entry in built.packed}
    kept = tree.where(
        lambda entry: (
            isinstance(entry.origin, WheelMember)
            # A module may ship compiled, in the place of its source.
            and (entry.path in shipped or f"{entry.path}c" in shipped)
        )
    )
    unused = {one.path for one in built.manifest.removals if one.rule == UNUSED}
    spec = running_spec(pipeline, built)
    with _whole(pipeline, prepared) as task:
        return verifier.compare(
            LinuxSandbox(pipeline.cache.root),
            spec,
            msgspec.structs.replace(
                spec,
                task=str(task),
                container=None,
                handler=function.handler,
                environment=function.settings.environment,
            ),
            all_modules(kept) if function.target.family is Family.PYTHON else (),
            verifier.read_cases(events, Path(function.source)),
            all_modules(tree.where(lambda entry: entry.path in unused)),
            first=_first(built.manifest),
        )


def trace(pipeline: Pipeline, function: Function, events: Sequence[Path] = ()) -> Traced:
    """Run the events and write down what they use of all that could be packed.

    Nothing is left out of what runs but what the runtime carries, and no limit of
    Lambda's refuses it, since it is not to be shipped.

    :raises WideloadError: there is no event or no tracer, or the function fails, or it is none
        in Python.
    """
    if function.target.family is not Family.PYTHON:
        raise WideloadError(
            f"{function.name} cannot be traced",
            why=f"functions in Python are; this one runs on {function.target.runtime}",
            hint="leave slim as it is: what is safe to leave out is told by paths",
        )
    cases = verifier.read_cases(events, Path(function.source))
    if function.slim != "none":
        function = msgspec.structs.replace(function, slim="runtime")
    prepared = pipeline.prepare(function)
    wheels = prepared.resolution.wheels
    layers = unpacked_layers(pipeline, prepared.attached.layers, Path(function.root))
    with _whole(pipeline, prepared) as task:
        profile = trace_function(
            LinuxSandbox(pipeline.cache.root, init_timeout=INIT_TIMEOUT),
            environment(function, task, layers),
            cases,
            pinned(prepared.resolution, prepared.slimmed),
        )
    path = profile_path(function)
    if write_profile(path, profile):
        pipeline.narrator.tell(f"traced into {path.name}; commit it")
    names = {wheel.sha256: wheel.name for wheel in wheels}
    return Traced(path, profile, account(prepared.slimmed.tree, profile, names, function.keep))


@contextlib.contextmanager
def _whole(pipeline: Pipeline, prepared: Prepared) -> Iterator[Path]:
    """A folder with all of a function's tree, for as long as it is looked at."""
    wheels = {wheel.sha256: wheel for wheel in prepared.resolution.wheels}
    paths = pipeline.wheels(prepared)
    with tempfile.TemporaryDirectory(prefix="wideload-") as folder:
        package, task = Path(folder) / "whole.zip", Path(folder) / "task"
        # The function, which is another user, has to reach it.
        Path(folder).chmod(0o755)
        ahead = Ahead(package, pipeline.cache)
        splice(prepared.slimmed.tree, wheels, paths, package, pipeline.cache, ahead)
        unpack(package, task)
        yield task


def _first(manifest: Manifest) -> str:
    """What has to be imported before the packages can be."""
    if manifest.mount is not None:
        return MOUNTED_MODULE
    return LOADER_MODULE if manifest.bundle else ""
