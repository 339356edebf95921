"""What each way costs a month, where ways differ, at public prices. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from wideload import prices
from wideload.values.bundle import BUNDLE_PART
from wideload.values.function import Strategy
from wideload.values.merit import STARTS_A_MONTH, MonthlyCost

if TYPE_CHECKING:
    from wideload.plan.starting import Contents
    from wideload.values.bundle import BundleEstimate
    from wideload.values.function import Settings
    from wideload.values.image import ImageEstimate
    from wideload.values.mount import MountEstimate

_COMPRESSED_BASE = 0.4
"""Of a base image's bytes what a registry keeps of them, about."""
_METERED = 32 * 1024
"""Bytes that a read from S3 Files counts for at least:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-files-metering.html"""
_MB = 1024


def monthly_cost(
    strategy: Strategy,
    seconds: float,
    contents: Contents,
    settings: Settings,
    *,
    zipped: int,
    bundle: BundleEstimate | None,
    image: ImageEstimate | None,
    mount: MountEstimate | None,
    needs_internet: bool,
) -> MonthlyCost:
    """What a function costs a month by one way.

    One version of it is stored. The objects that zips and layers were brought by are counted as
    they stay in the bucket; what Lambda keeps of them is free up to its quota.

    :param seconds: of a cold start.
    :param zipped: bytes of zips, all of a function's.
    :param needs_internet: whether it calls hosts that a VPC has no way to by itself.
    """
    storage, requests, network = 0.0, 0.0, 0.0
    match strategy:
        case Strategy.DIRECT_ZIP:
            pass
        case Strategy.S3_ZIP | Strategy.LAYERS:
            storage = _gb(zipped) * prices.S3_GB_MONTH
        case Strategy.S3_BOOTSTRAP:
            fetched = bundle.zipped if bundle else 0
            storage = _gb(fetched) * prices.S3_GB_MONTH
            requests = STARTS_A_MONTH * (fetched // BUNDLE_PART + 1) * prices.S3_GET
        case Strategy.IMAGE:
            if image is not None:
                kept = image.own_zipped_bytes + _COMPRESSED_BASE * image.base_bytes
                storage = _gb(kept) * prices.ECR_GB_MONTH
        case Strategy.EFS:
            if mount is not None:
                # What it was filled from stays in the bucket, to fill another from.
                storage = _gb(mount.unzipped) * prices.EFS_GB_MONTH
                storage += _gb(mount.bundled) * prices.S3_GB_MONTH
            read = contents.mounted.unzipped_bytes
            requests = STARTS_A_MONTH * _gb(read) * prices.EFS_READ_GB
        case Strategy.S3_FILES:
            direct = prices.S3_FILES_DIRECT
            small = [one for one in contents.mounted if one.size <= direct]
            big = [one for one in contents.mounted if one.size > direct]
            if mount is not None:
                storage = _gb(mount.unzipped) * prices.S3_GB_MONTH
            storage += _gb(sum(one.size for one in small)) * prices.S3_FILES_GB_MONTH
            metered = sum(max(one.size, _METERED) for one in small)
            requests = STARTS_A_MONTH * _gb(metered) * prices.S3_FILES_READ_GB
            requests += STARTS_A_MONTH * len(big) * prices.S3_GET
        case _:
            assert_never(strategy)
    mounts = strategy in (Strategy.EFS, Strategy.S3_FILES)
    if mounts and needs_internet and not settings.vpc.subnets:
        network = prices.NAT_GATEWAY_HOUR * prices.HOURS_A_MONTH
    return MonthlyCost(storage, requests, _cold_starts(seconds, contents, settings), network)


def _cold_starts(seconds: float, contents: Contents, settings: Settings) -> float:
    memory = prices.LAMBDA_GB_SECOND[contents.target.architecture.value] * settings.memory / _MB
    more = max(settings.ephemeral - prices.EPHEMERAL_FREE_MB, 0) / _MB
    disk = prices.LAMBDA_EPHEMERAL_GB_SECOND * more
    return STARTS_A_MONTH * seconds * (memory + disk)


def _gb(size: float) -> float:
    return size / prices.GB
