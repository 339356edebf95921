"""Law: of the wheels of a release, the one is taken that packaging's own tags rank first."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.tags import Tag, compatible_tags, cpython_tags, parse_tag
from packaging.utils import parse_wheel_filename

from wideload.resolve.choose import best_wheel, ranking
from wideload.values.target import Architecture, Family, Target

TARGETS = [
    Target.parse(runtime, architecture)
    for runtime in Target.known_runtimes()
    for architecture in Architecture
    if Target.parse(runtime, architecture).family is Family.PYTHON
]
INTERPRETERS = ["py2", "py3", "py313", "cp39", "cp310", "cp311", "cp312", "cp313", "cp314", "cp315"]
ABIS = ["none", "abi3", *(f"cp3{minor}" for minor in range(9, 16)), "cp313t"]
PLATFORMS = [
    "any",
    "win_amd64",
    "macosx_11_0_arm64",
    *(
        f"{kind}_{machine}"
        for machine in ("x86_64", "aarch64")
        for kind in (
            *("linux", "manylinux1", "manylinux2010", "manylinux2014", "musllinux_1_2"),
            *(f"manylinux_2_{minor}" for minor in (5, 12, 17, 24, 26, 27, 28, 34, 35, 39)),
        )
    ),
]
COMPRESSED = st.lists(st.sampled_from(PLATFORMS), min_size=1, max_size=3, unique=True).map(".".join)
FILENAMES = st.builds(
    "demo-1.0-{}{}-{}-{}.whl".format,
    st.sampled_from(["", "1-", "2-", "10-"]),
    st.sampled_from(INTERPRETERS),
    st.sampled_from(ABIS),
    COMPRESSED,
)


def official(target: Target) -> list[Tag]:
    """As packaging orders them on a machine with this glibc, built without our ranking."""
    major, glibc = target.glibc
    machine = target.architecture.machine
    platforms = []
    legacy = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
    for minor in range(glibc, (17 if machine == "aarch64" else 5) - 1, -1):
        platforms.append(f"manylinux_{major}_{minor}_{machine}")
        if minor in legacy:
            platforms.append(f"{legacy[minor]}_{machine}")
    platforms.append(f"linux_{machine}")
    interpreter = f"cp{target.python[0]}{target.python[1]}"
    return [
        *cpython_tags(target.python, platforms=platforms),
        *compatible_tags(target.python, interpreter, platforms),
    ]


@given(st.sampled_from(TARGETS), st.lists(FILENAMES, max_size=12))
def test_the_choice_is_the_first_in_packagings_order(target: Target, names: list[str]) -> None:
    order = {tag: rank for rank, tag in enumerate(official(target))}

    def key(name: str) -> tuple[int, tuple[int, str], str]:
        _, _, build, tags = parse_wheel_filename(name)
        return -min(order[tag] for tag in tags if tag in order), build or (0, ""), name

    loadable = [name for name in names if parse_wheel_filename(name)[3] & order.keys()]
    assert best_wheel(names, ranking(target)) == max(loadable, key=key, default=None)


@given(st.sampled_from(TARGETS), st.lists(FILENAMES, max_size=8), st.randoms())
def test_the_order_of_the_files_does_not_matter(
    target: Target, names: list[str], random: st.DataObject
) -> None:
    mixed = list(names)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert best_wheel(mixed, ranking(target)) == best_wheel(names, ranking(target))


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: f"{t.runtime}-{t.architecture}")
def test_no_tag_needs_a_newer_glibc_or_another_machine(target: Target) -> None:
    newest = Tag("py3", "none", f"manylinux_2_{target.glibc[1]}_{target.architecture.machine}")
    assert newest in ranking(target)
    for minor in range(target.glibc[1] + 1, 60):
        for machine in ("x86_64", "aarch64"):
            tags = parse_tag(f"py3-none-manylinux_2_{minor}_{machine}")
            assert not tags & ranking(target).keys()
