"""Every way to ship, weighed to the byte against the limits, with the words of AWS."""

from __future__ import annotations

from typing import Any

import pytest

from made_values import AL2023, attached_of, member, resolution_of, slimmed_of, wheel_value
from wideload.errors import WideloadError
from wideload.plan.planner import chosen, propose
from wideload.plan.ranking import ORDER
from wideload.report.plan import plan_json
from wideload.values.bundle import BundleEstimate
from wideload.values.function import Strategy
from wideload.values.mount import MountEstimate
from wideload.values.proposal import Plan, Proposal, Refusal
from wideload.values.slimmed import Provided

# The largest zip whose base64 leaves the request below 69,905,067 bytes.
LARGEST_DIRECT = 52_428_786
LARGEST_UNZIPPED = 262_144_000
REQUEST = (
    "RequestEntityTooLargeException: Request must be smaller than 69905067 bytes for the "
    "UpdateFunctionCode operation"
)
UNZIPPED = "InvalidParameterValueException: Unzipped size must be smaller than 262144000 bytes"


def plan_of(
    zipped: int = 1000, unzipped: int = 2000, wanted: Strategy | None = None, layers: int = 0
) -> Plan:
    return propose(
        "shop",
        resolution_of(),
        slimmed_of(zipped, unzipped),
        wanted=wanted or "auto",
        attached=[attached_of(layers)] if layers else [],
    )


def ways(plan: Plan) -> dict[str, list[str]]:
    """For each strategy the words of AWS that refuse it; none where it is proposed."""
    return {
        one.strategy.value: [limit.aws_error for limit in one.limits]
        if isinstance(one, Refusal)
        else []
        for one in plan.candidates
        if one.strategy in (Strategy.DIRECT_ZIP, Strategy.S3_ZIP, Strategy.LAYERS)
    }


def test_the_simplest_way_comes_first() -> None:
    plan = plan_of()
    assert [one.strategy for one in plan.candidates] == list(ORDER)
    assert ORDER == (
        Strategy.DIRECT_ZIP,
        Strategy.S3_ZIP,
        Strategy.LAYERS,
        Strategy.S3_BOOTSTRAP,
        Strategy.IMAGE,
        Strategy.S3_FILES,
        Strategy.EFS,
    )
    assert plan.choice is Strategy.DIRECT_ZIP
    assert all(isinstance(one, Proposal) for one in plan.candidates[:3])
    # Of a function without packages there is nothing to put into a bundle.
    assert isinstance(plan.way(Strategy.S3_BOOTSTRAP), Refusal)


@pytest.mark.parametrize("more", [-1, 0, 1])
def test_the_edge_of_the_request(more: int) -> None:
    plan = plan_of(LARGEST_DIRECT + more)
    refused = [REQUEST] if more > 0 else []
    assert ways(plan) == {"direct-zip": refused, "s3-zip": [], "layers": []}
    assert plan.choice is (Strategy.S3_ZIP if refused else Strategy.DIRECT_ZIP)


@pytest.mark.parametrize("more", [-1, 0, 1])
@pytest.mark.parametrize("layers", [0, 7_000_000])
def test_the_edge_of_the_unzipped_quota(more: int, layers: int) -> None:
    plan = plan_of(1000, LARGEST_UNZIPPED - layers + more, layers=layers)
    words = UNZIPPED.replace("262144000", str(LARGEST_UNZIPPED - layers))
    refused = [words] if more > 0 else []
    assert ways(plan) == {"direct-zip": refused, "s3-zip": refused, "layers": refused}
    assert plan.choice is (None if refused else Strategy.DIRECT_ZIP)


@pytest.mark.parametrize("more", [0, 1])
def test_the_edge_of_the_layers(more: int) -> None:
    words = (
        "InvalidParameterValueException: Layers consume more than the available size of "
        "262144000 bytes"
    )
    plan = plan_of(1000, 0, layers=LARGEST_UNZIPPED + more)
    assert ways(plan)["s3-zip"] == ([words] if more else [])


def test_every_broken_limit_is_told_with_what_is_allowed_and_what_it_is() -> None:
    plan = plan_of(60_000_000, 300_000_000)
    direct, s3, layers, *_ = plan.candidates
    assert isinstance(direct, Refusal)
    assert isinstance(s3, Refusal)
    assert [(one.limit, one.allowed, one.actual) for one in direct.limits] == [
        ("request-size", 69_905_067, 80_000_016),
        ("code-size-unzipped", 262_144_000, 300_000_000),
    ]
    assert [one.aws_error for one in direct.limits] == [REQUEST, UNZIPPED]
    assert isinstance(layers, Refusal)
    assert [one.limit for one in s3.limits] == ["code-size-unzipped"]
    assert layers.limits == s3.limits
    assert plan.choice is None
    assert plan.chosen is None


def test_a_wanted_way_is_taken_instead_of_the_first() -> None:
    plan = plan_of(wanted=Strategy.S3_ZIP)
    assert plan.choice is Strategy.S3_ZIP
    assert chosen(plan, Strategy.S3_ZIP).strategy is Strategy.S3_ZIP


def test_a_wanted_way_that_is_refused_is_an_error_though_another_works() -> None:
    plan = plan_of(60_000_000, wanted=Strategy.DIRECT_ZIP)
    assert plan.choice is None
    with pytest.raises(WideloadError) as caught:
        chosen(plan, Strategy.DIRECT_ZIP)
    assert caught.value.what.startswith("direct-zip is no way to ship shop: it is ")
    assert caught.value.why == f"AWS would answer {REQUEST}"


def test_a_wanted_way_that_there_is_nothing_for() -> None:
    plan = plan_of(wanted=Strategy.EFS)
    assert plan.choice is None
    with pytest.raises(WideloadError) as caught:
        chosen(plan, Strategy.EFS)
    assert caught.value.what == "efs is no way to ship shop"
    assert caught.value.why.startswith("there is nothing to put into a file system")
    assert caught.value.hint == 'set strategy = "auto"'


def test_of_ways_that_a_line_mends_the_simplest_is_named() -> None:
    mount = MountEstimate(1, 1, 1, 1, 1, ("subnets",), ("subnets",))
    bundle = BundleEstimate(1, 1, 1, 1, 600 << 20)
    plan = propose(
        "shop",
        resolution_of(),
        slimmed_of(60_000_000, 300_000_000),
        bundle=bundle,
        mount=mount,
    )
    with pytest.raises(WideloadError) as caught:
        chosen(plan, "auto")
    assert caught.value.hint == "set ephemeral = 640"


def test_no_way_at_all_names_the_bytes_over_and_the_heaviest_packages() -> None:
    wheels = [
        wheel_value(name, members=[member(f"{name}/lib.so", size)])
        for name, size in (("a", 1_000_000), ("b", 90_000_000), ("c", 30_000_000), ("d", 2))
    ]
    provided = wheel_value("boto3", members=[member("boto3/x", 200_000_000)])
    plan = propose(
        "shop",
        resolution_of(*wheels, provided),
        slimmed_of(1000, LARGEST_UNZIPPED + 5_251_653, [Provided("boto3", "runtime")]),
    )
    with pytest.raises(WideloadError) as caught:
        chosen(plan, "auto")
    assert caught.value.what == "no way to ship shop: it is 5,251,653 bytes over"
    assert caught.value.why == f"AWS would answer {UNZIPPED}"
    assert caught.value.hint == "the heaviest packages are b (90 MB), c (30 MB), a (1 MB)"


def test_the_bytes_over_are_those_of_the_way_that_is_nearest_to_working() -> None:
    plan = plan_of(89_400_000, LARGEST_UNZIPPED + 5_251_653)
    with pytest.raises(WideloadError) as caught:
        chosen(plan, "auto")
    assert caught.value.what == "no way to ship shop: it is 5,251,653 bytes over"
    assert caught.value.why == f"AWS would answer {UNZIPPED}"


def test_packages_are_weighed_raw_and_marked_where_they_are_provided() -> None:
    wheels = [
        wheel_value("boto3", "1.44", members=[member("boto3/a.py", 100, 40)]),
        wheel_value("numpy", "2.1", members=[member("numpy/a.so", 900, 300), member("b", 1)]),
    ]
    plan = propose(
        "shop",
        resolution_of(*wheels, downloaded_bytes=77),
        slimmed_of(1000, 2000, [Provided("boto3", "runtime")]),
    )
    document = plan_json(plan)
    candidates = document["candidates"]
    assert [one["strategy"] for one in candidates] == [one.value for one in ORDER]
    assert document == {
        "schema": 1,
        "function": "shop",
        "target": {"runtime": "python3.13", "architecture": "x86_64"},
        "packages": [
            {
                "name": "boto3",
                "version": "1.44",
                "unzipped_bytes": 100,
                "zipped_bytes": 40,
                "provided_by": "runtime",
            },
            {
                "name": "numpy",
                "version": "2.1",
                "unzipped_bytes": 901,
                "zipped_bytes": 301,
                "provided_by": None,
            },
        ],
        "candidates": candidates,
        "choice": "direct-zip",
        "downloaded_bytes": 77,
        "exact": True,
        "prefer": "simple",
    }


COMMON = {"zipped_bytes": 1000, "unzipped_bytes": 2000, "refusals": [], "split": None}


@pytest.mark.parametrize(
    ("strategy", "special"),
    [
        ("direct-zip", {"feasible": True, "reasons": ["one call, nothing else needed"]}),
        (
            "s3-zip",
            {"feasible": True, "reasons": ["a bucket takes what is too big for the request"]},
        ),
        (
            "layers",
            {
                "feasible": True,
                "reasons": ["nothing of it is worth a layer"],
                "split": {
                    "function": {"zipped_bytes": 1000, "unzipped_bytes": 2000, "packages": []},
                    "layers": [],
                    "attached": [],
                    "sum_unzipped_bytes": 2000,
                    "allowed_unzipped_bytes": 262_144_000,
                },
            },
        ),
        (
            "s3-bootstrap",
            {
                "feasible": False,
                "reasons": [
                    "there is nothing to put into a bundle: no packages and no large files"
                ],
            },
        ),
        ("image", {"feasible": False, "reasons": ["what it would be built on is not known"]}),
        (
            "efs",
            {
                "feasible": False,
                "reasons": [
                    "there is nothing to put into a file system: no packages and no large files"
                ],
            },
        ),
    ],
)
def test_a_way_in_json(strategy: str, special: dict[str, Any]) -> None:
    plan = propose("shop", resolution_of(), slimmed_of(1000, 2000))
    found = {one["strategy"]: one for one in plan_json(plan)["candidates"]}[strategy]
    start, cost = found.pop("cold_start"), found.pop("cost")
    assert found == {"strategy": strategy, "bundle": None, **COMMON, **special}
    if special["feasible"]:
        assert start["basis"] == "model"
        assert cost["dollars_a_month"] > 0
    else:
        assert (start, cost) == (None, None)


def test_a_refusal_in_json() -> None:
    found = {one["strategy"]: one for one in plan_json(plan_of(60_000_000))["candidates"]}
    assert found["direct-zip"] == {
        "strategy": "direct-zip",
        "feasible": False,
        "zipped_bytes": 60_000_000,
        "unzipped_bytes": 2000,
        "reasons": [],
        "refusals": [
            {
                "limit": "request-size",
                "allowed": 69_905_067,
                "actual": 80_000_016,
                "aws_error": REQUEST,
            }
        ],
        "split": None,
        "bundle": None,
        "cold_start": None,
        "cost": None,
    }


def test_the_target_is_the_resolutions() -> None:
    assert plan_of().target == AL2023
