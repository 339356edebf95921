"""Who needs whom for the target: extras and markers worked out."""

from __future__ import annotations

import pytest
from packaging.requirements import Requirement

from wideload.resolve.graph import edges, parse_wishes
from wideload.values.target import Target

X86 = Target.parse("python3.13", "x86_64")
ARM = Target.parse("python3.10", "arm64")


def graph(
    roots: list[str], requires: dict[str, list[str]], target: Target = X86
) -> dict[str, tuple[str, ...]]:
    return edges([Requirement(root) for root in roots], requires, target)


def test_edges_lead_to_what_is_locked_only() -> None:
    assert graph(["a"], {"a": ["b>=1", "absent"], "b": []}) == {"a": ("b>=1",), "b": ()}


@pytest.mark.parametrize(
    ("marker", "x86", "arm"),
    [
        ('python_version >= "3.12"', True, False),
        ('platform_machine == "aarch64"', False, True),
        ('sys_platform == "win32"', False, False),
        ('implementation_name == "cpython" and os_name == "posix"', True, True),
        ('python_full_version < "3.11"', False, True),
    ],
)
def test_markers_are_those_of_the_target(marker: str, x86: bool, arm: bool) -> None:
    requires = {"a": [f"b ; {marker}"], "b": []}
    assert bool(graph(["a"], requires)["a"]) is x86
    assert bool(graph(["a"], requires, ARM)["a"]) is arm


def test_extras_that_nobody_asks_for_add_nothing() -> None:
    requires = {"a": ['b ; extra == "fast"'], "b": []}
    assert graph(["a"], requires)["a"] == ()
    assert graph(["a[fast]"], requires)["a"] == ("b",)


def test_extras_asked_for_by_packages_are_followed() -> None:
    requires = {
        "app": ["lib[fast]>=2"],
        "lib": ['deep[more] ; extra == "fast"', 'never ; extra == "slow"'],
        "deep": ['leaf ; extra == "more"'],
        "leaf": [],
        "never": [],
    }
    assert graph(["app"], requires) == {
        "app": ("lib[fast]>=2",),
        "lib": ("deep[more]",),
        "deep": ("leaf",),
        "leaf": (),
        "never": (),
    }


def test_an_extra_may_draw_in_another_of_the_same_package() -> None:
    requires = {"a": ['a[one] ; extra == "all"', 'b ; extra == "one"'], "b": []}
    assert graph(["a[all]"], requires)["a"] == ("a[one]", "b")


def test_circles_end() -> None:
    requires = {"a": ["b[x]"], "b": ["a", 'a[y] ; extra == "x"']}
    assert graph(["a"], requires) == {"a": ("b[x]",), "b": ("a", "a[y]")}


def test_names_are_normalised() -> None:
    assert graph(["My.App"], {"my-app": ["The_Lib<3"], "the-lib": []})["my-app"] == ("The_Lib<3",)


def test_lines_that_are_no_requirement_add_no_edge() -> None:
    assert graph(["a"], {"a": ["b (>=1) ???", "b"], "b": []})["a"] == ("b",)


def test_wishes_that_the_target_does_not_meet_are_left_out() -> None:
    lines = ['numpy>=1 ; python_version < "3.12"', "boto3==1.40", 'x ; extra == "y"']
    assert [str(one) for one in parse_wishes(lines, X86)] == ["boto3==1.40"]
    assert [str(one) for one in parse_wishes(lines, ARM)] == ["numpy>=1", "boto3==1.40"]
