"""Whether a layer made by others is for a target, by what it says and by what lies in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.tags import parse_tag

from wideload.errors import WideloadError
from wideload.values.attached import PLAIN_ROOT
from wideload.values.target import Family

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wideload.values.attached import AttachedLayer, Held
    from wideload.values.target import Target


def roots(target: Target) -> tuple[str, ...]:
    """Folders of a layer that the target's Python looks into, in its order; none of others."""
    if target.family is not Family.PYTHON:
        return ()
    return f"python/lib/python{target.python_version}/site-packages", PLAIN_ROOT


def visible(layer: AttachedLayer, target: Target) -> tuple[Held, ...]:
    """The distributions of a layer that the target's Python finds."""
    seen = roots(target)
    return tuple(held for held in layer.distributions if held.root in seen)


def check_fit(layer: AttachedLayer, target: Target) -> None:
    """Refuse a layer that is for another runtime, Python or architecture.

    :raises WideloadError: naming what says so.
    """
    reason = next(_reasons(layer, target), None)
    if reason:
        raise WideloadError(
            f"layer {layer.arn} is not for {target.runtime} on {target.architecture}",
            why=reason,
            hint=f"name the layer that is made for {target.runtime} on {target.architecture}",
        )


def _reasons(layer: AttachedLayer, target: Target) -> Iterator[str]:
    if layer.runtimes and target.runtime not in layer.runtimes:
        yield f"its CompatibleRuntimes are {', '.join(layer.runtimes)}"
    if layer.architectures and target.architecture not in layer.architectures:
        yield f"its CompatibleArchitectures are {', '.join(layer.architectures)}"
    if target.family is not Family.PYTHON:
        return
    seen = roots(target)
    if layer.distributions and not visible(layer, target):
        folders = sorted({held.root for held in layer.distributions})
        yield f"its distributions lie in {', '.join(folders)}, where this Python does not look"
    loading = set(target.tags())
    for held in visible(layer, target):
        tags = {tag for line in held.tags for tag in parse_tag(line)}
        if tags and not tags & loading:
            yield f"{held.name} {held.version} in it was built for {', '.join(held.tags)}"
    major, minor = target.python
    abi = f"cpython-{major}{minor}-{target.architecture.machine}-linux-gnu"
    for one in layer.extensions:
        if one.root in seen and abi not in one.abis:
            yield f"{one.root}/{one.module} in it has compiled modules for {', '.join(one.abis)}"
