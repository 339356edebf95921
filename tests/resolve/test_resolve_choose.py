"""The file of a release that pip would take, or a refusal that says what there is."""

from __future__ import annotations

import pytest
from packaging.tags import Tag

from wideload.resolve.choose import best_wheel, no_wheel, ranking
from wideload.values.target import Target

AL2 = Target.parse("python3.11", "x86_64")
AL2023 = Target.parse("python3.13", "x86_64")
ARM = Target.parse("python3.13", "arm64")


def taken(target: Target, *tags: str) -> str | None:
    found = best_wheel([f"demo-1.0-{tag}.whl" for tag in tags], ranking(target))
    return found and found.removeprefix("demo-1.0-").removesuffix(".whl")


@pytest.mark.parametrize(
    ("target", "tags", "best"),
    [
        (AL2023, ["py3-none-any", "cp313-cp313-manylinux_2_17_x86_64"], 1),
        (AL2023, ["cp313-cp313-manylinux_2_17_x86_64", "cp313-cp313-manylinux_2_28_x86_64"], 1),
        (AL2023, ["cp39-abi3-manylinux_2_28_x86_64", "cp313-cp313-manylinux_2_17_x86_64"], 1),
        (AL2023, ["cp39-abi3-manylinux_2_28_x86_64", "py3-none-any"], 0),
        (AL2023, ["cp311-abi3-manylinux2014_x86_64", "cp39-abi3-manylinux2014_x86_64"], 0),
        (AL2023, ["py3-none-manylinux_2_17_x86_64", "py3-none-any"], 0),
        (AL2023, ["py2.py3-none-any"], 0),
        (AL2023, ["cp313-none-any", "py3-none-any"], 0),
        (AL2023, ["cp313-cp313-linux_x86_64"], 0),
        (AL2023, ["cp313-cp313-manylinux2014_x86_64.manylinux_2_17_x86_64"], 0),
        (AL2, ["cp311-cp311-manylinux_2_26_x86_64", "cp311-cp311-manylinux2014_x86_64"], 0),
        (AL2, ["cp311-cp311-manylinux_2_27_x86_64", "cp311-cp311-manylinux2014_x86_64"], 1),
        (ARM, ["cp313-cp313-manylinux_2_28_x86_64", "cp313-cp313-manylinux_2_28_aarch64"], 1),
    ],
)
def test_the_most_specific_wheel_that_loads(target: Target, tags: list[str], best: int) -> None:
    assert taken(target, *tags) == tags[best]
    assert taken(target, *reversed(tags)) == tags[best]


@pytest.mark.parametrize(
    ("target", "tag"),
    [
        (AL2023, "cp313-cp313-manylinux_2_35_x86_64"),
        (AL2, "cp311-cp311-manylinux_2_27_x86_64"),
        (AL2, "cp311-cp311-manylinux_2_28_x86_64"),
        (AL2023, "cp313-cp313-manylinux_2_28_aarch64"),
        (ARM, "cp313-cp313-manylinux_2_28_x86_64"),
        (AL2023, "cp312-cp312-manylinux_2_28_x86_64"),
        (AL2023, "cp314-cp314-manylinux_2_28_x86_64"),
        (AL2023, "cp313-cp313t-manylinux_2_28_x86_64"),
        (AL2023, "cp313-cp313-musllinux_1_2_x86_64"),
        (AL2023, "cp313-cp313-macosx_11_0_arm64"),
        (AL2023, "cp313-cp313-win_amd64"),
        (AL2023, "cp314-abi3-manylinux_2_28_x86_64"),
        (AL2023, "pp310-pypy310_pp73-manylinux_2_28_x86_64"),
        (AL2023, "py2-none-any"),
    ],
)
def test_wheels_that_do_not_load_are_not_taken(target: Target, tag: str) -> None:
    assert taken(target, tag) is None


def test_among_equals_the_highest_build_number_wins() -> None:
    names = [f"demo-1.0-{build}py3-none-any.whl" for build in ("", "2-", "10-", "2b-")]
    assert best_wheel(names, ranking(AL2023)) == "demo-1.0-10-py3-none-any.whl"


def test_names_of_no_wheel_are_passed_over() -> None:
    names = ["demo-1.0.tar.gz", "demo.whl", "demo-x-py3-none-any.whl", "demo-1.0-py3-none-any.whl"]
    assert best_wheel(names, ranking(AL2023)) == names[-1]
    assert best_wheel([], ranking(AL2023)) is None


def test_ranks_follow_the_order_of_the_targets_tags() -> None:
    ranks = ranking(AL2023)
    assert ranks[Tag("cp313", "cp313", "manylinux_2_34_x86_64")] == 0
    assert max(ranks.values()) == len(ranks) - 1


def test_the_refusal_says_what_loads_and_what_there_is() -> None:
    names = [f"demo-1.0-cp3{minor}-cp3{minor}-win_amd64.whl" for minor in range(5, 13)]
    refused = no_wheel("demo", "1.0", names, AL2)
    assert refused.what == "demo 1.0 has no wheel for python3.11 on x86_64"
    assert "glibc up to 2.26" in refused.why
    assert "cp310-cp310-win_amd64" in refused.why
    assert "and 2 more" in refused.why
    assert "none" in no_wheel("demo", "1.0", [], AL2).why
