"""Composes what a function is made of: its packages, and those of layers made by others."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from wideload.errors import WideloadError
from wideload.npm import resolved_packages
from wideload.resolve.attaching import attached_layers
from wideload.resolve.credentials import Credentials
from wideload.resolve.fixed import Fixed
from wideload.resolve.http import Http
from wideload.resolve.locking import lock
from wideload.resolve.requirements import read_asked
from wideload.resolve.resolver import resolve
from wideload.resolve.subtraction import (
    Share,
    carriage,
    explain_failure,
    for_lock,
    for_open,
    of_open,
    settle,
)
from wideload.source.config import load_project
from wideload.source.locks import Selection
from wideload.source.pylock import read_pylock
from wideload.values.function import (
    Function,
    LockedRequirements,
    NoRequirements,
    NpmRequirements,
    OpenRequirements,
)
from wideload.values.resolution import Resolution

if TYPE_CHECKING:
    from collections.abc import Callable

    from wideload.cache import Cache
    from wideload.values.attached import AttachedLayer, LayerSource

# Functions that are planned side by side write one record of layers.
_RECORDING = threading.Lock()


def with_layers(
    function: Function,
    source_of: Callable[[Path], LayerSource],
    http: Http,
    cache: Cache,
    tell: Callable[[str], None],
    *,
    upgrade: bool,
    compare: bool,
) -> tuple[Function, tuple[AttachedLayer, ...]]:
    """The function with versions where it said ``latest``, and what is attached to it.

    :param source_of: who knows the layers of a project, by its folder.
    :param compare: hold the layers to what AWS has now, where it can be asked.
    :raises WideloadError: a layer cannot be had, or is none for the function's target.
    """
    asked = function.settings.layers
    if not asked:
        return function, ()
    root = Path(function.root)
    functions = load_project(root).functions.values()
    with _RECORDING:
        layers = attached_layers(
            asked,
            function.target,
            root,
            lambda: source_of(root),
            cache,
            upgrade=upgrade,
            compare=compare,
            in_use={arn for each in functions for arn in each.layers},
            http=http,
            tell=tell,
        )
    arns = tuple(layer.arn for layer in layers)
    settings = msgspec.structs.replace(function.settings, layers=arns)
    return msgspec.structs.replace(function, settings=settings), layers


def resolved(
    function: Function,
    layers: tuple[AttachedLayer, ...],
    cache: Cache,
    tell: Callable[[str], None],
    *,
    upgrade: bool,
) -> tuple[Resolution, Share]:
    """The packages of a function, with those among them that its layers carry.

    :raises WideloadError: there is no way to resolve them, or the layers contradict.
    """
    target, prefer = function.target, function.prefer
    carried = carriage(layers, target)
    match function.requirements:
        case NoRequirements():
            return Resolution(target, (), ()), Share(())
        case NpmRequirements() as packages:
            if upgrade:
                tell(f"note: {Path(packages.path).name} is npm's to renew: run `npm update`")
            return resolved_packages(packages, target, cache), Share(())
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
                tell(f"resolved into {path.name}; commit it")
            locked = read_pylock(path, Selection(target, asked.groups, asked.extras))
            resolution = resolve(
                locked,
                target,
                http_for(function),
                cache,
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
                http_for(function),
                cache,
                held=taken,
                needed=[one.name for one in taken],
            )
    what = Path(function.requirements.path).name
    for note in settle(resolution, carried, share, prefer, what):
        tell(f"note: {note}")
    return resolution, share


def http_for(function: Function) -> Http:
    """A client of the indexes that a function's packages come from, with the user's credentials."""
    folders, files = [Path(function.root), Path(function.source)], []
    if isinstance(function.requirements, OpenRequirements | LockedRequirements):
        path = Path(function.requirements.path)
        folders.append(path.parent)
        files.append(path)
    # Where uv finds its configuration when it resolves there.
    files += [
        folder / name for folder in dict.fromkeys(folders) for name in ("uv.toml", "pyproject.toml")
    ]
    return Http(Credentials.gather([file for file in files if file.is_file()], os.environ))
