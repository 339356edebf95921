"""From a project's configuration and a folder to a :class:`Function`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal, assert_never

import msgspec

from wideload.errors import WideloadError
from wideload.source.bootstrap_file import check_bootstrap
from wideload.source.choose import unknown_function
from wideload.source.files import SourceFile, list_files, measure
from wideload.source.handler import check_handler
from wideload.source.ignore import Rules, read_ignore_file
from wideload.source.keys import PREFER_MERIT, PREFER_VERSION, FunctionConfig
from wideload.source.locks import Selection
from wideload.source.making import make
from wideload.source.nearest import nearest
from wideload.source.node_handler import check_node_handler
from wideload.source.npm_requirements import read_npm_requirements
from wideload.source.requirements import read_requirements, refuse_selection
from wideload.source.secrets import guard_secrets
from wideload.source.size import parse_size
from wideload.values.function import (
    Budget,
    BundleAccess,
    BundleStart,
    Bytecode,
    Docstrings,
    Function,
    Merit,
    NoRequirements,
    Prefer,
    Requirements,
    Settings,
    Slim,
    Strategy,
)
from wideload.values.mount import Mounts, Vpc
from wideload.values.split import Place
from wideload.values.target import Family, Target

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wideload.source.config import Project


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
    read = _Read(name, config, source, root, target, tell)
    match target.family:
        case Family.PYTHON:
            files, requirements = read.python()
        case Family.NODE:
            files, requirements = read.node()
        case Family.PROVIDED:
            files, requirements = read.provided()
        case _:
            assert_never(target.family)
    if config.slim == "traced" and target.family is not Family.PYTHON:
        raise WideloadError(
            f"{name} cannot be slimmed by a trace",
            why=f"functions in Python can; this one runs on {target.runtime}",
            hint='set slim = "safe"',
        )
    if config.bundle_start == "traced":
        _check_traced_start(name, config, target)
    strategy: Strategy | Literal["auto"] = (
        "auto" if config.strategy == "auto" else Strategy(config.strategy)
    )
    version = _one_of(config.preferred, PREFER_VERSION)
    return Function(
        name=name,
        root=project.root,
        source=str(source),
        handler=config.handler,
        target=target,
        files=measure(files, cache),
        requirements=requirements,
        settings=Settings(
            memory=config.memory,
            timeout=config.timeout,
            ephemeral=config.ephemeral,
            environment=config.environment,
            layers=config.layers,
            description=config.description,
            provisioned_concurrency=config.provisioned_concurrency,
            snap_start=config.snap_start,
            vpc=Vpc(config.subnets, config.security_groups),
            mounts=Mounts(
                config.efs_access_point or "",
                config.s3_files_access_point or "",
                config.mount_path,
            ),
        ),
        strategy=strategy,
        bundle_access=msgspec.convert(config.bundle_access, BundleAccess),
        bundle_start=msgspec.convert(config.bundle_start, BundleStart),
        network=config.network,
        slim=msgspec.convert(config.slim, Slim),
        bytecode=msgspec.convert(config.bytecode, Bytecode),
        docstrings=msgspec.convert(config.docstrings, Docstrings),
        keep=config.keep,
        allow_unloadable=config.allow_unloadable,
        prefer=None if version is None else msgspec.convert(version, Prefer),
        merit=msgspec.convert(_one_of(config.preferred, PREFER_MERIT) or "simple", Merit),
        image_base=config.image_base or "",
        image_file=_image_file(name, config, source),
        split={name: msgspec.convert(place, Place) for name, place in config.split.items()},
        budget=Budget(
            None if config.max_unzipped is None else parse_size(config.max_unzipped),
            None if config.max_zipped is None else parse_size(config.max_zipped),
        ),
    )


def _image_file(name: str, config: FunctionConfig, source: Path) -> str:
    if config.image_file is None:
        return ""
    path = source / config.image_file
    if not path.is_file():
        raise WideloadError(
            f"{name} has no {config.image_file}",
            why=f"there is no file {path}",
            hint="name a Dockerfile of the source folder, or take image_file out",
        )
    if config.image_base:
        raise WideloadError(
            f"{name} has both image_base and image_file",
            why="a Dockerfile names its base itself",
            hint="take one of them out",
        )
    return str(path)


def _one_of(words: Sequence[str], known: Sequence[str]) -> str | None:
    return next((word for word in words if word in known), None)


def _check_traced_start(name: str, config: FunctionConfig, target: Target) -> None:
    if target.family is not Family.PYTHON:
        raise WideloadError(
            f"the bundle of {name} cannot be fetched by a trace",
            why="that of functions in Python can, whose imports can wait; this one runs on "
            f"{target.runtime}",
            hint='set bundle_start = "all"',
        )
    if config.slim == "traced":
        raise WideloadError(
            f'{name} has both slim = "traced" and bundle_start = "traced"',
            why="the one leaves out what no event used, the other ships it to be fetched late",
            hint='set slim = "safe", or bundle_start = "all"',
        )


class _Read(msgspec.Struct, frozen=True):
    """Reads files and requirements of a function, as its runtime wants them."""

    name: str
    config: FunctionConfig
    source: Path
    root: Path
    target: Target
    tell: Callable[[str], None]

    def python(self) -> tuple[list[SourceFile], Requirements]:
        config = self.config
        asked = read_requirements(
            self.name, config.requirements, self.source, self.root, self._selection(), self.tell
        )
        files = self._listed(asked.inputs)
        check_handler(
            config.handler,
            files,
            self.source,
            self.target,
            packages=asked.names,
            layers=bool(config.layers),
            tell=self.tell,
        )
        return files, asked.requirements

    def node(self) -> tuple[list[SourceFile], Requirements]:
        config = self.config
        asked = read_npm_requirements(
            config.requirements,
            self.source,
            self.root,
            self._selection(),
            install_scripts=config.install_scripts,
        )
        # npm's own settings, often with a token, are for installing.
        files = self._listed((*asked.inputs, str(self.source / ".npmrc")))
        check_node_handler(
            config.handler,
            files,
            self.source,
            self.target,
            packages=asked.names,
            layers=bool(config.layers),
            tell=self.tell,
        )
        return files, asked.requirements

    def provided(self) -> tuple[list[SourceFile], Requirements]:
        config = self.config
        if config.requirements:
            raise WideloadError(
                f"{self.name} cannot have requirements",
                why=f"{self.target.runtime} runs a program that is whole",
                hint='remove the key requirements; say how it is made with build = "..."',
            )
        refuse_selection(self._selection(), f"a function of {self.target.runtime}")
        if config.build is None:
            files = self._listed(())
        else:
            # Where else than beside the configuration would it not be in the way?
            kept = self.root / ".wideload" / "made" / self.name
            files = make(config.build, self.source, self.target, config.include, kept, self.tell)
            guard_secrets(files, config.allow_secrets)
        check_bootstrap(files, self.source, self.target, built=config.build is not None)
        return files, NoRequirements()

    def _selection(self) -> Selection:
        return Selection(self.target, self.config.groups, self.config.extras)

    def _listed(self, inputs: Sequence[str]) -> list[SourceFile]:
        config = self.config
        rules = Rules(
            ignore=read_ignore_file(self.source),
            exclude=config.exclude,
            include=config.include,
            tests=config.tests,
            inputs=[
                os.path.relpath(path, self.source)
                for path in inputs
                if Path(path).is_relative_to(self.source)
            ],
        )
        files = list_files(self.source, rules)
        guard_secrets(files, config.allow_secrets)
        return files


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
