"""Composes what a function in Node.js is made of: weighed by its lock, then installed by npm."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from wideload.nodejs import find_node
from wideload.prepared import Prepared
from wideload.resolve.http import Http
from wideload.resolve.npm import install_npm, resolve_npm
from wideload.resolve.npm_config import LOGIN, NpmConfig
from wideload.slim.npm import NpmOptions, slim_npm
from wideload.values.function import NpmRequirements

if TYPE_CHECKING:
    from wideload.cache import Cache
    from wideload.prepared import Narrator
    from wideload.values.function import Function
    from wideload.values.resolution import Resolution
    from wideload.values.slimmed import Slimmed
    from wideload.values.target import Target


def resolved_packages(requirements: NpmRequirements, target: Target, cache: Cache) -> Resolution:
    """The packages of a lock, with their files where these are known.

    :raises WideloadError: the registry cannot be reached, or does not have one of them.
    """
    config = NpmConfig.gather([Path(requirements.path).parent], os.environ)
    return resolve_npm(requirements, target, config, Http(config, LOGIN), cache)


def slimmed_packages(function: Function, resolution: Resolution) -> Slimmed:
    """What of a function ships that is no Python: its own files, and its packages' if it has any.

    :raises WideloadError: files of two sides do not fit into one folder.
    """
    options = NpmOptions(
        rules=function.slim == "safe",
        keep=function.keep,
        environment=function.settings.environment,
    )
    return slim_npm(resolution, function.files, options)


def installed_packages(
    prepared: Prepared, cache: Cache, narrator: Narrator
) -> tuple[Prepared, dict[str, Path]]:
    """The same with the packages at hand, and where their archives lie by sha256.

    :raises WideloadError: there is no npm, or it does not install what the lock says.
    """
    function = prepared.function
    requirements = function.requirements
    if not isinstance(requirements, NpmRequirements):
        return prepared, {}
    skipped = [one.label for one in requirements.packages if one.runs_script]
    if skipped and not requirements.install_scripts and prepared.resolution.estimated:
        narrator.tell(
            f"note: install scripts are not run ({', '.join(skipped)}); where one is needed, "
            "set install_scripts = true"
        )
    total = sum(wheel.unzipped_bytes for wheel in prepared.resolution.wheels)
    with narrator.progress("installing packages", total) as done:
        resolution, paths = install_npm(
            requirements,
            function.target,
            lambda: find_node(function.target.node, cache.root),
            cache,
            done,
        )
    resolution = msgspec.structs.replace(
        resolution, downloaded_bytes=prepared.resolution.downloaded_bytes
    )
    slimmed = slimmed_packages(function, resolution)
    return Prepared(function, resolution, slimmed, prepared.attached), paths
