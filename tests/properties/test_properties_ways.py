"""Laws of the table of seven: each way once, none proposed that breaks a limit, always alike."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from made_values import attached_of, resolution_of, slimmed_of
from wideload.plan.planner import propose
from wideload.values.bundle import BundleEstimate
from wideload.values.function import Merit, Settings, Strategy
from wideload.values.image import ImageEstimate
from wideload.values.merit import MEASURED_SCHEMA, Measured
from wideload.values.mount import MountEstimate
from wideload.values.proposal import Plan, Proposal, Refusal

UNZIPPED_QUOTA = 262_144_000
IMAGE_QUOTA = 10 << 30
SIZE = st.one_of(
    st.integers(200, 1 << 34),
    *(st.integers(edge - 9, edge + 9) for edge in (UNZIPPED_QUOTA, 512 << 20, IMAGE_QUOTA)),
)
SMALL = st.integers(0, 400_000_000)
LACKS = st.sampled_from([(), ("subnets",), ("subnets", "security_groups")])
WAYS = [*(one.value for one in Strategy), "plain", "shell"]
MERITS: tuple[Merit, ...] = ("simple", "cold-start", "cheap")


class Case(msgspec.Struct, frozen=True):
    """All that a plan is made of, by what is known beforehand."""

    unzipped: int
    layers: int
    bundle: BundleEstimate | None
    image: ImageEstimate | None
    mount: MountEstimate | None
    settings: Settings
    seconds: dict[str, float]
    needs_internet: bool
    prefer: Merit

    def plan(self) -> Plan:
        target = resolution_of().target
        return propose(
            "shop",
            resolution_of(),
            slimmed_of(min(self.unzipped, 60_000_000), self.unzipped),
            attached=[attached_of(self.layers)] if self.layers else [],
            bundle=self.bundle,
            image=self.image,
            mount=self.mount,
            settings=self.settings,
            prefer=self.prefer,
            measured=Measured(MEASURED_SCHEMA, target, 1024, "safe", "all", (), self.seconds, {}),
            needs_internet=self.needs_internet,
        )


CASES = st.builds(
    Case,
    unzipped=SIZE,
    layers=st.just(0) | SMALL,
    bundle=st.none() | st.builds(BundleEstimate, SMALL, SMALL, SIZE, SIZE, SIZE),
    image=st.none()
    | st.builds(
        ImageEstimate, st.just("base"), SMALL, SIZE, SIZE, st.integers(1, 140), st.booleans()
    ),
    mount=st.none()
    | st.builds(
        MountEstimate,
        *(SMALL, SMALL, SIZE, SIZE),
        st.integers(1, 9999),
        *(LACKS, LACKS),
        st.sampled_from(["", "it cannot"]),
    ),
    settings=st.builds(
        Settings,
        memory=st.integers(128, 10240),
        ephemeral=st.integers(512, 10240),
        snap_start=st.booleans(),
    ),
    seconds=st.dictionaries(st.sampled_from(WAYS), st.floats(0.01, 900)),
    needs_internet=st.booleans(),
    prefer=st.sampled_from(MERITS),
)


@given(CASES)
def test_each_way_stands_there_once_and_what_works_stands_first(case: Case) -> None:
    plan = case.plan()
    assert plan == case.plan()
    assert sorted(one.strategy for one in plan.candidates) == sorted(Strategy)
    works = [isinstance(one, Proposal) for one in plan.candidates]
    assert works == sorted(works, reverse=True)
    assert plan.choice == (plan.candidates[0].strategy if works[0] else None)


@given(CASES)
def test_what_is_preferred_changes_the_order_and_nothing_else(case: Case) -> None:
    plans = [msgspec.structs.replace(case, prefer=one).plan() for one in MERITS]
    assert len({tuple(sorted(map(repr, plan.candidates))) for plan in plans}) == 1


@given(CASES)
def test_what_is_proposed_meets_every_limit(case: Case) -> None:
    for one in case.plan().candidates:
        if isinstance(one, Proposal):
            assert meets_every_limit(case, one.strategy)


def meets_every_limit(case: Case, strategy: Strategy) -> bool:
    """The limits as AWS's documents say them, without wideload's own functions."""
    match strategy:
        case Strategy.DIRECT_ZIP | Strategy.S3_ZIP | Strategy.LAYERS:
            return case.unzipped + case.layers <= UNZIPPED_QUOTA
        case Strategy.S3_BOOTSTRAP:
            bundle = case.bundle
            return (
                bundle is not None
                and bundle.tmp_bytes <= case.settings.ephemeral << 20
                and bundle.code_unzipped + case.layers <= UNZIPPED_QUOTA
            )
        case Strategy.IMAGE:
            image = case.image
            return (
                image is not None
                and image.base_bytes + image.own_bytes <= IMAGE_QUOTA
                and image.layers <= 127
                and not case.layers
                and not case.settings.snap_start
            )
        case Strategy.EFS | Strategy.S3_FILES:
            mount = case.mount
            if mount is None or mount.unfit or case.settings.snap_start:
                return False
            lacks = mount.efs_lacks if strategy is Strategy.EFS else mount.s3_files_lacks
            return not lacks and mount.code_unzipped + case.layers <= UNZIPPED_QUOTA


@given(CASES)
def test_every_refusal_says_why_and_every_estimate_adds_up(case: Case) -> None:
    for one in case.plan().candidates:
        if isinstance(one, Refusal):
            assert one.limits or one.reasons
        else:
            assert one.reason
            assert one.merits
        if isinstance(one, Refusal) and one.limits:
            assert one.merits is None
        if one.merits:
            start, cost = one.merits.cold_start, one.merits.cost
            assert start.seconds > 0
            assert min(cost.storage, cost.requests, cost.cold_starts, cost.network) >= 0
            if start.basis == "measured":
                assert not start.parts
            else:
                assert abs(sum(start.parts.values()) - start.seconds) < 1e-6
                assert min(start.parts.values()) >= 0
