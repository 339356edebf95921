"""Splits that are kept to the letter, alone and in a fleet."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from split_made import MB, TARGET, dist, own, packages, tree_of
from wideload.plan.fleet import plan_fleet
from wideload.plan.split.search import Load
from wideload.plan.split.sharing import Want, share
from wideload.plan.split.splitting import keep, split
from wideload.values.fleet import FleetMember
from wideload.values.split import Place, Split

if TYPE_CHECKING:
    from wideload.values.resolution import Wheel

HEAVY = [dist(f"heavy-{number}", (number + 2) * MB) for number in range(7)]
LIGHT = [dist(f"light-{number}", 3000 * (number + 1)) for number in range(4)]
SETS = st.lists(st.sampled_from([*HEAVY, *LIGHT]), max_size=9, unique_by=lambda one: one.name)


def member(name: str, *wheels: Wheel, **given: object) -> FleetMember:
    tree = tree_of(wheels, [own(f"{name}.py")])
    return msgspec.structs.replace(FleetMember(name, tree, tuple(wheels), TARGET), **given)


def kept(one: FleetMember, before: dict[str, Place]) -> Split | None:
    return keep(one.tree, one.wheels, one.target, before)


@settings(max_examples=60, derandomize=True)
@given(st.lists(SETS, min_size=1, max_size=5), SETS)
def test_what_a_fleet_chose_is_what_each_alone_keeps(
    sets: list[list[Wheel]], more: list[Wheel]
) -> None:
    members = [member(str(number), *wheels) for number, wheels in enumerate(sets)]
    first = plan_fleet(members)
    held = []
    for one in members:
        found = first.splits[one.name]
        assert isinstance(found, Split)
        assert kept(one, found.places) == found
        held.append(msgspec.structs.replace(one, before=found.places, held=True))
    # Whoever comes later moves none of them, and what was chosen for it is kept as well.
    new = member("new", *more)
    second = plan_fleet([new, *held])
    assert {one.name: second.splits[one.name] for one in members} == first.splits
    found = second.splits["new"]
    assert isinstance(found, Split)
    assert kept(new, found.places) == found


def test_kept_although_another_would_be_much_better() -> None:
    one = member("a", *HEAVY[:4])
    together: dict[str, Place] = {wheel.name: 1 for wheel in HEAVY[:4]}
    names = tuple(wheel.name for wheel in HEAVY[:4])
    found = kept(one, together)
    assert found is not None
    assert packages(found) == [names]
    weighed = split(one.tree, one.wheels, TARGET, before=together)
    assert isinstance(weighed, Split)
    assert len(weighed.layers) == 4


def test_what_is_new_is_placed_beside_what_is_kept() -> None:
    one = member("a", *HEAVY[:3], LIGHT[0])
    found = kept(one, {"heavy-0": 1, "heavy-1": 1})
    assert found is not None
    assert packages(found) == [("heavy-0", "heavy-1"), ("heavy-2",)]
    assert found.packages == ("light-0",)


def test_not_kept_where_there_are_more_layers_than_there_may_be() -> None:
    one = member("a", *HEAVY[:6])
    apart: dict[str, Place] = {wheel.name: number for number, wheel in enumerate(HEAVY[:6], 1)}
    assert kept(one, apart) is None
    plan = plan_fleet([msgspec.structs.replace(one, before=apart, held=True)])
    fresh = plan.splits["a"]
    assert isinstance(fresh, Split)
    assert len(fresh.layers) == 4


def test_pins_come_before_what_was_before() -> None:
    one = member("a", *HEAVY[:2])
    before: dict[str, Place] = {"heavy-0": 1, "heavy-1": 2}
    found = keep(one.tree, one.wheels, TARGET, before, pins={"heavy-0": "function"})
    assert found is not None
    assert packages(found) == [("heavy-1",)]
    assert found.packages == ("heavy-0",)


def test_a_newcomer_takes_the_layers_that_there_are() -> None:
    """Five heavy packages for four layers: one pair has to be merged, and there is one."""
    pairs = list(itertools.combinations(range(5), 2))
    for one, other in pairs:
        places: dict[str, Place] = {
            wheel.name: 1 if number in (one, other) else number + 2
            for number, wheel in enumerate(HEAVY[:5])
        }
        held = member("old", *HEAVY[:5], before=places, held=True)
        plan = plan_fleet([held, member("new", *HEAVY[:5], LIGHT[3])])
        found = plan.splits["new"]
        assert isinstance(found, Split)
        heavy = [names for names in packages(found) if names != ("light-3",)]
        assert (HEAVY[one].name, HEAVY[other].name) in heavy
        assert not plan.optimal


def test_layers_that_are_there_cost_nothing() -> None:
    items = [Load(4, 10 * MB), Load(4, 10 * MB), Load(4, MB)]
    wants = [Want(0b111, 2)]
    free = share(items, wants, [(0b111,)])
    assert free.layers in [((0b001, 0b110),), ((0b010, 0b101),)]
    found = share(items, wants, [(0b111,)], [0b011])
    assert found.layers == ((0b011, 0b100),)
    assert found.cost == items[2].cost
