"""Which units are cold, and that they come last."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import msgspec
import pytest
from test_bundle_writer import FRAME, PACKAGES, everything, index_of, read_back

from made_values import entry, wheel_value
from slimming_maker import Kitchen
from wideload.build.bundle.cold import cold_paths, with_data_below, with_metadata_alone
from wideload.build.bundle.units import needs, units_of
from wideload.build.bundle.writer import write_bundle

if TYPE_CHECKING:
    from pathlib import Path

FILES = {
    "a/__init__.py": "a",
    "a/used.py": "a",
    "a/sub/__init__.py": "a",
    "a-1.0.dist-info/METADATA": "a",
    "b/__init__.py": "b",
    "b.libs/libb.so": "b",
    "b-1.0.dist-info/METADATA": "b",
    "c/__init__.py": "c",
    "c.libs/libc.so": "c",
    "c-1.0.dist-info/METADATA": "c",
    "single.py": "c",
    "own/model.bin": "",
}


def cold(*used: str, requires: dict[str, list[str]] | None = None) -> set[str]:
    """The cold paths of `FILES` where events used these alone."""
    made = {name: wheel_value(name, requires=(requires or {}).get(name, [])) for name in "abc"}
    owners = {path: made[name].sha256 if name else "" for path, name in FILES.items()}
    units = units_of([entry(path, 1000) for path in FILES])
    wanted = needs(owners, units, {wheel.sha256: wheel for wheel in made.values()})
    unused = frozenset(FILES) - set(used)
    return set(cold_paths(owners, units, with_metadata_alone(wanted, units), unused))


def test_a_unit_is_cold_as_a_whole() -> None:
    found = cold("a/used.py", "single.py", requires={"c": []})
    assert {"a/__init__.py", "a/used.py", "single.py"}.isdisjoint(found)
    assert {"a/sub/__init__.py", "b/__init__.py", "b.libs/libb.so", "c/__init__.py"} <= found


def test_metadata_what_lies_at_the_root_and_the_users_own_are_hot() -> None:
    hot = set(FILES) - cold()
    assert {path for path in FILES if ".dist-info/" in path} <= hot
    assert {"own/model.bin", "single.py"} <= hot
    # A module at the root has the libraries of its distribution.
    assert "c.libs/libc.so" in hot


def test_libraries_of_what_a_used_distribution_requires_are_hot() -> None:
    assert "b.libs/libb.so" in cold("a/used.py")
    found = cold("a/used.py", requires={"a": ["b"]})
    assert "b.libs/libb.so" not in found
    assert "b/__init__.py" in found


def test_data_below_a_package_is_wanted_with_it() -> None:
    """C code may open it by its path."""
    paths = (
        "a/__init__.py",
        "a/code/__init__.py",
        "a/code/fast.so",
        "a/data/__init__.py",
        "a/data/deep/__init__.py",
        "a/data/deep/faces.xml",
        "b/__init__.py",
    )
    units = units_of([entry(path, 1000) for path in paths])
    found = with_data_below({unit: frozenset((unit,)) for unit in units.values()}, units)
    assert found["a"] == {"a", "a/data/deep"}
    assert found["a/data"] == {"a/data", "a/data/deep"}
    assert found["a/code"] == {"a/code"}
    assert found["b"] == {"b"}


def written(kitchen: Kitchen, out: Path, unused: frozenset[str] | None) -> dict[str, object]:
    wheels = {wheel.sha256: wheel for wheel in kitchen.resolution.wheels}
    bundle = write_bundle(
        everything(kitchen),
        wheels,
        kitchen.paths,
        "app.handler",
        out,
        kitchen.cache,
        frame=FRAME,
        unused=unused,
    )
    found: dict[str, object] = index_of(bundle, kitchen.cache)
    return found


@pytest.fixture
def kitchen(tmp_path: Path) -> Kitchen:
    return Kitchen(tmp_path, PACKAGES, {"app.py": "import alpha\n"})


def test_cold_frames_come_last(kitchen: Kitchen, tmp_path: Path) -> None:
    unused = frozenset(one.path for one in kitchen.raw if one.path.startswith("beta/"))
    index = msgspec.convert(written(kitchen, tmp_path / "bundle", unused), dict)
    assert index["format"] == 3
    frames = {row[0]: row[1] for row in index["files"]}
    assert 0 < index["hot"] < len(index["frames"])
    late = {path for path, frame in frames.items() if frame >= index["hot"]}
    assert late == {path for path in frames if path.startswith("beta/")}
    assert all(frame < index["hot"] for frame in index["first"])
    assert read_back(tmp_path / "bundle", index) == kitchen.contents(everything(kitchen).bundled)


def test_without_a_trace_the_bytes_are_those_of_format_1(kitchen: Kitchen, tmp_path: Path) -> None:
    index = written(kitchen, tmp_path / "bundle", None)
    assert index["format"] == 1
    assert "hot" not in index


def test_where_all_is_used_none_is_cold(kitchen: Kitchen, tmp_path: Path) -> None:
    whole = written(kitchen, tmp_path / "whole", None)
    hot = msgspec.convert(written(kitchen, tmp_path / "hot", frozenset()), dict)
    assert hot["hot"] == len(hot["frames"])
    assert (tmp_path / "hot").read_bytes() == (tmp_path / "whole").read_bytes()
    assert hot["sha256"] == whole["sha256"]


def test_data_of_a_used_package_is_hot(tmp_path: Path) -> None:
    packages: dict[str, dict[str, bytes | str]] = {
        "alpha": {
            "alpha/__init__.py": "A = 1\n",
            "alpha/late/__init__.py": "L = 1\n",
            "alpha/data/__init__.py": "D = 1\n",
            "alpha/data/faces.xml": "<faces/>",
        },
        "beta": {"beta/__init__.py": "B = 1\n", "beta/data/__init__.py": "", "beta/data/x": "x"},
    }
    kitchen = Kitchen(tmp_path, packages, {"app.py": "import alpha\n"})
    unused = frozenset(one.path for one in kitchen.raw if one.path != "alpha/__init__.py")
    index = msgspec.convert(written(kitchen, tmp_path / "bundle", unused), dict)
    late = {row[0] for row in index["files"] if row[1] >= index["hot"]}
    assert late == {
        "alpha/late/__init__.py",
        "beta/__init__.py",
        "beta/data/__init__.py",
        "beta/data/x",
    }


def test_cold_frames_are_made_fast(tmp_path: Path) -> None:
    """They are made anew with each profile: at the level of large bundles."""
    words = "".join(random.Random(1).choices(["wide", "load", "cold", "frame", " "], k=60_000))
    packages: dict[str, dict[str, bytes | str]] = {
        name: {f"{name}/__init__.py": f"T = {words!r}\n# {name}"} for name in ("alpha", "beta")
    }
    kitchen = Kitchen(tmp_path, packages, {"app.py": "import alpha\n"})
    unused = frozenset(one.path for one in kitchen.raw if one.path.startswith("beta/"))
    index = msgspec.convert(written(kitchen, tmp_path / "bundle", unused), dict)
    data = (tmp_path / "bundle").read_bytes()
    lengths = {row[0]: index["frames"][row[1]][1] for row in index["files"]}
    assert lengths["alpha/__init__.py"] < lengths["beta/__init__.py"]
    assert len(data) == sum(frame[1] for frame in index["frames"])
