"""A build whose packages are mounted: a zip of the user's own files, and what a directory is filled
from."""

from __future__ import annotations

import json
import random
import zipfile
from typing import TYPE_CHECKING

import msgspec
import pytest

from local_index import LocalIndex
from made_projects import ProjectMaker, built
from wheel_maker import wheel
from wideload.build.builder import FUNCTION_ZIP, read_manifest
from wideload.build.bundle.format import Index
from wideload.build.bundle.unpacked import unpack_bundle
from wideload.build.module_archives import Listed
from wideload.errors import WideloadError
from wideload.values.artifact import BUNDLE_FILE, MANIFEST_NAME
from wideload.values.mount import FILES_FILE, FILLER_FILE
from zstd_wheel import fetched, put

if TYPE_CHECKING:
    from pathlib import Path

    from wideload.cache import Cache

pytestmark = pytest.mark.network

APP = "import alpha\n\ndef handler(event, context):\n    return alpha.NAME\n"
NOISE = random.Random(7).randbytes(400_000)
MODEL = random.Random(8).randbytes(1_300_000)
WAYS = ("efs", "s3-files")


@pytest.fixture(scope="session")
def with_zstd() -> Cache:
    return fetched("python3.13")


@pytest.fixture(params=WAYS)
def project(
    request: pytest.FixtureRequest,
    with_zstd: Cache,
    index: LocalIndex,
    projects: ProjectMaker,
    store: Cache,
) -> Path:
    put(with_zstd, store)
    index.add(
        wheel("alpha", files={"alpha/__init__.py": "NAME = 'alpha'\n", "alpha/data.bin": NOISE}),
    )
    way = f'strategy = "{request.param}"'
    return projects.make("shop", "alpha\n", more=way, files={"app.py": APP})


def content(package: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(package) as archive:
        assert archive.testzip() is None
        return {info.filename: archive.read(info) for info in archive.infolist()}


def mounted_files(folder: Path, tree: Path) -> dict[str, bytes]:
    """Of the directory of a build.

    :param tree: to unpack a bundle into.
    """
    if (folder / FILES_FILE).is_file():
        return content(folder / FILES_FILE)
    filler = content(folder / FILLER_FILE)
    index = msgspec.json.decode(filler["_wideload/index.json"], type=Index)
    unpack_bundle(folder / BUNDLE_FILE, index, tree)
    paths = sorted(path for path in tree.rglob("*") if path.is_file())
    return {path.relative_to(tree).as_posix(): path.read_bytes() for path in paths}


def test_the_zip_has_the_users_files_and_the_directory_the_packages(
    project: Path, store: Cache, tmp_path: Path
) -> None:
    made = built(project, store)
    manifest = read_manifest(made.folder)
    assert manifest == made.manifest
    assert manifest.mount is not None
    assert manifest.bundle is None
    own = content(made.folder / FUNCTION_ZIP)
    assert own["app.py"] == APP.encode()
    assert not [path for path in own if path.startswith("alpha")]
    told = json.loads(own["_wideload/function.json"])
    assert (told["handler"], told["own"], told["linked"]) == ("app.handler", [], [])
    there = {path.name for path in made.folder.iterdir()}
    files = mounted_files(made.folder, tmp_path / "tree")
    if FILES_FILE in there:
        assert there == {FUNCTION_ZIP, FILES_FILE, MANIFEST_NAME}
        assert manifest.mount.search == manifest.mount.place
    else:
        assert there == {FUNCTION_ZIP, FILLER_FILE, BUNDLE_FILE, MANIFEST_NAME}
        assert "_wideload/filling.py" in content(made.folder / FILLER_FILE)
        assert manifest.mount.search == f"{manifest.mount.place}/tree"
    assert files["alpha/__init__.py"] == b"NAME = 'alpha'\n"
    assert files["alpha/data.bin"] == NOISE
    assert not files.keys() & own.keys()


def test_two_builds_are_the_same_and_a_changed_line_is_no_other_directory(
    project: Path, store: Cache
) -> None:
    first = built(project, store).manifest
    assert built(project, store).manifest == first
    (project / "app.py").write_text(APP + "# changed\n")
    after = built(project, store).manifest
    assert after.mount == first.mount
    assert after.artifact("function") != first.artifact("function")


def test_another_package_is_another_directory(
    project: Path, store: Cache, index: LocalIndex
) -> None:
    first = built(project, store).manifest
    index.add(wheel("beta", files={"beta/__init__.py": "NAME = 'beta'\n"}))
    (project / "requirements.txt").write_text("alpha\nbeta\n")
    after = built(project, store).manifest
    assert first.mount is not None
    assert after.mount is not None
    assert after.mount.name != first.mount.name
    assert after.mount.name.startswith("shop/")


def test_a_model_of_the_users_own_is_mounted_and_laid_beside_his_code(
    project: Path, store: Cache
) -> None:
    (project / "model.bin").write_bytes(MODEL)
    made = built(project, store)
    assert made.manifest.mount is not None
    own = content(made.folder / FUNCTION_ZIP)
    assert "model.bin" not in own
    assert "_wideload/mounted.py" in own
    told = json.loads(own["_wideload/function.json"])
    assert told["handler"] == "app.handler"
    assert told["linked"] == ["model.bin"]
    assert "app.py" in told["own"]
    assert told["search"] == made.manifest.mount.search


@pytest.mark.parametrize("way", WAYS)
def test_the_directory_is_named_by_what_is_in_it_and_not_by_where_that_came_from(
    way: str, with_zstd: Cache, index: LocalIndex, projects: ProjectMaker, store: Cache
) -> None:
    put(with_zstd, store)
    index.add(wheel("alpha", files={"alpha/__init__.py": "NAME = 'alpha'\n"}))
    names = []
    for folder, model in (("one", MODEL), ("two", MODEL), ("three", MODEL[::-1])):
        project = projects.make(
            "shop",
            "alpha\n",
            more=f'strategy = "{way}"',
            files={"app.py": APP, "model.bin": model},
            folder=folder,
        )
        mount = built(project, store).manifest.mount
        assert mount is not None
        names.append(mount.name)
    one, two, three = names
    assert one == two != three


def test_what_modules_are_run_from_lies_in_one_file_that_the_zip_knows(
    project: Path, store: Cache, tmp_path: Path
) -> None:
    made = built(project, store)
    own = content(made.folder / FUNCTION_ZIP)
    listed = msgspec.json.decode(own["_wideload/modules.json"], type=Listed)
    (archive,) = listed.archives
    files = mounted_files(made.folder, tmp_path / "tree")
    at = 0
    for path, size in archive.modules:
        assert files[archive.path][at : at + size] == files[path]
        at += size
    # It is not slimmed, and so not compiled either.
    assert [path for path, _ in archive.modules] == ["alpha/__init__.py"]
    assert "alpha/__init__.py" in listed.files
    assert "alpha" in listed.folders
    assert {"_wideload/mounted.py", "_wideload/archived.py"} < own.keys()
    assert "_wideload/engine.py" not in own


@pytest.mark.parametrize("project", ["efs"], indirect=True)
def test_a_damaged_bundle_is_not_unpacked(project: Path, store: Cache, tmp_path: Path) -> None:
    made = built(project, store)
    bundle = made.folder / BUNDLE_FILE
    filler = content(made.folder / FILLER_FILE)
    index = msgspec.json.decode(filler["_wideload/index.json"], type=Index)
    data = bytearray(bundle.read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "bundle.bin").write_bytes(data)
    with pytest.raises(WideloadError, match="not the bundle that was built"):
        unpack_bundle(tmp_path / "bundle.bin", index, tmp_path / "tree")
