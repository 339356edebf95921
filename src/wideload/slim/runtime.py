"""The rule `runtime`: the AWS SDK that the runtime carries is not packed again.

The whole SDK or nothing of it: boto3, botocore and s3transfer of different releases do not
work together (boto3#4058, boto3#4579). What else the SDK needs (urllib3, python-dateutil,
six) is left out only where nothing else asks for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from wideload.values.proposal import Removal
from wideload.values.slimmed import Provided

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from wideload.values.resolution import Resolution, Wheel
    from wideload.values.target import Target
    from wideload.values.tree import FileEntry

RULE = "runtime/1"

SDK = frozenset({"boto3", "botocore", "s3transfer", "jmespath"})
SHARED = frozenset({"urllib3", "python-dateutil", "six"})

# The lowest SDK seen in a runtime (aioboto3#381, August 2025). AWS only ever raises it, so a
# wish for at least an older one is met. No reliable sighting for 3.10 and 3.11.
_SEEN = Version("1.38.36")
_SEEN_SINCE = (3, 12)


def _met_by_runtime(requirement: Requirement, target: Target) -> bool:
    """Whether whatever SDK the runtime carries surely meets this wish."""
    if requirement.url or requirement.extras:
        return False
    for specifier in requirement.specifier:
        if specifier.operator not in (">=", ">") or target.python < _SEEN_SINCE:
            return False
        # s3transfer and jmespath number their releases otherwise.
        if canonicalize_name(requirement.name) not in ("boto3", "botocore"):
            return False
        if Version(specifier.version) >= _SEEN:
            return False
    return True


def _objections(resolution: Resolution, carried: Collection[str]) -> Iterator[str]:
    for line in resolution.wishes:
        requirement = Requirement(line)
        if canonicalize_name(requirement.name) in SDK and not _met_by_runtime(
            requirement, resolution.target
        ):
            yield f"the requirements ask for {line}"
    for wheel in resolution.wheels:
        # Whoever made a layer without the SDK meant it to meet the runtime's.
        if wheel.name in SDK or wheel.name in carried:
            continue
        for line in wheel.requires:
            requirement = Requirement(line)
            if canonicalize_name(requirement.name) in SDK and not _met_by_runtime(
                requirement, resolution.target
            ):
                yield f"{wheel.name} asks for {line}"


def _needed_elsewhere(resolution: Resolution) -> set[str]:
    """Names of `SHARED` that something outside the SDK needs, straight or through others."""
    kept = {name for name in resolution.roots if name not in SDK}
    kept |= {wheel.name for wheel in resolution.wheels if wheel.name not in SDK | SHARED}
    requires = {wheel.name: wheel.requires for wheel in resolution.wheels}
    grown = True
    while grown:
        wanted = {
            str(canonicalize_name(Requirement(line).name))
            for name in kept
            for line in requires.get(name, ())
        } - SDK
        grown = not wanted <= kept
        kept |= wanted
    return kept


def uses_sdk(requires: Iterable[str]) -> bool:
    """Whether a distribution with these requirements calls AWS through the SDK."""
    return any(canonicalize_name(Requirement(line).name) in SDK for line in requires)


def provided_by_runtime(
    resolution: Resolution,
    carried: Collection[str] = (),
    shadowed: Collection[str] = (),
    base: str = "",
) -> tuple[tuple[Provided, ...], tuple[str, ...]]:
    """The distributions that the runtime carries, and why they are packed all the same.

    Exactly one of the two is filled where the SDK is required of it at all.

    :param carried: names that are taken from attached layers.
    :param shadowed: names of all that attached layers carry, taken from there or not.
    :param base: an image that may take the runtime's place, and need not carry it.
    """
    present = {wheel.name for wheel in resolution.wheels} - set(carried)
    if not present & SDK:
        return (), ()
    if base:
        return (), (f"the SDK is packed, since nothing says that the base image {base} has it",)
    before = sorted(SDK & set(shadowed))
    if before:
        shadows = " and ".join(before)
        note = f"the SDK is not taken from the runtime, where it would meet a layer's {shadows}"
        return (), (note,)
    objections = tuple(
        f"the SDK is packed, not taken from the runtime, whose version is not fixed: {objection}"
        for objection in _objections(resolution, carried)
    )
    if objections:
        return (), objections
    needed = _needed_elsewhere(resolution)
    dropped = sorted((SDK | (SHARED - needed)) & present)
    return tuple(Provided(name, "runtime") for name in dropped), ()


def removal(entry: FileEntry, wheel: Wheel) -> Removal:
    """The ledger's line for a file that the runtime makes superfluous."""
    return Removal(
        path=entry.path,
        rule=RULE,
        reason="the runtime carries the AWS SDK",
        package=wheel.name,
        saved_unzipped=entry.size,
        saved_zipped=entry.compressed_size + entry.zip_overhead,
    )
