"""The ways of the strategies ``efs`` and ``s3-files``, weighed: packages and big files lie in a
file system that the function mounts. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from wideload import cold_starts, limits
from wideload.values.function import Strategy
from wideload.values.proposal import Proposal, Refusal
from wideload.values.sizes import megabytes

if TYPE_CHECKING:
    from wideload.values.function import Settings
    from wideload.values.mount import MountEstimate
    from wideload.values.target import Target

Mounting = Literal[Strategy.EFS, Strategy.S3_FILES]


def mounted(
    strategy: Mounting,
    estimate: MountEstimate,
    layers_bytes: int,
    target: Target,
    settings: Settings,
) -> Proposal | Refusal:
    """Whether the function's own files fit as a zip, what it is to mount is there, and nothing
    is wanted that functions which mount cannot have.

    What lies in the file system is of any size: neither EFS nor S3 Files has a limit that a
    function comes near.

    :param layers_bytes: what layers made by others take, unzipped.
    """
    is_efs = strategy is Strategy.EFS
    zipped = estimate.code_zipped + (estimate.bundled if is_efs else estimate.unzipped)
    unzipped = estimate.code_unzipped + estimate.unzipped
    fits = limits.check_unzipped(estimate.code_unzipped, layers_bytes)
    reasons, hints = [], []
    if estimate.unfit:
        reasons.append(estimate.unfit)
    lacks = estimate.efs_lacks if is_efs else estimate.s3_files_lacks
    if lacks:
        reasons.append(f"it mounts a file system in a VPC; not configured: {', '.join(lacks)}")
        keys = " and ".join(part for part in (", ".join(lacks[:-1]), lacks[-1]) if part)
        hints.append(
            f'set {keys}, or have them made: strategy = "{strategy}", and deploy with '
            "--create-network"
        )
    if settings.snap_start:
        refusal = cold_starts.snap_start_refusal(
            target.runtime, settings.ephemeral, file_systems=True
        )
        reasons.append(f"AWS would answer InvalidParameterValueException: {refusal}")
        hints.append("set snap_start = false")
    if fits or reasons:
        hint = "" if fits or estimate.unfit else " and ".join(hints)
        return Refusal(strategy, zipped, unzipped, (fits,) if fits else (), tuple(reasons), hint)
    filled = (
        f"{megabytes(estimate.bundled)} from S3 by a function that fills it"
        if is_efs
        else f"{megabytes(estimate.unzipped)} as objects of S3"
    )
    return Proposal(
        strategy,
        zipped,
        unzipped,
        f"a zip of {megabytes(estimate.code_zipped)}; {filled}; needs its VPC",
    )
