"""Targets: runtimes of Lambda with their Python, glibc, tags and markers."""

from __future__ import annotations

import re

import pytest
from packaging.markers import Marker, default_environment
from packaging.tags import Tag

from wideload.errors import WideloadError
from wideload.limits import model_runtimes
from wideload.values.target import Architecture, Family, Target

KNOWN = {
    "python3.10": ((3, 10), (2, 26), "manylinux2014"),
    "python3.11": ((3, 11), (2, 26), "manylinux2014"),
    "python3.12": ((3, 12), (2, 34), "manylinux_2_34"),
    "python3.13": ((3, 13), (2, 34), "manylinux_2_34"),
    "python3.14": ((3, 14), (2, 34), "manylinux_2_34"),
    "python3.15": ((3, 15), (2, 34), "manylinux_2_34"),
}
OTHERS = {
    "nodejs20.x": (Family.NODE, 20, (2, 34)),
    "nodejs22.x": (Family.NODE, 22, (2, 34)),
    "nodejs24.x": (Family.NODE, 24, (2, 34)),
    "provided.al2": (Family.PROVIDED, None, (2, 26)),
    "provided.al2023": (Family.PROVIDED, None, (2, 34)),
}
TARGETS = [Target.parse(runtime, arch) for runtime in KNOWN for arch in Architecture]


@pytest.mark.parametrize("runtime", KNOWN)
@pytest.mark.parametrize(("architecture", "machine"), [("x86_64", "x86_64"), ("arm64", "aarch64")])
def test_python_glibc_and_platform(runtime: str, architecture: str, machine: str) -> None:
    target = Target.parse(runtime, architecture)
    python, glibc, platform = KNOWN[runtime]
    assert target.family is Family.PYTHON
    assert target.python == python
    assert target.python_version == runtime.removeprefix("python")
    assert target.glibc == glibc
    assert target.uv_platform == f"{machine}-{platform}"


def test_known_runtimes_are_all_there_are_and_lambdas_model_knows_them() -> None:
    assert Target.known_runtimes() == (*KNOWN, *OTHERS)
    assert {*KNOWN, *OTHERS} - {"python3.15"} <= set(model_runtimes())


@pytest.mark.parametrize("runtime", OTHERS)
def test_what_other_runtimes_run(runtime: str) -> None:
    family, node, glibc = OTHERS[runtime]
    target = Target.parse(runtime, "x86_64")
    assert (target.family, target.glibc) == (family, glibc)
    if node is None:
        with pytest.raises(WideloadError):
            _ = target.node
    else:
        assert target.node == node
    with pytest.raises(WideloadError):
        _ = target.python


@pytest.mark.parametrize(
    "runtime", ["python3.9", "python3.16", "python3", "nodejs18.x", "provided", ""]
)
def test_an_unknown_runtime_stops(runtime: str) -> None:
    with pytest.raises(WideloadError) as caught:
        Target.parse(runtime, "x86_64")
    assert caught.value.what == f"unknown runtime {runtime!r}"
    assert "python3.10, python3.11" in caught.value.why


@pytest.mark.parametrize("architecture", ["aarch64", "X86_64", "amd64", ""])
def test_an_unknown_architecture_stops(architecture: str) -> None:
    with pytest.raises(WideloadError) as caught:
        Target.parse("python3.13", architecture)
    assert caught.value.what == f"unknown architecture {architecture!r}"
    assert "x86_64 and arm64" in caught.value.why


@pytest.mark.parametrize("target", TARGETS, ids=lambda one: f"{one.runtime}-{one.architecture}")
def test_tags(target: Target) -> None:
    tags = target.tags()
    machine = target.architecture.machine
    major, minor = target.python
    own = f"cp{major}{minor}"
    assert len(set(tags)) == len(tags)
    assert tags[0] == Tag(own, own, f"manylinux_2_{target.glibc[1]}_{machine}")
    assert tags[-1].platform == "any"
    for wanted in (
        Tag(own, own, f"manylinux2014_{machine}"),
        Tag(own, own, f"linux_{machine}"),
        Tag(own, "abi3", f"manylinux_2_17_{machine}"),
        Tag("cp38", "abi3", f"manylinux_2_17_{machine}"),
        Tag(own, "none", "any"),
        Tag("py3", "none", f"manylinux_2_17_{machine}"),
        Tag("py3", "none", "any"),
    ):
        assert wanted in tags
    for tag in tags:
        found = re.fullmatch(r"manylinux_2_(\d+)_(\w+)", tag.platform)
        if found:
            assert int(found[1]) <= target.glibc[1]
            assert found[2] == machine
        assert tag.platform == "any" or tag.platform.endswith(machine)
        assert not re.fullmatch(r"cp3(\d+)t?", tag.interpreter) or (
            int(tag.interpreter.removeprefix("cp3")) <= minor
        )
        assert not tag.abi.endswith("t")


def test_manylinux_1_and_2010_are_of_x86_alone() -> None:
    assert Tag("py3", "none", "manylinux1_x86_64") in Target.parse("python3.13", "x86_64").tags()
    arm = {tag.platform for tag in Target.parse("python3.13", "arm64").tags()}
    assert not {"manylinux1_aarch64", "manylinux2010_aarch64", "manylinux_2_16_aarch64"} & arm


def test_the_marker_environment_is_the_runtimes_and_complete() -> None:
    environment = Target.parse("python3.12", "arm64").marker_environment()
    assert environment.keys() == default_environment().keys()
    for marker, holds in (
        ('python_version == "3.12"', True),
        ('python_full_version >= "3.12.0"', True),
        ('platform_machine == "aarch64"', True),
        ('sys_platform == "linux" and os_name == "posix"', True),
        ('platform_python_implementation == "PyPy"', False),
        ('platform_system == "Windows"', False),
    ):
        assert Marker(marker).evaluate({**environment, "extra": ""}) is holds


def test_targets_compare_by_value() -> None:
    assert Target.parse("python3.13", "arm64") == Target("python3.13", Architecture.ARM64)
    assert Target.parse("python3.13", "arm64") != Target.parse("python3.13", "x86_64")
