"""Composes what an environment is started from that runs a build on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from wideload import bootstrapping, imaging, mounting
from wideload.clouds import cloud_of, reach
from wideload.resolve.attaching import layer_zip
from wideload.sandbox.unpack import unpack
from wideload.values.artifact import UNPLACED
from wideload.values.environment import EnvironmentSpec

if TYPE_CHECKING:
    from wideload.pipeline import Pipeline
    from wideload.prepared import Built
    from wideload.values.attached import AttachedLayer
    from wideload.values.function import Function


def environment(function: Function, task: Path, layers: tuple[str, ...] = ()) -> EnvironmentSpec:
    """What a function is started from whose package lies unpacked in `task`."""
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


def running_spec(pipeline: Pipeline, built: Built) -> EnvironmentSpec:
    """What an environment is started from that runs the build, unpacked.

    A bundle is brought into the embedded AWS of the project, where the function fetches it; what
    it mounts is unpacked here, and so is an image.
    """
    if built.manifest.image is not None:
        spec = environment(built.function, Path())
        return imaging.started(spec, built.folder, pipeline.cache)
    folders = []
    for package in built.manifest.artifacts:
        if package.role in UNPLACED:
            continue
        folder = pipeline.cache.path("unpacked", package.sha256)
        if not folder.is_dir():
            unpack(built.folder / package.filename, folder)
        folders.append(folder)
    task, *own = folders
    others = unpacked_layers(pipeline, built.attached, Path(built.function.root))
    spec = environment(built.function, task, (*others, *map(str, own)))
    if built.manifest.mount is not None:
        return mounting.mounted(spec, built, pipeline.cache)
    if built.manifest.bundle is None:
        return spec
    root = Path(built.function.root)
    variables = bootstrapping.stored(built.manifest, built.folder, cloud_of(root, "local"))
    return bootstrapping.started(spec, variables, reach(root))


def bare_spec(pipeline: Pipeline, built: Built, task: Path) -> EnvironmentSpec:
    """What an environment is started from that has other code in the function's place."""
    others = unpacked_layers(pipeline, built.attached, Path(built.function.root))
    return environment(built.function, task, others)


def unpacked_layers(
    pipeline: Pipeline, layers: tuple[AttachedLayer, ...], root: Path
) -> tuple[str, ...]:
    """Folders with what the attached layers hold, fetched if need be."""
    folders = [pipeline.cache.path("unpacked", layer.sha256) for layer in layers]
    for layer, folder in zip(layers, folders, strict=True):
        if not folder.is_dir():
            with pipeline.narrator.progress("fetching a layer", layer.zipped_bytes) as done:
                archive = layer_zip(layer, lambda: pipeline.layers_of(root), pipeline.cache, done)
            unpack(archive, folder)
    return tuple(map(str, folders))
