"""The way of the strategy ``s3-bootstrap``, weighed: what lies in the zip, what in /tmp. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wideload import limits
from wideload.values.bundle import BUNDLE_VARIABLE, BundleLocation
from wideload.values.function import Strategy
from wideload.values.proposal import Proposal, Refusal
from wideload.values.sizes import megabytes

if TYPE_CHECKING:
    from wideload.values.bundle import BundleEstimate
    from wideload.values.function import Settings
    from wideload.values.tree import FileTree

_MIB = 1 << 20
_SPARE = 1.05
_STEP = 64
"""MB. What is proposed as the size of /tmp is a round number with a little to spare."""
# As long as an account and a region get.
_ACCOUNT, _REGION = "123456789012", "ap-southeast-1"


def bootstrapped(
    function: str,
    tree: FileTree,
    layers_bytes: int,
    bundle: BundleEstimate | None,
    settings: Settings,
) -> Proposal | Refusal:
    """Whether the loader, the function's own files and the index fit as a zip, and the packages
    into /tmp, which is disk and no memory.

    :param bundle: nothing where there is nothing to put into a bundle.
    """
    strategy = Strategy.S3_BOOTSTRAP
    if bundle is None:
        return Refusal(
            strategy,
            tree.zipped_bytes,
            tree.unzipped_bytes,
            reasons=("there is nothing to put into a bundle: no packages and no large files",),
        )
    zipped, unzipped = bundle.code_zipped + bundle.zipped, bundle.code_unzipped + bundle.unzipped
    room = limits.check_ephemeral(bundle.tmp_bytes, settings.ephemeral)
    fits = limits.check_unzipped(bundle.code_unzipped, layers_bytes)
    bucket, key = f"wideload-{_ACCOUNT}-{_REGION}", f"bundles/{function}/{'0' * 64}"
    place = BundleLocation(bucket, key, _REGION, _ACCOUNT)
    variables = {**settings.environment, BUNDLE_VARIABLE: place.variable()}
    environment = limits.check_environment(variables)
    broken = tuple(limit for limit in (room, fits, environment) if limit)
    if not broken:
        free = (settings.ephemeral << 20) - bundle.tmp_bytes
        return Proposal(
            strategy,
            zipped,
            unzipped,
            f"a zip of {megabytes(bundle.code_zipped)}; {megabytes(bundle.zipped)} come from S3 "
            f"into /tmp at each cold start and leave {megabytes(free)} of it free",
            bundle=bundle,
        )
    reasons = []
    hint = ""
    if room:
        needed = _ephemeral(bundle.tmp_bytes)
        most = limits.ephemeral_range()[1]
        reasons.append(
            f"the packages take {megabytes(bundle.tmp_bytes)} of /tmp, which has "
            f"{settings.ephemeral} MB"
        )
        if needed > most:
            reasons.append(f"no function has more than {most:,} MB of /tmp")
        else:
            hint = f"set ephemeral = {needed}"
            if needed > limits.EPHEMERAL_DOCUMENTED:
                hint += (
                    f"; AWS documents {limits.EPHEMERAL_DOCUMENTED:,} MB as the most, "
                    f"botocore's model of it admits {most:,}"
                )
    if environment:
        reasons.append(
            f"{BUNDLE_VARIABLE} takes {len(variables[BUNDLE_VARIABLE])} bytes of the environment"
        )
    mends = len(broken) == 1
    return Refusal(strategy, zipped, unzipped, broken, tuple(reasons), hint if mends else "")


def _ephemeral(tmp_bytes: int) -> int:
    """MB of /tmp that are enough for so many bytes."""
    exact = tmp_bytes * _SPARE / _MIB
    return max(512, -(-int(exact + 1) // _STEP) * _STEP)
