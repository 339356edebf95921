"""The SDK of the runtime: left out whole, or packed whole, and never against a wish."""

from __future__ import annotations

import pytest

from made_values import AL2, AL2023, resolution_of, wheel_value
from wideload.slim.runtime import provided_by_runtime
from wideload.slim.slimming import slim
from wideload.values.resolution import Wheel
from wideload.values.target import Target
from wideload.values.tree import FileTree

SDK = [
    wheel_value("boto3", "1.44.5", ["botocore<1.45,>=1.44.5", "jmespath<2", "s3transfer<0.20"]),
    wheel_value("botocore", "1.44.5", ["jmespath<2", "python-dateutil<3", "urllib3!=2.2.0"]),
    wheel_value("s3transfer", "0.19", ["botocore<2,>=1.37"]),
    wheel_value("jmespath"),
    wheel_value("python-dateutil", "2.9", ["six>=1.5"]),
    wheel_value("six"),
    wheel_value("urllib3", "2.5"),
]
ALL = {wheel.name for wheel in SDK}
CORE = {"boto3", "botocore", "jmespath", "s3transfer"}


def provided(
    *more: Wheel,
    wishes: list[str] | None = None,
    target: Target = AL2023,
    without: set[str] | None = None,
) -> set[str]:
    asked = ["boto3"] if wishes is None else wishes
    names = [wish.partition("=")[0].rstrip("><!~[ ") for wish in asked]
    wheels = [wheel for wheel in SDK if wheel.name not in (without or set())]
    resolution = resolution_of(*wheels, *more, target=target, roots=names, wishes=asked)
    found, notes = provided_by_runtime(resolution)
    assert not (found and notes)
    assert all(one.by == "runtime" for one in found)
    return {one.name for one in found}


def objection(
    *more: Wheel, wishes: list[str] | None = None, target: Target = AL2023
) -> tuple[str, ...]:
    asked = ["boto3"] if wishes is None else wishes
    resolution = resolution_of(*SDK, *more, target=target, roots=["boto3"], wishes=asked)
    found, notes = provided_by_runtime(resolution)
    assert not found
    assert notes
    return notes


@pytest.mark.parametrize("target", [AL2023, AL2])
def test_an_open_wish_is_met_by_the_runtime_with_all_that_only_the_sdk_needs(
    target: Target,
) -> None:
    assert provided(target=target) == ALL


def test_without_the_sdk_nothing_is_provided() -> None:
    resolution = resolution_of(wheel_value("urllib3"), wheel_value("six"), roots=["urllib3"])
    assert provided_by_runtime(resolution) == ((), ())


@pytest.mark.parametrize("wish", ["boto3>=1.30", "boto3>1.38.35", "botocore>=1.0", "jmespath"])
def test_an_old_lower_bound_is_met(wish: str) -> None:
    assert provided(wishes=[wish], without=set()) >= CORE


@pytest.mark.parametrize(
    "wish",
    [
        "boto3==1.44.5",
        "boto3~=1.44",
        "boto3<2",
        "boto3!=1.40.0",
        "boto3>=1.38.36",
        "boto3>1.44",
        "boto3>=1.30,<1.45",
        "boto3[crt]",
        "boto3 @ https://index.example/boto3-1.44.5-py3-none-any.whl",
        "botocore===1.44.5",
        "s3transfer>=0.1",
        "jmespath>=1",
    ],
)
def test_a_wish_that_the_runtime_need_not_meet_packs_the_whole_sdk(wish: str) -> None:
    notes = objection(wishes=[wish])
    assert len(notes) == 1
    assert "the SDK is packed, not taken from the runtime" in notes[0]
    assert wish.split("@", maxsplit=1)[0].strip() in notes[0]


@pytest.mark.parametrize("wish", ["boto3>=1.0", "botocore>=1.30"])
def test_no_lower_bound_is_known_to_be_met_on_python_3_11(wish: str) -> None:
    assert f"the requirements ask for {wish}" in objection(wishes=[wish], target=AL2)[0]


@pytest.mark.parametrize(
    "other",
    [
        wheel_value("aiobotocore", requires=["botocore<1.40.71,>=1.40.46"]),
        wheel_value("plugin", requires=["jmespath>=1.0"]),
        wheel_value("plugin", requires=["Boto3==1.44.5"]),
    ],
)
def test_a_package_that_pins_the_sdk_packs_the_whole_of_it(other: Wheel) -> None:
    (note,) = objection(other)
    reason = "the SDK is packed, not taken from the runtime, whose version is not fixed"
    assert note == f"{reason}: {other.name} asks for {other.requires[0]}"


def test_pins_within_the_sdk_are_none_of_the_users() -> None:
    assert provided() == ALL


def test_a_package_that_takes_any_sdk_does_not_object() -> None:
    assert provided(wheel_value("tool", requires=["boto3", "botocore>=1.30"])) == ALL


def test_every_objection_is_told() -> None:
    notes = objection(wheel_value("plugin", requires=["boto3<2"]), wishes=["botocore==1.44.5"])
    assert len(notes) == 2


@pytest.mark.parametrize(
    ("other", "kept"),
    [
        (wheel_value("requests", requires=["urllib3<3"]), {"urllib3"}),
        (wheel_value("pandas", requires=["python-dateutil>=2"]), {"python-dateutil", "six"}),
        (wheel_value("old", requires=["six"]), {"six"}),
        (wheel_value("old", requires=["Python_Dateutil"]), {"python-dateutil", "six"}),
        (wheel_value("none"), set()),
    ],
)
def test_what_others_need_stays(other: Wheel, kept: set[str]) -> None:
    assert provided(other) == ALL - kept


@pytest.mark.parametrize(
    ("wish", "kept"),
    [("urllib3", {"urllib3"}), ("six", {"six"}), ("python-dateutil", {"python-dateutil", "six"})],
)
def test_what_the_user_asks_for_himself_stays(wish: str, kept: set[str]) -> None:
    assert provided(wishes=["boto3", wish]) == ALL - kept


def test_what_is_needed_only_through_something_kept_stays() -> None:
    chain = [
        wheel_value("app", requires=["middle"]),
        wheel_value("middle", requires=["urllib3"]),
    ]
    assert provided(*chain) == ALL - {"urllib3"}


def test_the_ledger_has_every_file_that_went_and_the_tree_every_other() -> None:
    resolution = resolution_of(
        *SDK, wheel_value("requests", requires=["urllib3"]), roots=["boto3", "requests"]
    )
    found = slim(resolution, FileTree.of([]))
    gone = ALL - {"urllib3"}
    assert {one.name for one in found.provided} == gone
    assert {(one.rule, one.reason) for one in found.removals} == {
        ("runtime/1", "the runtime carries the AWS SDK")
    }
    assert {one.package for one in found.removals} == gone
    paths = {member.path for wheel in resolution.wheels for member in wheel.members}
    left = {entry.path for entry in found.tree}
    assert {one.path for one in found.removals} | left == paths
    assert not {one.path for one in found.removals} & left
    full = slim(resolution, FileTree.of([]), rules="none")
    assert not full.removals
    assert not full.provided
    saved = sum(one.saved_unzipped for one in found.removals)
    assert full.tree.unzipped_bytes - found.tree.unzipped_bytes == saved
    saved = sum(one.saved_zipped for one in found.removals)
    assert full.tree.zipped_bytes - found.tree.zipped_bytes == saved


def test_a_pinned_sdk_ships_and_the_note_says_why() -> None:
    resolution = resolution_of(*SDK, roots=["boto3"], wishes=["boto3==1.44.5"])
    found = slim(resolution, FileTree.of([]))
    assert not found.provided
    assert not found.removals
    assert "boto3/__init__.py" in found.tree.by_path
    assert "the requirements ask for boto3==1.44.5" in found.notes[0]


def test_a_base_image_that_is_not_awss_need_not_carry_the_sdk() -> None:
    resolution = resolution_of(*SDK, target=AL2023, roots=["boto3"], wishes=["boto3"])
    found, notes = provided_by_runtime(resolution, base="example.com/python:3.13")
    assert found == ()
    assert notes == (
        "the SDK is packed, since nothing says that the base image example.com/python:3.13 has it",
    )
