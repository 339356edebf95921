"""From a project's configuration and a folder to a :class:`Function`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from wideload.errors import WideloadError
from wideload.source.choose import unknown_function
from wideload.source.config import parse_size
from wideload.source.files import list_files, measure
from wideload.source.handler import check_handler
from wideload.source.ignore import Rules, read_ignore_file
from wideload.source.locks import Selection
from wideload.source.nearest import nearest
from wideload.source.requirements import read_requirements
from wideload.source.secrets import guard_secrets
from wideload.values.function import (
    Budget,
    BundleAccess,
    Bytecode,
    Docstrings,
    Function,
    Prefer,
    Settings,
    Slim,
    Strategy,
)
from wideload.values.split import Place
from wideload.values.target import Target

if TYPE_CHECKING:
    from collections.abc import Callable

    from wideload.source.config import FunctionConfig, Project


def read_function(
    project: Project,
    name: str,
    *,
    cache: Path | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Function:
    """The function of this name, its files measured and its requirements read.

    :param cache: folder in which sizes that are slow to know are kept between runs.
    :param tell: takes notes: what was preferred, what could not be checked.
    :raises WideloadError: anything in the function's folder or configuration that is not as
        it must be.
    """
    config = project.functions.get(name)
    if config is None:
        raise unknown_function(project, name)
    root = Path(project.root)
    source = _folder(project, name, config)
    target = Target.parse(config.runtime, config.architecture)
    asked = read_requirements(
        name,
        config.requirements,
        source,
        root,
        Selection(target, config.groups, config.extras),
        tell,
    )
    rules = Rules(
        ignore=read_ignore_file(source),
        exclude=config.exclude,
        include=config.include,
        tests=config.tests,
        inputs=[
            os.path.relpath(path, source)
            for path in asked.inputs
            if Path(path).is_relative_to(source)
        ],
    )
    files = list_files(source, rules)
    guard_secrets(files, config.allow_secrets)
    check_handler(
        config.handler,
        files,
        source,
        target,
        packages=asked.names,
        layers=bool(config.layers),
        tell=tell,
    )
    strategy: Strategy | Literal["auto"] = (
        "auto" if config.strategy == "auto" else Strategy(config.strategy)
    )
    return Function(
        name=name,
        root=project.root,
        source=str(source),
        handler=config.handler,
        target=target,
        files=measure(files, cache),
        requirements=asked.requirements,
        settings=Settings(
            memory=config.memory,
            timeout=config.timeout,
            ephemeral=config.ephemeral,
            environment=config.environment,
            layers=config.layers,
            description=config.description,
        ),
        strategy=strategy,
        bundle_access=msgspec.convert(config.bundle_access, BundleAccess),
        network=config.network,
        slim=msgspec.convert(config.slim, Slim),
        bytecode=msgspec.convert(config.bytecode, Bytecode),
        docstrings=msgspec.convert(config.docstrings, Docstrings),
        keep=config.keep,
        allow_unloadable=config.allow_unloadable,
        prefer=None if config.prefer is None else msgspec.convert(config.prefer, Prefer),
        split={name: msgspec.convert(place, Place) for name, place in config.split.items()},
        budget=Budget(
            None if config.max_unzipped is None else parse_size(config.max_unzipped),
            None if config.max_zipped is None else parse_size(config.max_zipped),
        ),
    )


def _folder(project: Project, name: str, config: FunctionConfig) -> Path:
    folder = (Path(project.root) / config.source).resolve()
    if folder.is_dir():
        return folder
    beside = folder.parent.iterdir() if folder.parent.is_dir() else ()
    guess = nearest(folder.name, (each.name for each in beside if each.is_dir()))
    raise WideloadError(
        f"the source folder of {name!r} is {'a file' if folder.exists() else 'missing'}",
        why=f"source = {config.source!r} of {project.config} is {folder}",
        hint=f"did you mean {guess!r}?" if guess else "mend the key source",
    )
