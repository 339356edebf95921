"""Laws of a build over random wheels and files: exact size, whole content, equal twice."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from made_values import AL2023
from wheel_maker import Made, members_of, wheel
from wideload.build.builder import FUNCTION_ZIP, build
from wideload.cache import Cache
from wideload.plan.planner import chosen, propose
from wideload.resolve.directory import Directory
from wideload.slim.slimming import slim
from wideload.source.files import SourceFile, measure
from wideload.values.artifact import Manifest
from wideload.values.function import Function, NoRequirements, Settings
from wideload.values.resolution import Resolution, Wheel
from wideload.values.tree import FileTree

LETTERS = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/\\"),
    min_size=1,
    max_size=10,
)
PATHS = st.builds(
    lambda folders, name: "/".join([*folders, f"{name}.x"]),
    st.lists(st.sampled_from(["d1", "d2", "größe"]), max_size=2),
    LETTERS,
)
FILES = st.dictionaries(PATHS, st.one_of(st.binary(max_size=200), st.just(bytes(3000))), max_size=8)
WHEELS = st.lists(st.tuples(FILES, st.booleans(), st.booleans()), min_size=0, max_size=3).map(
    lambda drawn: [
        wheel(f"w{number}", files=dict(files), stored=stored, descriptors=descriptors)
        for number, (files, stored, descriptors) in enumerate(drawn)
    ]
)


def known(made: Made) -> Wheel:
    directory = Directory(io.BytesIO(made.data), made.filename)
    return Wheel(
        name=made.name,
        version="1.0",
        filename=made.filename,
        url=f"https://index.example/{made.filename}",
        sha256=made.sha256,
        size=len(made.data),
        members=directory.members,
    )


def own_tree(folder: Path, files: dict[str, bytes]) -> FileTree:
    found = []
    for path, data in files.items():
        location = folder / path
        location.parent.mkdir(parents=True, exist_ok=True)
        location.write_bytes(data)
        found.append(SourceFile(path, str(location), len(data), False))
    return measure(found)


def package_of(made: list[Made], files: dict[str, bytes], folder: Path) -> tuple[Manifest, bytes]:
    paths = {}
    for one in made:
        paths[one.sha256] = folder / one.filename
        paths[one.sha256].write_bytes(one.data)
    function = Function(
        name="shop",
        root=str(folder),
        source=str(folder / "source"),
        handler="app.handler",
        target=AL2023,
        files=own_tree(folder / "source", files),
        requirements=NoRequirements(),
        settings=Settings(),
    )
    resolution = Resolution(AL2023, tuple(map(known, made)), ())
    slimmed = slim(resolution, function.files, rules="none")
    plan = propose("shop", resolution, slimmed)
    manifest = build(
        function,
        resolution,
        slimmed,
        chosen(plan, "auto"),
        paths,
        folder / "out",
        Cache(folder / "cache"),
    )
    assert plan.chosen is not None
    data = (folder / "out" / FUNCTION_ZIP).read_bytes()
    assert len(data) == plan.chosen.zipped_bytes == manifest.artifact("function").size
    return manifest, data


@settings(max_examples=40)
@given(WHEELS, FILES)
def test_size_content_and_equality(made: list[Made], files: dict[str, bytes]) -> None:
    expected: dict[str, bytes] = {}
    for one in made:
        expected |= members_of(one)
    expected |= files
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        manifest, data = package_of(made, files, Path(first))
        assert (manifest, data) == package_of(made, files, Path(second))
        # And once more where it was built before.
        assert (manifest, data) == package_of(made, files, Path(first))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert {info.filename: archive.read(info) for info in archive.infolist()} == expected
    assert [file.path for file in manifest.files] == sorted(expected)
    assert manifest.artifact("function").unzipped_bytes == sum(map(len, expected.values()))
