"""Which packages are refused since a library in them cannot load, and what is only told."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import msgspec
import pytest
from elf_maker import AARCH64, Spec, make
from hypothesis import given
from hypothesis import strategies as st

from slimming_maker import Kitchen
from wideload.errors import WideloadError
from wideload.slim.elf.guard import Surroundings, facts_of, judge
from wideload.slim.guarding import Guarded, Layers, guard
from wideload.values.slimmed import SlimOptions
from wideload.values.target import Target
from wideload.values.tree import FileTree

NEW = Target.parse("python3.13", "x86_64")
OLD = Target.parse("python3.11", "x86_64")
LIBC = "libc.so.6"
TAG = "cpython-313-x86_64-linux-gnu"
FINE = make(Spec())
NEWER = make(Spec(versions=((LIBC, "GLIBC_2.28", 0),)))
NEWEST = make(Spec(versions=((LIBC, "GLIBC_2.38", 0),)))
LACKING = make(Spec(needed=("libX11.so.6",), versions=()))
ARM = make(Spec(machine=AARCH64))

Files: TypeAlias = Mapping[str, bytes | str]


def judged(
    root: Path,
    wheel: Files | None = None,
    own: Files | None = None,
    *,
    target: Target = NEW,
    layers: Layers | None = None,
    allowed: Sequence[str] = (),
    programs: Sequence[str] = (),
) -> Guarded:
    wheels = {"demo": wheel} if wheel is not None else {}
    kitchen = Kitchen(root, wheels, own, target)
    tree = FileTree.of(
        msgspec.structs.replace(entry, mode=0o755) if entry.path in programs else entry
        for entry in kitchen.raw
    )
    return guard(
        kitchen.resolution, tree, kitchen.cache, kitchen.paths, layers=layers, allowed=allowed
    )


def refused(root: Path, wheel: Files | None = None, own: Files | None = None) -> WideloadError:
    with pytest.raises(WideloadError) as caught:
        judged(root, wheel, own)
    return caught.value


def test_what_loads_is_fine(tmp_path: Path) -> None:
    found = judged(tmp_path, {f"demo/_x.{TAG}.so": FINE}, {"lib/libmine.so": FINE, "a.txt": "a"})
    assert found == Guarded((), complete=True)


def test_a_wheel_for_a_later_glibc_is_refused_with_all_that_one_needs(tmp_path: Path) -> None:
    with pytest.raises(WideloadError) as caught:
        judged(tmp_path, {f"demo/_x{number}.abi3.so": NEWER for number in range(5)}, target=OLD)
    error = caught.value
    assert error.what == "demo 1.0 cannot be loaded on python3.11, x86_64"
    assert error.why == (
        "demo/_x0.abi3.so of demo 1.0: needs GLIBC_2.28 of libc.so.6; python3.11 has GLIBC_2.26; "
        "demo/_x1.abi3.so of demo 1.0: needs GLIBC_2.28 of libc.so.6; python3.11 has GLIBC_2.26; "
        "demo/_x2.abi3.so of demo 1.0: needs GLIBC_2.28 of libc.so.6; python3.11 has GLIBC_2.26; "
        "2 more files"
    )
    assert error.hint == (
        "take another release of demo made for glibc 2.26 or older, or "
        "runtime = 'python3.12'; where nothing ever loads it, write "
        'allow_unloadable = ["demo/_x0.abi3.so"]'
    )


def test_where_no_runtime_is_newer_none_is_named(tmp_path: Path) -> None:
    error = refused(tmp_path, {"demo/_x.abi3.so": NEWEST})
    assert "or older; where nothing" in error.hint


def test_it_is_read_once_and_known_afterwards_without_the_wheel(tmp_path: Path) -> None:
    kitchen = Kitchen(tmp_path, {"demo": {"demo/_x.abi3.so": NEWEST}}, target=NEW)
    before = guard(kitchen.resolution, kitchen.raw, kitchen.cache)
    assert before == Guarded((), complete=False)
    with pytest.raises(WideloadError):
        guard(kitchen.resolution, kitchen.raw, kitchen.cache, kitchen.paths)
    for path in kitchen.paths.values():
        path.unlink()
    with pytest.raises(WideloadError, match="cannot be loaded"):
        guard(kitchen.resolution, kitchen.raw, kitchen.cache)
    with pytest.raises(WideloadError, match="cannot be loaded"):
        guard(kitchen.resolution, kitchen.raw, kitchen.cache, kitchen.paths)


def test_only_what_ships_is_judged(tmp_path: Path) -> None:
    kitchen = Kitchen(tmp_path, {"demo": {"demo/a.so": NEWEST, "demo/b.py": ""}}, target=NEW)
    left = kitchen.raw.where(lambda entry: entry.path != "demo/a.so")
    assert guard(kitchen.resolution, left, kitchen.cache, kitchen.paths) == Guarded()


def test_a_library_that_was_laid_anew_is_still_judged(tmp_path: Path) -> None:
    kitchen = Kitchen(tmp_path, {"demo": {"demo/a.so": NEWEST}})
    found = kitchen.slim(SlimOptions(bytecode="none"))
    assert found.tree.by_path["demo/a.so"].size < len(NEWEST)
    with pytest.raises(WideloadError, match="cannot be loaded"):
        guard(kitchen.resolution, found.tree, kitchen.cache, kitchen.paths)


def test_a_file_of_the_users_takes_the_place_of_a_wheels(tmp_path: Path) -> None:
    assert judged(tmp_path, {"demo/a.so": NEWEST}, {"demo/a.so": FINE}) == Guarded()


def test_plugins_of_wheels_are_told(tmp_path: Path) -> None:
    wheel: dict[str, bytes | str] = {f"demo/plugin{n}.so": LACKING for n in range(5)}
    wheel["demo/linux-arm64/a.so"] = ARM
    lacking, other = judged(tmp_path, wheel).notes
    assert lacking == (
        "would fail if loaded, for libraries that are not there: demo/plugin0.so (libX11.so.6); "
        "demo/plugin1.so (libX11.so.6); demo/plugin2.so (libX11.so.6) and 2 more"
    )
    assert other == "would fail if loaded: demo/linux-arm64/a.so made for arm64, not x86_64"


def test_faster_code_of_wheels_for_other_pythons_is_told(tmp_path: Path) -> None:
    wheel: Files = {"demo/_x.cpython-39-x86_64-linux-gnu.so": FINE, "demo/__init__.py": ""}
    (note,) = judged(tmp_path, wheel).notes
    assert "which Python 3.13 on x86_64 does not import" in note


@pytest.mark.parametrize(
    ("path", "data", "what"),
    [
        ("lib/libmine.so", LACKING, "needs libX11.so.6, which neither the package nor"),
        ("bin/tool", LACKING, "needs libX11.so.6"),
        ("bin/tool", NEWEST, "needs GLIBC_2.38 of libc.so.6; python3.13 has GLIBC_2.34"),
        ("bin/tool", ARM, "made for arm64, not x86_64"),
        ("mine.so", ARM, "made for arm64, not x86_64"),
        ("_x.cpython-313-aarch64-linux-gnu.so", ARM, "an extension module for cpython-313-aarch64"),
        ("lib/cut.so", FINE[:3000], "a damaged ELF file"),
    ],
)
def test_what_of_the_users_own_cannot_load_is_refused(
    tmp_path: Path, path: str, data: bytes, what: str
) -> None:
    with pytest.raises(WideloadError) as caught:
        judged(tmp_path, own={path: data}, programs=["bin/tool"])
    assert caught.value.what == f"{path} cannot be loaded on python3.13, x86_64"
    assert caught.value.why.startswith(f"{path}: {what}")
    assert f'allow_unloadable = ["{path}"]' in caught.value.hint


def test_a_wheel_that_was_unpacked_into_the_folder_is_judged_as_a_wheel(tmp_path: Path) -> None:
    vendored: Files = {
        "vendor/demo/__init__.py": "",
        "vendor/demo/plugin.so": LACKING,
        "vendor/demo-1.0.dist-info/METADATA": "Name: demo\n",
    }
    assert "vendor/demo/plugin.so (libX11.so.6)" in judged(tmp_path, own=vendored).notes[0]
    refused(tmp_path, own={**vendored, "mine/plugin.so": LACKING})
    arm = {**vendored, "vendor/demo/_x.cpython-313-aarch64-linux-gnu.so": ARM}
    assert "_x.cpython-313-aarch64" in refused(tmp_path, own=arm).why


def test_tools_for_several_systems_are_told(tmp_path: Path) -> None:
    own = {"bin/tool-arm64": ARM, "bin/tool-x86_64": FINE}
    (note,) = judged(tmp_path, own=own, programs=list(own)).notes
    assert note == "would fail if loaded: bin/tool-arm64 made for arm64, not x86_64"


def test_layers_bring_libraries(tmp_path: Path) -> None:
    own = {"lib/mine.so": LACKING}
    assert judged(tmp_path, own=own, layers=Layers(("libX11.so.6",))) == Guarded()
    with pytest.raises(WideloadError):
        judged(tmp_path, own=own, layers=Layers(("libother.so",)))
    # What layers hold that nobody read cannot be known.
    assert judged(tmp_path, own=own, layers=Layers(known=False)).notes
    with pytest.raises(WideloadError, match="cannot be loaded"):
        judged(tmp_path, own={"lib/mine.so": NEWEST}, layers=Layers(known=False))


def test_what_is_allowed_is_told(tmp_path: Path) -> None:
    wheel = {"demo/plugins/a.so": NEWEST}
    (note,) = judged(tmp_path, wheel, allowed=["demo/plugins/*"]).notes
    assert note.startswith("would fail if loaded: demo/plugins/a.so needs GLIBC_2.38")
    with pytest.raises(WideloadError):
        judged(tmp_path, wheel, allowed=["demo/other/*"])


def test_a_table_of_sections_that_is_cut_off_harms_nothing(tmp_path: Path) -> None:
    (start,) = struct.unpack_from("<Q", FINE, 40)
    assert judged(tmp_path, {"demo/a.so": FINE[:start]}) == Guarded()


@given(at=st.integers(0, len(FINE) - 1), value=st.integers(0, 255), end=st.integers(0, len(FINE)))
def test_whatever_bytes_there_are_facts_are_read_or_the_fault_is_told(
    at: int, value: int, end: int
) -> None:
    data = bytearray(FINE)
    data[at] = value
    facts = facts_of(bytes(data[:end]))
    if facts is not None:
        around = Surroundings.of(["p/x.so"])
        for problem in judge(facts, "p/x.so", NEW, around):
            assert problem.what


def test_a_wheel_that_is_broken_inside_is_named(tmp_path: Path) -> None:
    kitchen = Kitchen(tmp_path, {"demo": {"demo/a.so": FINE}})
    (path,) = kitchen.paths.values()
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(WideloadError, match=r"corrupt wheel demo-1\.0"):
        guard(kitchen.resolution, kitchen.raw, kitchen.cache, kitchen.paths)


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    kitchen = Kitchen(tmp_path, {}, {"lib/a.so": FINE})
    (tmp_path / "source" / "lib" / "a.so").unlink()
    with pytest.raises(WideloadError, match=r"lib/a\.so cannot be read"):
        guard(kitchen.resolution, kitchen.raw, kitchen.cache, kitchen.paths)
