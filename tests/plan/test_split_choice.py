"""Which distribution goes into which layer, and which limit refuses."""

from __future__ import annotations

import pytest

from split_made import MB, TARGET, dist, own, packages, tree_of, united
from wideload.errors import WideloadError
from wideload.plan.split.atoms import HEAVY, SMALL
from wideload.plan.split.splitting import split
from wideload.values.attached import AttachedLayer
from wideload.values.function import Strategy
from wideload.values.proposal import Refusal
from wideload.values.resolution import Wheel
from wideload.values.split import Place, Split

QUOTA = 262_144_000
COUNT = "InvalidParameterValueException: Cannot reference more than 5 layers."
LAYERS = (
    f"InvalidParameterValueException: Layers consume more than the available size of {QUOTA} bytes"
)
LIGHT = [dist("requests", 60_000), dist("certifi", 150_000), dist("six", 11_000)]
HEAVIES = [
    dist("scipy", 35 * MB),
    dist("numpy", 17 * MB),
    dist("pandas", 12 * MB),
    dist("scikit-learn", 9 * MB),
]
PLAN = [("scipy",), ("numpy",), ("pandas",), ("scikit-learn",), ("certifi", "requests", "six")]


def layer(number: int = 0, unzipped: int = 1000) -> AttachedLayer:
    arn = f"arn:aws:lambda:eu-west-1:123456789012:layer:theirs-{number}:3"
    return AttachedLayer(
        arn=arn,
        sha256="0" * 64,
        zipped_bytes=1,
        unzipped_bytes=unzipped,
        runtimes=(),
        architectures=(),
        distributions=(),
    )


def made(
    wheels: list[Wheel],
    *,
    pins: dict[str, Place] | None = None,
    before: dict[str, Place] | None = None,
    attached: int = 0,
    largest_zip: int | None = None,
) -> Split:
    found = attempt(wheels, pins=pins, before=before, attached=attached, largest_zip=largest_zip)
    assert isinstance(found, Split), found
    assert united(found) == list(tree_of(wheels, [own()]))
    return found


def attempt(
    wheels: list[Wheel],
    *,
    pins: dict[str, Place] | None = None,
    before: dict[str, Place] | None = None,
    attached: int = 0,
    largest_zip: int | None = None,
) -> Split | Refusal:
    return split(
        tree_of(wheels, [own()]),
        wheels,
        TARGET,
        pins=pins or {},
        before=before or {},
        attached=[layer(number) for number in range(attached)],
        largest_zip=largest_zip,
    )


def test_code_alone_heavies_apart_lights_together() -> None:
    found = made([*HEAVIES, *LIGHT])
    assert packages(found) == PLAN
    assert [entry.path for entry in found.function] == ["app.py"]
    assert found.packages == ()


def test_what_is_light_never_moves_what_is_heavy() -> None:
    without = made(HEAVIES)
    assert packages(without) == PLAN[:4]
    assert made([*HEAVIES, *LIGHT]).layers[:4] == without.layers
    more = [dist(f"heavy-{number}", (number + 2) * MB) for number in range(5)]
    without = made([*HEAVIES, *more])
    assert len(without.layers) == 4
    assert made([*HEAVIES, *more, *LIGHT]).layers[:4] == without.layers


def test_a_few_small_ones_are_not_worth_a_layer() -> None:
    small = [dist("a", SMALL - 2000), dist("b", 800)]
    assert made([*HEAVIES, *small]).packages == ("a", "b")
    assert made([*HEAVIES, *small, dist("c", 2000)]).packages == ()


def test_without_a_layer_left_the_light_ones_lie_in_the_function() -> None:
    found = made([*HEAVIES, *LIGHT], attached=4)
    assert packages(found) == [("numpy", "pandas", "scikit-learn", "scipy")]
    assert found.packages == ("certifi", "requests", "six")
    # But where nothing is heavy they have the layer.
    assert packages(made(LIGHT, attached=4)) == [("certifi", "requests", "six")]


def test_layers_that_have_to_be_shared_upload_the_least() -> None:
    found = made([*HEAVIES[:3], *LIGHT], attached=2)
    # The lighter ones pay for one another, so the heaviest stays alone.
    assert packages(found) == [("scipy",), ("numpy", "pandas"), PLAN[4]]


def test_what_changes_often_stays_away_from_what_is_heavy() -> None:
    wheels = [dist("botocore", 14 * MB), dist("numpy", 17 * MB), dist("scipy", 35 * MB)]
    assert packages(made(wheels, attached=2)) == [("numpy", "scipy"), ("botocore",)]


def test_heavy_begins_where_it_says() -> None:
    header = 2000
    wheels = [dist("a", HEAVY - header), dist("b", HEAVY), dist("c", 20_000)]
    assert packages(made(wheels)) == [("b",), ("a", "c")]


def test_what_stays_together_is_one_to_the_search() -> None:
    wheels = [*HEAVIES[:2], dist("plugin", 3000, "numpy/plugin.py"), *LIGHT]
    assert packages(made(wheels)) == [("scipy",), ("numpy", "plugin"), PLAN[4]]


def test_nothing_to_part() -> None:
    found = made([])
    assert found.layers == ()
    assert found.packages == ()


@pytest.mark.parametrize("over", [0, 1])
def test_the_sum_is_held_against_the_quota_as_aws_does(over: int) -> None:
    one, other = dist("a", 2 * MB, unzipped=100 * MB), dist("b", 2 * MB)
    rest = QUOTA - tree_of([one, other], [own()]).unzipped_bytes - 1000
    wheels = [one, dist("b", 2 * MB, unzipped=2 * MB + rest + over)]
    found = attempt(wheels, attached=1)
    if not over:
        assert isinstance(found, Split)
        assert found.unzipped_bytes + 1000 == QUOTA
        return
    assert isinstance(found, Refusal)
    assert found.strategy is Strategy.LAYERS
    allowed = own().size - 1
    words = f"InvalidParameterValueException: Unzipped size must be smaller than {allowed} bytes"
    assert [limit.aws_error for limit in found.limits] == [words]
    assert (found.unzipped_bytes, found.zipped_bytes) == (
        QUOTA - 1000 + 1,
        tree_of(wheels, [own()]).zipped_bytes,
    )


def test_layers_never_buy_more_than_the_quota() -> None:
    wheels = [dist(name, 20 * MB, unzipped=70 * MB) for name in "abcd"]
    found = attempt(wheels)
    assert isinstance(found, Refusal)
    assert [limit.aws_error for limit in found.limits] == [LAYERS]


def test_a_distribution_that_is_too_big_for_one_layer() -> None:
    found = attempt([dist("torch", 100 * MB, unzipped=QUOTA + 1)])
    assert isinstance(found, Refusal)
    assert [limit.aws_error for limit in found.limits] == [
        f"InvalidParameterValueException: Unzipped size must be smaller than {QUOTA} bytes",
        LAYERS,
    ]


def test_five_layers_of_others_leave_none() -> None:
    found = attempt(HEAVIES, attached=5)
    assert isinstance(found, Refusal)
    assert [limit.aws_error for limit in found.limits] == [COUNT]
    assert isinstance(attempt([], attached=5), Split)


def test_one_layer_per_dependency_is_refused_and_one_that_works_told() -> None:
    wheels = [*HEAVIES, *LIGHT]
    pins: dict[str, Place] = {
        name: number
        for number, name in enumerate(
            ["certifi", "numpy", "pandas", "requests", "scikit-learn", "scipy"], 1
        )
    }
    found = attempt(wheels, pins=pins)
    assert isinstance(found, Refusal)
    assert [(one.allowed, one.actual, one.aws_error) for one in found.limits] == [(5, 6, COUNT)]
    assert " ".join(found.reasons) == (
        "without pins it would be function: its own files; layer 1: scipy; layer 2: numpy; "
        "layer 3: pandas; layer 4: scikit-learn; layer 5: certifi, requests, six"
    )


def test_pins_are_obeyed_and_the_rest_is_placed_beside_them() -> None:
    pins: dict[str, Place] = {"pandas": 7, "NumPy": 2, "scipy": 2, "requests": "function"}
    found = made([*HEAVIES, *LIGHT], pins=pins)
    assert packages(found) == [
        ("numpy", "scipy"),
        ("pandas",),
        ("scikit-learn",),
        ("certifi", "six"),
    ]
    assert found.packages == ("requests",)


def test_pins_may_take_all_layers() -> None:
    pins: dict[str, Place] = {one.name: number for number, one in enumerate(HEAVIES, 1)}
    found = made([*HEAVIES, *LIGHT], pins=pins | {"six": 5})
    assert packages(found) == [*PLAN[:4], ("certifi", "requests", "six")]
    found = made([*HEAVIES, dist("polars", 30 * MB), *LIGHT], pins=pins | {"polars": 5})
    assert packages(found) == [*PLAN[:4], ("polars",)]
    assert found.packages == ("certifi", "requests", "six")


def test_pins_part_between_layers_what_stays_out_of_the_function() -> None:
    wheels = [dist("a", 2 * MB), dist("b", 3 * MB, "a/b.py"), dist("c", 100, "a/c.py")]
    found = made(wheels, pins={"a": 2, "b": 1})
    assert packages(found) == [("b", "c"), ("a",)]


@pytest.mark.parametrize(
    ("pins", "words"),
    [
        ({"a": 1, "b": "function"}, "a cannot lie in a layer: it has to stay with b, and b is to "),
        ({"mine": 1}, "mine cannot lie in a layer: mine meets files of the function's own"),
    ],
)
def test_pins_that_would_break_imports_are_refused(pins: dict[str, Place], words: str) -> None:
    wheels = [dist("a", 2 * MB), dist("b", 3 * MB, "a/b.py"), dist("mine", 2 * MB)]
    found = split(tree_of(wheels, [own("mine/more.py")]), wheels, TARGET, pins=pins)
    assert isinstance(found, Refusal)
    assert found.limits == ()
    assert found.reasons[0].startswith(words)
    assert found.reasons[1].startswith("without pins it would be function: ")


@pytest.mark.parametrize(
    ("pins", "what", "hint"),
    [
        ({"nunpy": 1}, "nunpy is to lie in layer 1, but is not among", "did you mean 'numpy'?"),
        ({"x": "function"}, "x is to lie in the function, but is not among", "name one of these"),
        ({"numpy": 0}, "numpy cannot lie in layer 0", 'say "function"'),
        ({"numpy": "layer"}, "numpy cannot lie in 'layer'", 'say "function"'),
    ],
)
def test_pins_that_mean_nothing_are_errors(pins: dict[str, Place], what: str, hint: str) -> None:
    with pytest.raises(WideloadError) as caught:
        attempt(HEAVIES, pins=pins)
    assert caught.value.what.startswith(what)
    assert caught.value.hint.startswith(hint)


def test_what_ships_nothing_may_be_pinned() -> None:
    wheels = [*HEAVIES, dist("boto3")]
    found = split(tree_of(HEAVIES), wheels, TARGET, pins={"boto3": 1})
    assert isinstance(found, Split)
    assert packages(found) == PLAN[:4]


def test_a_new_version_stays_in_its_layer_and_touches_no_other() -> None:
    many = [dist(f"heavy-{number}", (3 * number + 2) * MB) for number in range(7)]
    first = made([*many, *LIGHT])
    for index, old in enumerate(many):
        # Twice as heavy, so that a fresh split would be another one.
        bumped = dist(old.name, 2 * old.size, version="2")
        second = made([*many[:index], bumped, *many[index + 1 :], *LIGHT], before=first.places)
        assert packages(second) == packages(first)
        changed = [
            one.packages
            for one, other in zip(second.layers, first.layers, strict=True)
            if one.digest != other.digest
        ]
        assert len(changed) == 1
        assert old.name in changed[0]


def test_what_is_new_joins_what_was_there() -> None:
    first = made([*HEAVIES[:3], *LIGHT])
    second = made([*HEAVIES, *LIGHT, dist("idna", 70_000)], before=first.places)
    assert packages(second) == [*PLAN[:3], ("certifi", "idna", "requests", "six"), PLAN[3]]


def test_what_is_gone_leaves_no_empty_layer() -> None:
    first = made([*HEAVIES, *LIGHT])
    second = made([HEAVIES[0], *HEAVIES[2:], *LIGHT], before=first.places)
    assert packages(second) == [PLAN[0], *PLAN[2:]]


def test_what_was_before_gives_way_where_it_costs_too_much() -> None:
    bad: dict[str, Place] = {one.name: 1 for one in [*HEAVIES, *LIGHT]}
    assert packages(made([*HEAVIES, *LIGHT], before=bad)) == PLAN


def test_what_was_before_gives_way_where_it_does_not_fit() -> None:
    first = made([*HEAVIES, *LIGHT])
    found = made([*HEAVIES, *LIGHT], before=first.places, attached=3)
    assert packages(found) == [tuple(sorted(one.name for one in HEAVIES)), PLAN[4]]


def test_a_pin_takes_the_layer_along_in_which_it_lay() -> None:
    wheels = [*HEAVIES[:3], *LIGHT]
    first = made(wheels, attached=2)
    found = made(wheels, before=first.places, attached=2, pins={"pandas": 1})
    assert packages(found) == [("numpy", "pandas"), ("scipy",), PLAN[4]]


def test_zips_that_fit_the_request() -> None:
    wheels = [dist(name, 20 * MB) for name in "abcdef"]
    found = made(wheels, largest_zip=50 * MB)
    assert all(share.tree.zipped_bytes <= 50 * MB for share in found.layers)
    found = made([dist(name, 30 * MB) for name in "abcde"], largest_zip=50 * MB)
    assert len(found.layers) == 5


def test_zips_that_do_not_fit_the_request() -> None:
    for wheels in ([dist("a", 60 * MB)], [dist(name, 30 * MB) for name in "abcdef"]):
        found = attempt(wheels, largest_zip=50 * MB)
        assert isinstance(found, Refusal)
        assert [one.limit for one in found.limits] == ["request-size"]
        assert found.reasons == ("no split was found whose zips are all within 50,000,000 bytes",)


def test_the_order_of_the_wheels_is_of_no_consequence() -> None:
    wheels = [*HEAVIES, *LIGHT]
    tree = tree_of(wheels, [own()])
    assert split(tree, wheels, TARGET) == split(tree, wheels[::-1], TARGET)
