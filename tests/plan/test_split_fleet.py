"""Functions split together: what is shared, what is not, and what stays as it was."""

from __future__ import annotations

import itertools

import msgspec
import pytest

from made_values import AL2
from split_made import MB, TARGET, dist, own, packages, tree_of
from wideload.errors import WideloadError
from wideload.plan.fleet import plan_fleet
from wideload.plan.split.splitting import split
from wideload.values.fleet import FleetMember, FleetPlan
from wideload.values.proposal import Refusal
from wideload.values.resolution import Wheel
from wideload.values.split import Place, Split

NUMPY, PANDAS, SCIPY = dist("numpy", 17 * MB), dist("pandas", 12 * MB), dist("scipy", 35 * MB)
SIX = dist("six", 11_000)
MORE = [dist(f"heavy-{number}", (number + 2) * MB) for number in range(6)]


def member(name: str, *wheels: Wheel, **given: object) -> FleetMember:
    tree = tree_of(wheels, [own(f"{name}.py")])
    return msgspec.structs.replace(FleetMember(name, tree, wheels, TARGET), **given)


def layers(plan: FleetPlan, name: str) -> list[tuple[str, ...]]:
    found = plan.splits[name]
    assert isinstance(found, Split)
    return packages(found)


def shared(plan: FleetPlan) -> dict[tuple[str, ...], tuple[str, ...]]:
    return {one.share.packages: one.functions for one in plan.layers}


def test_the_same_content_is_one_layer() -> None:
    plan = plan_fleet([member("a", NUMPY, PANDAS, SIX), member("b", NUMPY, SCIPY, SIX)])
    assert shared(plan) == {
        ("numpy",): ("a", "b"),
        ("six",): ("a", "b"),
        ("pandas",): ("a",),
        ("scipy",): ("b",),
    }
    assert plan.optimal
    sizes = [one.share.tree.zipped_bytes for one in plan.layers]
    found = [plan.splits[name] for name in ("a", "b")]
    code = sum(one.function.zipped_bytes for one in found if isinstance(one, Split))
    assert plan.stored_bytes == code + sum(sizes)


def test_other_content_is_another_layer() -> None:
    newer = dist("numpy", 17 * MB, version="2")
    slimmer = tree_of([NUMPY], [own()]).where(lambda entry: not entry.path.endswith("DATA"))
    plan = plan_fleet(
        [
            member("a", NUMPY),
            member("b", newer),
            member("c", NUMPY, tree=slimmer),
            member("d", NUMPY, target=AL2),
        ]
    )
    assert [one.functions for one in plan.layers if "numpy" in one.share.packages] == [
        ("a",), ("b",), ("d",)
    ]  # fmt: skip
    # Of the slimmed there is so little left that it lies in the function.
    assert layers(plan, "c") == []


def test_functions_that_have_too_many_merge_what_they_share() -> None:
    everything = [NUMPY, PANDAS, SCIPY, *MORE[:3]]
    plan = plan_fleet(
        [
            member("a", *everything),
            member("b", *everything, SIX),
            member("c", NUMPY),
            member("d", SCIPY),
        ]
    )
    assert layers(plan, "a") == layers(plan, "b")[: len(layers(plan, "a"))]
    assert len(layers(plan, "a")) == 4
    # What others have alone is not doubled by a merger.
    assert shared(plan)["numpy",] == ("a", "b", "c")
    assert shared(plan)["scipy",] == ("a", "b", "d")


def test_a_function_that_cannot_be_split_leaves_the_others_whole() -> None:
    huge = dist("torch", 100 * MB, unzipped=300 * MB)
    pins: dict[str, Place] = {"numpy": 1, "pandas": 6}
    alone = plan_fleet([member("a", NUMPY)])
    plan = plan_fleet(
        [member("x", huge), member("a", NUMPY), member("y", NUMPY, pins={"numpy": 3})]
    )
    assert list(plan.splits) == ["x", "a", "y"]
    assert isinstance(plan.splits["x"], Refusal)
    assert plan.splits["a"] == alone.splits["a"]
    assert shared(plan) == {("numpy",): ("a", "y")}
    with pytest.raises(WideloadError, match="pandas is to lie in layer 6"):
        plan_fleet([member("y", NUMPY, pins=pins)])


def test_pins_that_are_refused_say_what_would_work() -> None:
    pins: dict[str, Place] = {one.name: number for number, one in enumerate(MORE, 1)}
    refused = plan_fleet([member("a", *MORE, pins=pins)]).splits["a"]
    assert isinstance(refused, Refusal)
    assert refused == split(tree_of(MORE, [own("a.py")]), MORE, TARGET, pins=pins)
    assert refused.reasons[0].startswith("without pins it would be function: its own files; ")


def test_what_was_before_stays() -> None:
    members = [member(str(n), *some) for n, some in enumerate(itertools.combinations(MORE, 5))]
    first = plan_fleet(members)
    old = MORE[0]
    bumped = dist(old.name, 2 * old.size + 3 * MB, version="2")
    after = []
    for one in members:
        found = first.splits[one.name]
        assert isinstance(found, Split)
        wheels = [bumped if wheel is old else wheel for wheel in one.wheels]
        after.append(member(one.name, *wheels, before=found.places))
    second = plan_fleet(after)
    for one in members:
        assert layers(second, one.name) == layers(first, one.name)
    unchanged = {one.digest for one in first.layers if old.name not in one.share.packages}
    assert unchanged < {one.digest for one in second.layers}


def test_no_functions() -> None:
    assert plan_fleet([]) == FleetPlan({}, (), True)
