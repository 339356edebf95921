"""Layers as a way to ship, beside the others: weighed, told, refused in the words of AWS."""

from __future__ import annotations

import io

import msgspec
import pytest
from rich.console import Console

from made_values import attached_of, member, resolution_of, wheel_value
from wideload.errors import WideloadError
from wideload.plan.planner import chosen, propose
from wideload.report.plan import plan_json, plan_text
from wideload.slim.slimming import slim
from wideload.values.function import Strategy
from wideload.values.proposal import Plan, Proposal, Refusal
from wideload.values.slimmed import Slimmed
from wideload.values.tree import FileEntry, FileTree, LocalFile

QUOTA = 262_144_000
INVALID = "InvalidParameterValueException: "
HEAVY = 3 * 1024**2
OWN = FileTree.of(
    [FileEntry("app.py", 2000, 1000, 0, 0o644, False, LocalFile("/source/app.py", "0" * 64))]
)
SIX = ["alpha", "beta", "delta", "gamma", "omega", "sigma"]


def plan_of(
    sizes: dict[str, int],
    *,
    attached: int = 0,
    pins: dict[str, int] | None = None,
    wanted: Strategy = Strategy.LAYERS,
) -> Plan:
    """A plan of packages of these sizes, which deflate to a third."""
    wheels = [
        wheel_value(
            name,
            members=[
                member(f"{name}/__init__.py", size, max(size // 3, 1)),
                member(f"{name}-1.0.dist-info/METADATA", 0),
            ],
        )
        for name, size in sizes.items()
    ]
    resolution = resolution_of(*wheels)
    slimmed: Slimmed = slim(resolution, OWN, rules="none")
    layers = [attached_of(attached)] if attached else []
    return propose(
        "shop", resolution, slimmed, wanted=wanted, attached=layers, pins=dict(pins or {})
    )


def layers_of(plan: Plan) -> Proposal | Refusal:
    (found,) = (one for one in plan.candidates if one.strategy is Strategy.LAYERS)
    return found


def test_layers_are_weighed_with_what_lies_in_each() -> None:
    plan = plan_of({"numpy": 10 * HEAVY, "tiny": 50})
    proposal = layers_of(plan)
    assert isinstance(proposal, Proposal)
    assert proposal.split is not None
    assert plan.choice is Strategy.LAYERS
    assert [share.packages for share in proposal.split.layers] == [("numpy",)]
    assert proposal.split.packages == ("tiny",)
    assert proposal.zipped_bytes == proposal.split.zipped_bytes
    assert proposal.unzipped_bytes == 10 * HEAVY + 50 + 2000
    assert proposal.reason == (
        "1 layer that other functions share; a change of the code uploads "
        f"{proposal.split.function.zipped_bytes / 1000:.1f} kB"
    )


def test_layers_are_taken_only_where_they_are_asked_for() -> None:
    plan = propose("shop", resolution_of(), slim(resolution_of(), OWN, rules="none"))
    assert plan.choice is Strategy.DIRECT_ZIP
    assert isinstance(layers_of(plan), Proposal)


def test_what_lies_in_each_is_told() -> None:
    plan = plan_of({"numpy": 10 * HEAVY, "tiny": 50})
    candidate = next(each for each in plan_json(plan)["candidates"] if each["strategy"] == "layers")
    found = candidate["split"]
    assert found["function"]["packages"] == ["tiny"]
    assert [layer["packages"] for layer in found["layers"]] == [["numpy"]]
    assert found["layers"][0]["unzipped_bytes"] == 10 * HEAVY
    parts = [found["function"], *found["layers"]]
    for key in ("zipped_bytes", "unzipped_bytes"):
        assert sum(part[key] for part in parts) == candidate[key]
    out = io.StringIO()
    slimmed = slim(resolution_of(), OWN, rules="none")
    Console(file=out, width=200).print(plan_text(plan, slimmed))
    lines = [" ".join(line.split()) for line in out.getvalue().splitlines()]
    assert any(line.startswith("function 2.0 kB") and "tiny" in line for line in lines)
    assert "layer 1 31.5 MB 10.5 MB numpy" in lines


@pytest.mark.parametrize(
    ("sizes", "attached", "words"),
    [
        # All that does not fit lies in layers.
        ({"numpy": QUOTA, "pandas": HEAVY}, 0, "Layers consume more than the available size of "),
        ({"numpy": QUOTA - HEAVY}, 2 * HEAVY, "Layers consume more than the available size of "),
    ],
)
def test_what_is_too_big_together_is_too_big_for_layers(
    sizes: dict[str, int], attached: int, words: str
) -> None:
    plan = plan_of(sizes, attached=attached)
    refusal = layers_of(plan)
    assert isinstance(refusal, Refusal)
    assert [limit.aws_error for limit in refusal.limits] == [f"{INVALID}{words}{QUOTA} bytes"]
    with pytest.raises(WideloadError) as told:
        chosen(plan, Strategy.LAYERS)
    assert told.value.what.startswith("layers is no way to ship shop: it is ")
    assert told.value.why == f"AWS would answer {INVALID}{words}{QUOTA} bytes"
    assert "numpy" in told.value.hint


def test_the_code_beside_layers_is_what_the_layers_leave_over() -> None:
    plan = plan_of({"numpy": QUOTA - 1999})
    refusal = layers_of(plan)
    assert isinstance(refusal, Refusal)
    assert [limit.aws_error for limit in refusal.limits] == [
        f"{INVALID}Unzipped size must be smaller than 1999 bytes"
    ]
    assert isinstance(layers_of(plan_of({"numpy": QUOTA - 2000})), Proposal)


def test_the_bytes_over_are_of_code_and_layers_together() -> None:
    plan = plan_of({"numpy": QUOTA + 5})
    with pytest.raises(WideloadError, match="it is 2,005 bytes over"):
        chosen(plan, Strategy.LAYERS)
    with pytest.raises(WideloadError, match="no way to ship shop: it is 2,005 bytes over") as told:
        chosen(plan_of({"numpy": QUOTA + 5}), "auto")
    assert told.value.why.endswith(f"Unzipped size must be smaller than {QUOTA} bytes")


def test_one_layer_for_each_of_six_is_refused_and_a_split_that_works_proposed() -> None:
    sizes = dict.fromkeys(SIX, HEAVY)
    by_hand = {name: number for number, name in enumerate(SIX, 1)}
    plan = plan_of(sizes, pins=by_hand)
    refusal = layers_of(plan)
    assert isinstance(refusal, Refusal)
    assert [limit.aws_error for limit in refusal.limits] == [
        f"{INVALID}Cannot reference more than 5 layers."
    ]
    with pytest.raises(WideloadError) as told:
        chosen(plan, Strategy.LAYERS)
    assert told.value.what == "layers is no way to ship shop"
    assert "Cannot reference more than 5 layers." in told.value.why
    assert "without pins it would be function: its own files; layer 1: " in told.value.why
    free = layers_of(plan_of(sizes))
    assert isinstance(free, Proposal)
    assert free.split is not None
    assert 1 <= len(free.split.layers) <= 5
    assert sorted(name for one in free.split.layers for name in one.packages) == SIX


def test_the_sum_is_of_the_function_its_layers_and_those_of_others() -> None:
    plan = plan_of({"numpy": 10 * HEAVY, "tiny": 50}, attached=40_000_000)
    (found,) = (one for one in plan_json(plan)["candidates"] if one["strategy"] == "layers")
    parts = found["split"]
    (attached,) = parts["attached"]
    assert attached["unzipped_bytes"] == 40_000_000
    assert attached["arn"] == plan.attached[0].arn
    own = [parts["function"], *parts["layers"]]
    assert found["unzipped_bytes"] == sum(one["unzipped_bytes"] for one in own)
    assert parts["sum_unzipped_bytes"] == found["unzipped_bytes"] + 40_000_000
    assert parts["allowed_unzipped_bytes"] == QUOTA
    out = io.StringIO()
    slimmed = Slimmed(OWN)
    Console(file=out, width=140, color_system=None).print(plan_text(plan, slimmed))
    lines = [line.split() for line in out.getvalue().splitlines()]
    assert any(line[:3] == ["attached", "40.0", "MB"] for line in lines)
    assert any(line[:3] == ["together", "71.5", "MB"] for line in lines)


@pytest.mark.parametrize("exact", [True, False])
def test_a_plan_says_whether_it_is_exact(exact: bool) -> None:
    slimmed = msgspec.structs.replace(slim(resolution_of(), OWN, rules="none"), exact=exact)
    plan = propose("shop", resolution_of(), slimmed)
    assert plan_json(plan)["exact"] is exact


def test_attached_layers_leave_fewer() -> None:
    plan = plan_of(dict.fromkeys(SIX, HEAVY), attached=1)
    proposal = layers_of(plan)
    assert isinstance(proposal, Proposal)
    assert proposal.split is not None
    assert len(proposal.split.layers) <= 4


def test_a_pin_of_what_is_not_there() -> None:
    with pytest.raises(WideloadError, match="nunpy") as told:
        plan_of({"numpy": HEAVY}, pins={"nunpy": 1})
    assert "did you mean 'numpy'?" in told.value.hint
