"""What of a tree lies where, and what Lambda is told to call, by the language of the runtime."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from made_values import sha256_of
from wideload.build.bundle.divided import divided_for
from wideload.build.bundle.provided import loader_path
from wideload.build.bundle_estimate import bundle_estimate
from wideload.errors import WideloadError
from wideload.slim.elf.guard import is_candidate
from wideload.values.bundle import loader_handler
from wideload.values.packing import pack
from wideload.values.resolution import Wheel
from wideload.values.target import Family, Target
from wideload.values.tree import FileEntry, FileTree, LocalFile, WheelMember

PYTHON, NODE, PROVIDED = (
    Target.parse(runtime, "x86_64") for runtime in ("python3.13", "nodejs22.x", "provided.al2023")
)
WHEEL = sha256_of("wheel")


def own(path: str, mode: int = 0o644) -> FileEntry:
    return FileEntry(path, 10, 10, 0, mode, True, LocalFile(f"/src/{path}", sha256_of(path)))


def packed(path: str) -> FileEntry:
    return FileEntry(path, 1000, 500, 0, 0o644, False, WheelMember(WHEEL, path))


def test_what_lambda_is_told_to_call() -> None:
    assert loader_handler(PYTHON, "app.handler") == "_wideload.run.handler"
    assert loader_handler(NODE, "src/index.handler") == "_wideload/run.handler"
    assert loader_handler(PROVIDED, "bootstrap") == "bootstrap"


def test_files_beside_node_modules_are_laid_beside_them() -> None:
    tree = FileTree.of([own("index.mjs"), own("lib/a.json"), packed("node_modules/a/index.js")])
    divided = divided_for(NODE, tree, {})
    assert [one.path for one in divided.bundled] == ["node_modules/a/index.js"]
    assert divided.beside == ("index.mjs", "lib/a.json")


def test_a_program_lies_in_the_bundle_with_all_it_may_read() -> None:
    tree = FileTree.of([own("bootstrap", 0o755), own("data.bin")])
    divided = divided_for(PROVIDED, tree, {})
    assert divided.bundled == tree
    assert not divided.zipped.entries
    with pytest.raises(WideloadError, match="no executable `bootstrap`"):
        divided_for(PROVIDED, FileTree.of([own("data.bin")]), {})


@pytest.mark.parametrize("target", [NODE, PROVIDED], ids=lambda one: str(one.runtime))
def test_other_languages_are_weighed_as_well(target: Target) -> None:
    tree = FileTree.of([own("bootstrap", 0o755), packed("node_modules/a/index.js")])
    found = bundle_estimate(tree, {}, target, has_zstd=True)
    assert found is not None
    assert found.unzipped == sum(one.size for one in divided_for(target, tree, {}).bundled)
    assert found.tmp_bytes >= 4096
    assert found.code_zipped > 0


def test_a_big_file_is_weighed_by_what_it_shrinks_to(tmp_path: Path) -> None:
    path = tmp_path / "bootstrap"
    size = 300 << 20
    with path.open("wb") as file:
        file.write(os.urandom(30 << 20))
        file.truncate(size)
    origin = LocalFile(str(path), sha256_of("bootstrap"))
    program = FileEntry("bootstrap", size, size, 0, 0o755, True, origin)
    found = bundle_estimate(FileTree.of([program]), {}, PROVIDED, has_zstd=True)
    assert found is not None
    assert found.unzipped == size
    # Two of sixteen pieces lie in the first tenth.
    assert 0.05 * size < found.zipped < 0.15 * size


def test_what_does_not_shrink_in_a_zip_does_not_in_a_bundle() -> None:
    stored = msgspec.structs.replace(packed("pkg/data.bin"), compressed_size=1000, stored=True)
    found = bundle_estimate(FileTree.of([stored]), {}, PYTHON, has_zstd=True)
    assert found is not None
    assert found.zipped == 1000


@pytest.mark.parametrize(
    ("runtime", "kept"),
    [
        ("python3.13", 0.69),
        ("nodejs22.x", 0.69),
        # Its frames are gzip.
        ("nodejs20.x", 1.0),
        ("provided.al2023", 1.12),
    ],
)
def test_what_is_compressed_harder_than_in_a_wheel_weighs_less(runtime: str, kept: float) -> None:
    target = Target.parse(runtime, "x86_64")
    program = msgspec.structs.replace(packed("bootstrap"), mode=0o755)
    files = [packed("node_modules/a/index.js"), packed("node_modules/b/index.js")]
    if target.family is Family.PROVIDED:
        files[1] = program
    tree = FileTree.of(files)
    wheels = {WHEEL: Wheel("a", "1", "", "", WHEEL, 0, ())}
    found = bundle_estimate(tree, wheels, target, has_zstd=True)
    assert found is not None
    assert found.zipped == pytest.approx(1000 * kept)


@pytest.mark.parametrize("architecture", ["x86_64", "arm64"])
def test_the_loader_of_executables_is_weighed_as_it_is(architecture: str) -> None:
    target = Target.parse("provided.al2023", architecture)
    tree = FileTree.of([own("bootstrap", 0o755)])
    found = bundle_estimate(tree, {}, target, has_zstd=True)
    assert found is not None
    data = loader_path(target).read_bytes()
    zipped = len(pack(data)[0])
    index = 1000
    assert len(data) < found.code_unzipped < len(data) + index
    assert zipped <= found.code_zipped < 1.05 * zipped + index


def test_names_of_what_a_package_requires() -> None:
    def requiring(*lines: str, location: str = "") -> tuple[str, ...]:
        return Wheel("a", "1", "", "", "", 0, (), lines, location).required_names

    assert requiring("Scikit_Learn>=1", "numpy") == ("scikit-learn", "numpy")
    here = "node_modules/a"
    assert requiring("@img/colour", "b/node_modules/lodash.get", location=here) == (
        "@img/colour",
        "b/node_modules/lodash.get",
    )


def test_addons_of_node_are_judged_as_libraries_are() -> None:
    assert is_candidate("node_modules/a/build/Release/a.node", executable=False)
    assert not is_candidate("node_modules/a/a.node.js", executable=False)
