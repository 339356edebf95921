from __future__ import annotations

import pytest

from wideload.errors import WideloadError
from wideload.plan.budget import check_budget, over_budget
from wideload.values.artifact import Manifest, ManifestFile, ManifestWheel
from wideload.values.function import Budget, Function, NoRequirements, Settings, Strategy
from wideload.values.layout import lay
from wideload.values.resolution import Member, Resolution, Wheel
from wideload.values.target import Target
from wideload.values.tree import FileTree

TARGET = Target.parse("python3.13", "x86_64")


def wheel(name: str, size: int) -> Wheel:
    member = Member(f"{name}.py", f"{name}.py", size, size, 1, True, False)
    return Wheel(name, "1", f"{name}-1-py3-none-any.whl", "", name, size, (member,))


def function(budget: Budget) -> Function:
    return Function(
        "f", "/p", "/p", "app.handler", TARGET, FileTree(()), NoRequirements(), Settings(),
        budget=budget,
    )  # fmt: skip


def manifest(**sizes: int) -> Manifest:
    return Manifest(
        1, "f", Strategy.DIRECT_ZIP, TARGET, "app.handler", Settings(), (),
        tuple(ManifestFile(f"{n}.py", s, "", f"{n}-1-py3-none-any.whl") for n, s in sizes.items()),
        tuple(ManifestWheel(n, "1", f"{n}-1-py3-none-any.whl", "") for n in sizes),
    )  # fmt: skip


RESOLUTION = Resolution(TARGET, (wheel("big", 5000), wheel("small", 10)), ())
TREE = lay(RESOLUTION.wheels, FileTree(()))


def test_within_the_budget_nothing_is_said() -> None:
    check_budget(function(Budget()), TREE, RESOLUTION, None)
    just = function(Budget(5010, TREE.zipped_bytes))
    check_budget(just, TREE, RESOLUTION, None)
    assert over_budget(just, TREE) == ()


def test_a_plan_tells_of_each_budget_that_it_is_over() -> None:
    allowed = TREE.zipped_bytes - 2
    unzipped, zipped = over_budget(function(Budget(5000, allowed)), TREE)
    assert unzipped == (
        "10 bytes over the budget: max_unzipped allows 5,000 bytes, the package has 5,010"
    )
    assert zipped.startswith(f"2 bytes over the budget: max_zipped allows {allowed:,} bytes")


def test_over_it_the_first_build_names_the_largest() -> None:
    with pytest.raises(WideloadError) as caught:
        check_budget(function(Budget(max_unzipped=5000)), TREE, RESOLUTION, None)
    assert caught.value.what == "f is 10 bytes over its budget"
    assert "its largest parts are big (5,000), small (10)" in caught.value.why


def test_over_it_what_grew_since_the_last_build_is_named() -> None:
    with pytest.raises(WideloadError) as caught:
        check_budget(
            function(Budget(max_zipped=100)), TREE, RESOLUTION, manifest(big=4000, small=10)
        )
    assert "max_zipped allows 100 bytes" in caught.value.why
    assert caught.value.why.endswith("since the last build grew big (+1,000)")


def test_a_budget_that_was_lowered_says_that_nothing_grew() -> None:
    with pytest.raises(WideloadError, match="over its budget") as caught:
        check_budget(
            function(Budget(max_unzipped=1)), TREE, RESOLUTION, manifest(big=5000, small=10)
        )
    assert caught.value.why.endswith(
        "nothing of it grew since the last build; its largest parts are big (5,000), small (10)"
    )
    assert "`wideload explain PACKAGE f`" in caught.value.hint
