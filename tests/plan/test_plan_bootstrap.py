"""A bundle as a way to ship: last of all, whatever it weighs, if only /tmp has the room."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from made_values import attached_of, resolution_of, slimmed_of
from wideload.errors import WideloadError
from wideload.limits import EPHEMERAL_DOCUMENTED, ephemeral_range
from wideload.plan.planner import chosen, propose
from wideload.report.plan import plan_json, plan_text
from wideload.values.bundle import BUNDLE_VARIABLE, BundleEstimate
from wideload.values.function import Settings, Strategy
from wideload.values.proposal import Plan, Proposal, Refusal

QUOTA = 262_144_000
MIB = 1 << 20
FULL = "OSError: [Errno 28] No space left on device"


def estimate(tmp_bytes: int = 300 * MIB, *, code: int = 1_000_000) -> BundleEstimate:
    return BundleEstimate(
        code_zipped=code // 2,
        code_unzipped=code,
        zipped=50_000_000,
        unzipped=tmp_bytes - 100,
        tmp_bytes=tmp_bytes,
    )


def plan_of(
    bundle: BundleEstimate | None,
    *,
    unzipped: int = QUOTA + 1,
    wanted: Strategy | None = None,
    layers: int = 0,
    settings: Settings | None = None,
) -> Plan:
    return propose(
        "shop",
        resolution_of(),
        slimmed_of(60_000_000, unzipped),
        wanted=wanted or "auto",
        attached=[attached_of(layers)] if layers else [],
        bundle=bundle,
        settings=settings or Settings(),
    )


def candidate(plan: Plan) -> Proposal | Refusal:
    return plan.way(Strategy.S3_BOOTSTRAP)


def test_it_is_taken_where_nothing_else_works() -> None:
    plan = plan_of(estimate())
    assert plan.choice is Strategy.S3_BOOTSTRAP
    proposal = chosen(plan, "auto")
    assert proposal.bundle == estimate()
    assert proposal.zipped_bytes == 50_500_000
    assert proposal.unzipped_bytes == 300 * MIB - 100 + 1_000_000
    assert proposal.reason == (
        "a zip of 500.0 kB; 50.0 MB come from S3 into /tmp at each cold start and leave "
        "222.3 MB of it free"
    )


def test_what_fits_otherwise_ships_otherwise_unless_it_is_asked_for() -> None:
    assert plan_of(estimate(), unzipped=QUOTA).choice is Strategy.S3_ZIP
    plan = plan_of(estimate(), unzipped=QUOTA, wanted=Strategy.S3_BOOTSTRAP)
    assert plan.choice is Strategy.S3_BOOTSTRAP


@pytest.mark.parametrize("more", [-1, 0, 1])
def test_the_edge_of_tmp(more: int) -> None:
    found = candidate(plan_of(estimate(512 * MIB + more)))
    if more <= 0:
        assert isinstance(found, Proposal)
        return
    assert isinstance(found, Refusal)
    (limit,) = found.limits
    assert (limit.limit, limit.allowed, limit.actual) == ("ephemeral", 512 * MIB, 512 * MIB + 1)
    assert limit.aws_error == FULL
    assert found.hint == "set ephemeral = 576"


def test_what_is_proposed_is_enough() -> None:
    for size in (512 * MIB + 1, 1_500_000_000, 3 * 1024 * MIB, 9_000 * MIB):
        found = candidate(plan_of(estimate(size)))
        assert isinstance(found, Refusal)
        megabytes = int(found.hint.removeprefix("set ephemeral = "))
        assert size <= megabytes * MIB <= size * 1.06 + 64 * MIB
        enough = Settings(ephemeral=megabytes)
        assert isinstance(candidate(plan_of(estimate(size), settings=enough)), Proposal)


def test_more_than_is_documented_is_said() -> None:
    found = candidate(plan_of(estimate(11_000 * MIB)))
    assert isinstance(found, Refusal)
    assert found.hint.startswith("set ephemeral = 11")
    assert f"AWS documents {EPHEMERAL_DOCUMENTED:,} MB as the most" in found.hint
    assert f"{ephemeral_range()[1]:,}" in found.hint


def test_more_than_any_function_has_is_no_way() -> None:
    most = ephemeral_range()[1]
    found = candidate(plan_of(estimate((most + 1) * MIB)))
    assert isinstance(found, Refusal)
    assert found.hint == ""
    assert f"no function has more than {most:,} MB of /tmp" in found.reasons


def test_of_all_that_is_refused_the_line_that_mends_it_is_told() -> None:
    plan = plan_of(estimate(1_600_000_000), unzipped=1_550_000_000)
    assert plan.choice is None
    with pytest.raises(WideloadError) as told:
        chosen(plan, "auto")
    assert told.value.what == "no way to ship shop"
    assert FULL in told.value.why
    assert "the packages take 1600.0 MB of /tmp, which has 512 MB" in told.value.why
    assert told.value.hint == "set ephemeral = 1664"


def test_the_code_has_the_quotas_of_any_code() -> None:
    found = candidate(plan_of(estimate(code=20_000_001), layers=QUOTA - 20_000_000))
    assert isinstance(found, Refusal)
    assert [limit.aws_error for limit in found.limits] == [
        "InvalidParameterValueException: Unzipped size must be smaller than 20000000 bytes"
    ]


def test_the_environment_has_to_have_room_for_the_bundles_place() -> None:
    full = Settings(environment={"A": "x" * 3950})
    found = candidate(plan_of(estimate(), settings=full))
    assert isinstance(found, Refusal)
    assert [limit.limit for limit in found.limits] == ["environment-size"]
    assert BUNDLE_VARIABLE in found.reasons[0]
    room = Settings(environment={"A": "x" * 3700})
    assert isinstance(candidate(plan_of(estimate(), settings=room)), Proposal)


def test_with_nothing_to_put_into_it_it_is_no_way() -> None:
    plan = plan_of(None, wanted=Strategy.S3_BOOTSTRAP)
    with pytest.raises(WideloadError, match="s3-bootstrap is no way to ship shop") as told:
        chosen(plan, Strategy.S3_BOOTSTRAP)
    assert told.value.why.startswith("there is nothing to put into a bundle")
    assert told.value.hint == 'set strategy = "auto"'


def told(plan: Plan) -> dict[str, dict[str, Any]]:
    return {one["strategy"]: one for one in plan_json(plan)["candidates"]}


def test_it_is_told() -> None:
    plan = plan_of(estimate())
    found = told(plan)
    assert found["s3-bootstrap"]["bundle"] == {
        "code_zipped_bytes": 500_000,
        "code_unzipped_bytes": 1_000_000,
        "zipped_bytes": 50_000_000,
        "unzipped_bytes": 300 * MIB - 100,
        "tmp_bytes": 300 * MIB,
    }
    assert all(one["bundle"] is None for name, one in found.items() if name != "s3-bootstrap")
    refused = plan_of(estimate(600 * MIB))
    assert told(refused)["s3-bootstrap"]["reasons"][-1] == "set ephemeral = 640"
    out = io.StringIO()
    Console(file=out, width=300).print(plan_text(refused, slimmed_of(1, 1)))
    assert "set ephemeral = 640" in out.getvalue()
    assert FULL in out.getvalue()
