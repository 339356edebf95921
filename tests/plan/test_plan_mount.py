"""The strategies `efs` and `s3-files`, weighed: what they lack is named, nothing else refuses."""

from __future__ import annotations

import msgspec
import pytest

from made_values import AL2023
from wideload import limits
from wideload.plan.mount import Mounting, mounted
from wideload.values.function import Settings, Strategy
from wideload.values.mount import MountEstimate
from wideload.values.proposal import Proposal, Refusal

GIB = 1 << 30
ESTIMATE = MountEstimate(
    code_zipped=2_000, code_unzipped=5_000, bundled=9 * GIB, unzipped=12 * GIB, files=1
)
BOTH: list[Mounting] = [Strategy.EFS, Strategy.S3_FILES]


def weigh(
    strategy: Mounting, estimate: MountEstimate, layers: int = 0, *, snap_start: bool = False
) -> Proposal | Refusal:
    return mounted(strategy, estimate, layers, AL2023, Settings(snap_start=snap_start))


@pytest.mark.parametrize("strategy", BOTH)
def test_what_lies_in_the_directory_has_no_limit(strategy: Mounting) -> None:
    found = weigh(strategy, ESTIMATE)
    assert isinstance(found, Proposal)
    assert found.strategy is strategy
    assert found.unzipped_bytes == 12 * GIB + 5_000


def test_efs_is_filled_from_a_bundle_and_s3_files_with_the_files_themselves() -> None:
    efs, s3_files = (weigh(strategy, ESTIMATE) for strategy in BOTH)
    assert efs.zipped_bytes == 9 * GIB + 2_000
    assert s3_files.zipped_bytes == 12 * GIB + 2_000


@pytest.mark.parametrize("strategy", BOTH)
@pytest.mark.parametrize("more", [0, 1])
def test_the_zip_has_the_quota_of_any_zip(strategy: Mounting, more: int) -> None:
    estimate = msgspec.structs.replace(
        ESTIMATE, code_unzipped=limits.CODE_SIZE_UNZIPPED - 1000 + more
    )
    found = weigh(strategy, estimate, 1000)
    assert isinstance(found, Refusal) is bool(more)
    if isinstance(found, Refusal):
        assert [one.limit for one in found.limits] == ["code-size-unzipped"]
        assert not found.hint


@pytest.mark.parametrize(
    ("strategy", "lacks"),
    [
        (Strategy.EFS, ("security_groups", "efs_access_point")),
        (Strategy.S3_FILES, ("s3_files_access_point",)),
    ],
)
def test_what_is_not_configured_is_named_and_is_the_hint(
    strategy: Mounting, lacks: tuple[str, ...]
) -> None:
    of_efs = strategy is Strategy.EFS
    estimate = msgspec.structs.replace(
        ESTIMATE, efs_lacks=lacks if of_efs else (), s3_files_lacks=() if of_efs else lacks
    )
    found = weigh(strategy, estimate)
    assert isinstance(found, Refusal)
    assert not found.limits
    assert found.reasons[0].endswith(", ".join(lacks))
    assert found.hint == (
        f'set {" and ".join(lacks)}, or have them made: strategy = "{strategy}", and deploy with '
        "--create-network"
    )
    (other,) = (one for one in BOTH if one is not strategy)
    assert isinstance(weigh(other, estimate), Proposal)


@pytest.mark.parametrize("strategy", BOTH)
def test_with_snap_start_it_is_refused_in_the_words_of_aws(strategy: Mounting) -> None:
    found = weigh(strategy, ESTIMATE, snap_start=True)
    assert isinstance(found, Refusal)
    assert "FileSystemConfigs is not supported for SnapStart enabled functions." in found.reasons[0]
    assert found.hint == "set snap_start = false"


def test_a_runtime_that_cannot_is_refused_without_a_hint() -> None:
    estimate = msgspec.structs.replace(ESTIMATE, unfit="it cannot", efs_lacks=("subnets",))
    found = weigh(Strategy.EFS, estimate)
    assert isinstance(found, Refusal)
    assert found.reasons[0] == "it cannot"
    assert not found.hint
