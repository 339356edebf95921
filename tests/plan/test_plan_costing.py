"""What ways cost a month: sums of public prices that can be done by hand."""

from __future__ import annotations

import pytest

from made_values import AL2023, entry
from wideload import prices
from wideload.plan.costing import monthly_cost
from wideload.plan.starting import Contents
from wideload.values.bundle import BundleEstimate
from wideload.values.function import Settings, Strategy
from wideload.values.image import ImageEstimate
from wideload.values.merit import STARTS_A_MONTH, MonthlyCost
from wideload.values.mount import MountEstimate, Vpc
from wideload.values.target import Target
from wideload.values.tree import FileTree

GB = prices.GB
TREE = FileTree.of([entry("lib.so", GB), *(entry(f"m{n}.py", 1024) for n in range(100))])
BUNDLE = BundleEstimate(0, 0, GB // 2, GB, GB)
IMAGE = ImageEstimate("base", GB, GB, GB // 2, 7)
MOUNT = MountEstimate(0, 0, GB // 2, GB, 101)


def cost(
    strategy: Strategy,
    *,
    seconds: float = 0,
    settings: Settings | None = None,
    target: Target = AL2023,
    internet: bool = False,
) -> MonthlyCost:
    return monthly_cost(
        strategy,
        seconds,
        Contents(target, TREE),
        settings or Settings(),
        zipped=GB // 4,
        bundle=BUNDLE,
        image=IMAGE,
        mount=MOUNT,
        needs_internet=internet,
    )


@pytest.mark.parametrize(
    ("strategy", "storage", "requests"),
    [
        (Strategy.DIRECT_ZIP, 0, 0),
        (Strategy.S3_ZIP, 0.023 / 4, 0),
        (Strategy.LAYERS, 0.023 / 4, 0),
        # 33 ranges of 16 MiB at each start.
        (Strategy.S3_BOOTSTRAP, 0.023 / 2, 1000 * 33 * 0.0004 / 1000),
        (Strategy.IMAGE, 0.10 * (0.5 + 0.4), 0),
        (Strategy.EFS, 0.30 + 0.023 / 2, 1000 * 0.03),
        # What is small lies in the file system's own storage, and counts 32 KiB a read.
        (
            Strategy.S3_FILES,
            0.023 + 0.30 * 100 * 1024 / GB,
            1000 * 0.03 * 100 * 32 * 1024 / GB + 1000 * 0.0004 / 1000,
        ),
    ],
)
def test_what_is_kept_and_what_is_fetched(
    strategy: Strategy, storage: float, requests: float
) -> None:
    found = cost(strategy)
    assert found.storage == pytest.approx(storage)
    assert found.requests == pytest.approx(requests, rel=1e-3)
    assert (found.cold_starts, found.network) == (0, 0)
    assert found.dollars == found.storage + found.requests


def test_cold_starts_cost_memory_and_what_tmp_has_more() -> None:
    settings = Settings(memory=2048, ephemeral=1536)
    found = cost(Strategy.DIRECT_ZIP, seconds=3, settings=settings)
    expected = STARTS_A_MONTH * 3 * (2 * 0.0000166667 + 0.0000000309)
    assert found.cold_starts == pytest.approx(expected)
    arm = cost(
        Strategy.DIRECT_ZIP,
        seconds=3,
        settings=settings,
        target=Target.parse("python3.13", "arm64"),
    )
    assert arm.cold_starts < found.cold_starts


@pytest.mark.parametrize("strategy", list(Strategy))
def test_who_mounts_and_calls_the_internet_needs_a_way_there(strategy: Strategy) -> None:
    mounts = strategy in (Strategy.EFS, Strategy.S3_FILES)
    assert cost(strategy, internet=True).network == pytest.approx(0.045 * 730 if mounts else 0)
    # Whoever is in a VPC already has one, whatever the way.
    there = Settings(vpc=Vpc(("subnet-1",), ("sg-1",)))
    assert cost(strategy, internet=True, settings=there).network == 0
