"""What attached layers carry is not packed: which distributions, and what stands against it.

Python looks through the function first, then through ``python/lib/pythonX.Y/site-packages``
and ``python`` of all layers, which are laid over each other, later ones on top.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from packaging.requirements import Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from wideload.errors import WideloadError
from wideload.resolve.graph import parse_wishes
from wideload.resolve.layer_fit import roots, visible
from wideload.values.attached import AttachedLayer, Held
from wideload.values.function import LockedRequirements
from wideload.values.slimmed import Provided

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from wideload.values.function import Prefer
    from wideload.values.resolution import Resolution
    from wideload.values.target import Target

_HINT = (
    'take a layer that carries a version that fits, or say which counts: prefer = "lock" packs '
    'the function\'s own, prefer = "layer" ships without'
)


class Carried(msgspec.Struct, frozen=True):
    """A distribution as the function would meet it in its layers."""

    held: Held
    by: str
    """ARN of the layer."""

    def __str__(self) -> str:
        return f"layer {self.by} carries {self.held.name} {self.held.version}"


class Carriage(msgspec.Struct, frozen=True):
    """All that the attached layers carry for a target."""

    top: dict[str, Carried]
    """By name, what Python finds first."""
    mixed: dict[str, tuple[Carried, ...]]
    """Names that several layers carry in different versions in one folder: what a function
    would import is files of both."""
    modules: dict[str, str]
    """Top-level names that can be imported from layers, with the ARN of one that has it."""

    def without(self, names: Iterable[str]) -> Carriage:
        """The same but for these names."""
        gone = set(names)
        return Carriage(
            {name: one for name, one in self.top.items() if name not in gone},
            {name: ones for name, ones in self.mixed.items() if name not in gone},
            self.modules,
        )


class Share(msgspec.Struct, frozen=True):
    """What is taken from the layers, and what is packed all the same."""

    taken: tuple[Carried, ...]
    """Sorted by name."""
    packed: tuple[Carried, ...] = ()
    """Carried in another version than the function packs."""

    @property
    def provided(self) -> tuple[Provided, ...]:
        """As slimming and planning know them."""
        return tuple(Provided(one.held.name, one.by) for one in self.taken)


def carriage(layers: Sequence[AttachedLayer], target: Target) -> Carriage:
    """What the layers carry, in the order in which they are attached."""
    found: dict[str, list[Carried]] = {}
    for layer in layers:
        for held in visible(layer, target):
            # What is no version cannot be compared: as if the layer did not say.
            if _normal(held.version) is not None:
                found.setdefault(held.name, []).append(Carried(held, layer.arn))
    first = next(iter(roots(target)), "")
    top: dict[str, Carried] = {}
    mixed: dict[str, tuple[Carried, ...]] = {}
    for name, ones in found.items():
        seen = [one for one in ones if one.held.root == first] or ones
        top[name] = seen[-1]
        if len({_normal(one.held.version) for one in seen}) > 1:
            mixed[name] = tuple(seen)
    modules = {module: layer.arn for layer in layers for module in layer.modules}
    return Carriage(top, mixed, modules)


def for_open(
    carried: Carriage,
    wishes: Iterable[str],
    target: Target,
    prefer: Prefer | None,
    what: str,
) -> Carriage:
    """What open requirements are resolved against.

    :param wishes: the user's requirements and constraints, PEP 508.
    :param what: the file that they are in, for messages.
    :raises WideloadError: a layer carries a version that they exclude, and nothing is preferred.
    """
    against: list[tuple[Carried, str]] = []
    for requirement in parse_wishes(wishes, target):
        one = carried.top.get(str(canonicalize_name(requirement.name)))
        if one and (requirement.url or not _admits(requirement, one.held.version)):
            against.append((one, str(requirement)))
    if against and prefer is None:
        raise WideloadError(
            f"{what} and the attached layers do not go together",
            why="; ".join(f"{one}, {what} asks for {line}" for one, line in against),
            hint=_HINT,
        )
    if prefer != "lock":
        return carried
    return carried.without([*(one.held.name for one, _ in against), *carried.mixed])


def for_lock(
    carried: Carriage, locked: LockedRequirements, prefer: Prefer | None
) -> tuple[LockedRequirements, Share]:
    """What is left of a lock once what the layers carry is out.

    :raises WideloadError: a layer carries another version than the lock has, and nothing is
        preferred.
    """
    taken: list[Carried] = []
    packed: list[Carried] = []
    against: list[str] = []
    name_of_lock = Path(locked.path).name
    for package in locked.packages:
        one = carried.top.get(package.name)
        if one is None:
            continue
        same = _is_version(one.held.version, package.version)
        if same and package.name in carried.mixed and prefer == "lock":
            same = False
        if same or prefer == "layer":
            taken.append(one)
        elif prefer == "lock":
            packed.append(one)
        else:
            version = package.version or f"from {Path(package.directory).name}"
            against.append(f"{one}, {name_of_lock} has {package.name} {version}")
    if against:
        raise WideloadError(
            f"{name_of_lock} and the attached layers do not go together",
            why="; ".join(against),
            hint=_HINT,
        )
    gone = {one.held.name for one in taken}
    left = tuple(package for package in locked.packages if package.name not in gone)
    return msgspec.structs.replace(locked, packages=left), Share(tuple(taken), tuple(packed))


def of_open(resolution: Resolution, carried: Carriage, against: Carriage) -> Share:
    """What a resolution of open requirements takes from the layers.

    :param against: what it was resolved against, of all that is carried.
    """
    names = [wheel.name for wheel in resolution.wheels]
    return Share(
        tuple(against.top[name] for name in names if name in against.top),
        tuple(
            carried.top[wheel.name]
            for wheel in resolution.wheels
            if wheel.name in carried.top
            and wheel.name not in against.top
            and not _is_version(carried.top[wheel.name].held.version, wheel.version)
        ),
    )


def settle(
    resolution: Resolution, carried: Carriage, share: Share, prefer: Prefer | None, what: str
) -> tuple[str, ...]:
    """Judge a finished resolution: what is to be said of it, in lines.

    :param what: the file with the user's own requirements.
    :raises WideloadError: a package that is needed would be a mixture of two layers'.
    """
    needed = {wheel.name for wheel in resolution.wheels}
    taken = {one.held.name: one for one in share.taken}
    for name, ones in carried.mixed.items():
        if name in taken and name in needed:
            raise WideloadError(
                f"the attached layers carry {name} in different versions",
                why="; ".join(map(str, ones)) + "; laid over each other, files of both remain",
                hint='attach one of them only, or pack the function\'s own: prefer = "lock"',
            )
    notes = []
    if prefer == "layer":
        asking = [(what, line) for line in resolution.wishes]
        asking += [
            (f"{wheel.name} {wheel.version}", line)
            for wheel in resolution.wheels
            for line in wheel.requires
        ]
        notes += [
            f'{one}, but {who} asks for {line}: taken, since prefer = "layer"'
            for who, line in asking
            for one in [taken.get(str(canonicalize_name(Requirement(line).name)))]
            if one and not _admits(Requirement(line), one.held.version)
        ]
    versions = {wheel.name: wheel.version for wheel in resolution.wheels}
    unsaid = {str(canonicalize_name(name)): by for name, by in carried.modules.items()}
    notes += [
        f"layer {unsaid[name]} has {name}, but does not say which version: it is not counted on"
        for name in versions
        if name in unsaid and name not in carried.top
    ]
    for one in share.packed:
        name = one.held.name
        notes.append(f"{one}, packed is {versions.get(name, 'another')}, which Python finds first")
        notes += _dependents(one, versions.get(name, ""), carried, taken, resolution.target)
    return tuple(notes)


def _dependents(
    packed: Carried,
    version: str,
    carried: Carriage,
    taken: Mapping[str, Carried],
    target: Target,
) -> Iterable[str]:
    """What in the layers needs a distribution that is packed in another version."""
    for name, one in sorted(carried.top.items()):
        for line in parse_wishes(one.held.requires, target):
            if str(canonicalize_name(line.name)) != packed.held.name:
                continue
            of = f"{name} {one.held.version} of layer {one.by}"
            meets = f"meets {packed.held.name} {version} of the function"
            if version and not _admits(line, version):
                yield f"{of} asks for {line} and {meets}: it may not work"
            elif one.held.is_compiled and name in taken:
                yield (
                    f"{of} was compiled beside {packed.held.name} {packed.held.version} and now "
                    f"{meets}: try it with `wideload verify`"
                )


def explain_failure(error: WideloadError, carried: Carriage) -> WideloadError:
    """A resolver's refusal, with the layers that have a part in it."""
    if "cannot be met" not in error.what:
        return error
    named = [
        one
        for name, one in sorted(carried.top.items())
        if re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", error.why)
    ]
    if not named:
        return error
    return WideloadError(error.what, why=f"{error.why}; {'; '.join(map(str, named))}", hint=_HINT)


def _admits(requirement: Requirement, version: str) -> bool:
    try:
        return requirement.specifier.contains(version, prereleases=True)
    except InvalidVersion:
        return False


def _is_version(held: str, locked: str) -> bool:
    """Whether it is the version of the lock; what is local to a build does not count."""
    try:
        return SpecifierSet(f"=={locked}").contains(held, prereleases=True)
    except (InvalidSpecifier, InvalidVersion):
        return False


def _normal(version: str) -> Version | None:
    try:
        return Version(version)
    except InvalidVersion:
        return None
