"""What is left out of packages of npm's, and what never is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from made_values import sha256_of
from wideload.slim.npm import FOREIGN, MAPS, TYPES, NpmOptions, slim_npm
from wideload.values.resolution import Member, Resolution, Wheel
from wideload.values.target import Target
from wideload.values.tree import FileEntry, FileTree, LocalFile

X64, ARM = (Target.parse("nodejs22.x", each) for each in ("x86_64", "arm64"))
NOTHING = FileTree(())


def npm(name: str, *paths: str) -> Wheel:
    location = f"node_modules/{name}"
    members = tuple(
        Member(f"{location}/{path}", f"{location}/{path}", 100, 50, 0, False, False)
        for path in ("package.json", *paths)
    )
    digest = sha256_of(f"{name} {paths}")
    return Wheel(name, "1.0.0", f"{name}@1.0.0", "", digest, 50, members, (), location)


def rules(*wheels: Wheel, target: Target = X64, **options: object) -> dict[str, str]:
    """By path in its package, the rule by which a file goes."""
    resolution = Resolution(target, wheels, ())
    chosen = NpmOptions(**options)  # type: ignore[arg-type]
    slimmed = slim_npm(resolution, NOTHING, chosen)
    gone = {one.path.partition("/")[2].partition("/")[2]: one.rule for one in slimmed.removals}
    assert len(slimmed.tree) + len(gone) == sum(len(wheel.members) for wheel in wheels)
    return gone


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("index.d.ts", TYPES),
        ("index.d.mts", TYPES),
        ("index.d.cts", TYPES),
        ("style.d.css.ts", TYPES),
        ("index.d.ts.map", TYPES),
        ("tsconfig.tsbuildinfo", TYPES),
        ("index.js.map", MAPS),
        ("index.mjs.map", MAPS),
        ("bin/napi-v6/darwin/arm64/binding.node", FOREIGN),
        ("bin/napi-v6/win32/x64/onnxruntime.dll", FOREIGN),
        ("bin/napi-v6/linux/arm64/libonnxruntime.so.1", FOREIGN),
        ("prebuilds/darwin-x64/node.napi.node", FOREIGN),
        ("prebuilds/linux-arm64/node.napi.node", FOREIGN),
        ("prebuilds/linux-x64/node.napi.musl.node", FOREIGN),
        ("prebuilds/android-arm64/x.node", FOREIGN),
        ("lib/tool.exe", FOREIGN),
    ],
)
def test_what_goes(path: str, rule: str) -> None:
    assert rules(npm("p", path)) == {path: rule}


@pytest.mark.parametrize(
    "path",
    [
        "index.js",
        "index.ts",
        "d.ts.js",
        "map.js",
        "README.md",
        "LICENSE",
        "test/index.js",
        "data/world.map",
        "darwin.js",
        "win32/index.js",
        "bin/napi-v6/linux/x64/binding.node",
        "prebuilds/linux-x64/node.napi.glibc.node",
        "prebuilds/linux-x64/node.napi.node",
        "build/Release/addon.node",
        "arm64/table.bin",
    ],
)
def test_what_stays(path: str) -> None:
    assert rules(npm("p", path)) == {}


def test_the_other_architecture_takes_the_other_library() -> None:
    paths = ("linux/x64/a.node", "linux/arm64/a.node")
    assert rules(npm("p", *paths)) == {paths[1]: FOREIGN}
    assert rules(npm("p", *paths), target=ARM) == {paths[0]: FOREIGN}


def test_the_name_of_a_package_tells_nothing() -> None:
    assert rules(npm("@img/sharp-darwin-tools", "lib/a.node")) == {}


def test_declarations_stay_where_a_compiler_ships() -> None:
    assert rules(npm("p", "a.d.ts"), npm("typescript", "lib/lib.d.ts")) == {}


def test_maps_stay_where_they_are_read() -> None:
    asked = {"NODE_OPTIONS": "--enable-source-maps"}
    assert rules(npm("p", "a.js.map"), environment=asked) == {}
    assert rules(npm("p", "a.js.map"), npm("source-map-support")) == {}


def test_keep_and_none_take_everything_back() -> None:
    assert rules(npm("p", "a.d.ts", "b.d.ts"), keep=("node_modules/p/a*",)) == {"b.d.ts": TYPES}
    assert rules(npm("p", "a.d.ts"), rules=False) == {}


def test_the_users_own_files_stay_and_lie_on_top() -> None:
    origin = LocalFile("/src", sha256_of("own"))
    paths = ("index.d.ts", "node_modules/p/a.d.ts")
    own = FileTree.of(FileEntry(path, 1, 1, 0, 0o644, True, origin) for path in paths)
    wheel = npm("p", "a.d.ts")
    slimmed = slim_npm(Resolution(X64, (wheel,), ()), own, NpmOptions())
    assert set(paths) <= set(slimmed.tree.by_path)
    assert slimmed.removals == ()


def test_an_estimate_is_told_and_left_whole() -> None:
    resolution = Resolution(X64, (npm("p", "a.d.ts"),), (), estimated=True)
    slimmed = slim_npm(resolution, NOTHING, NpmOptions())
    assert not slimmed.exact
    assert len(slimmed.tree) == 2
    assert "an estimate until the first build" in slimmed.notes[0]


WORDS = ["linux", "darwin", "win32", "x64", "arm64", "musl", "lib", "index", "build"]


@given(
    folders=st.lists(st.sampled_from(WORDS), max_size=4),
    ending=st.sampled_from([".js", ".json", ".node", ".so", ".wasm", ".md", ".ts", ".mjs"]),
)
def test_code_is_never_taken_for_a_library(folders: list[str], ending: str) -> None:
    path = "/".join([*folders, f"a{ending}"])
    gone = rules(npm("p", path))
    assert not gone or ending in (".node", ".so")
