"""A build that is started from a bundle: a small zip with the loader, and the bundle itself."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import zipfile
from pathlib import Path
from typing import Any

import pytest

from local_index import LocalIndex
from made_projects import Listener, ProjectMaker, built
from wheel_maker import wheel
from wideload.build.builder import FUNCTION_ZIP, read_manifest
from wideload.cache import Cache
from wideload.errors import WideloadError
from wideload.pipeline import Pipeline
from wideload.values.artifact import BUNDLE_FILE, MANIFEST_NAME
from wideload.values.function import Strategy
from wideload.values.proposal import Proposal
from zstd_wheel import fetched, put

pytestmark = pytest.mark.network

BOOTSTRAP = 'strategy = "s3-bootstrap"'
APP = "import alpha\n\ndef handler(event, context):\n    return alpha.NAME\n"
NOISE = random.Random(7).randbytes(400_000)


@pytest.fixture(scope="session")
def with_zstd() -> Cache:
    return fetched("python3.13")


@pytest.fixture
def project(with_zstd: Cache, index: LocalIndex, projects: ProjectMaker, store: Cache) -> Path:
    put(with_zstd, store)
    index.add(
        wheel("alpha", files={"alpha/__init__.py": "NAME = 'alpha'\n", "alpha/data.bin": NOISE}),
        wheel("beta", files={"beta/__init__.py": "NAME = 'beta'\n"}),
    )
    return projects.make("shop", "alpha\nbeta\n", more=BOOTSTRAP, files={"app.py": APP})


def sha256_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def content(package: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(package) as archive:
        assert archive.testzip() is None
        return {info.filename: archive.read(info) for info in archive.infolist()}


def index_of(folder: Path) -> Any:
    return json.loads(content(folder / FUNCTION_ZIP)["_wideload/index.json"])


def test_the_zip_has_the_users_files_and_the_loader_the_bundle_the_packages(
    project: Path, store: Cache
) -> None:
    made = built(project, store)
    assert made.manifest.strategy is Strategy.S3_BOOTSTRAP
    names = {FUNCTION_ZIP, BUNDLE_FILE, MANIFEST_NAME}
    assert {path.name for path in made.folder.iterdir()} == names
    files = content(made.folder / FUNCTION_ZIP)
    assert files["app.py"] == APP.encode()
    assert {path.split("/")[0] for path in files} == {"app.py", "_wideload"}
    assert {"_wideload/run.py", "_wideload/_zstd.so"} <= files.keys()
    paths = {file[0] for file in index_of(made.folder)["files"]}
    assert {"alpha/__init__.py", "alpha/data.bin", "beta/__init__.py"} <= paths
    assert not paths & files.keys()


def test_the_manifest_accounts_for_every_byte(project: Path, store: Cache) -> None:
    made = built(project, store)
    manifest = read_manifest(made.folder)
    assert manifest == made.manifest
    # Whose handler it is, the user knows; what Lambda is told is known to deploying.
    assert manifest.handler == "app.handler"
    assert [one.role for one in manifest.artifacts] == ["function", "bundle"]
    for artifact in manifest.artifacts:
        path = made.folder / artifact.filename
        assert (path.stat().st_size, sha256_of(path)) == (artifact.size, artifact.sha256)
    bundle = manifest.bundle
    assert bundle is not None
    artifact = manifest.artifact("bundle")
    assert (bundle.sha256, bundle.size) == (artifact.sha256, artifact.size)
    index = index_of(made.folder)
    digests = base64.b64decode(index["digests"])
    told = {
        file[0]: (file[3], digests[32 * at : 32 * at + 32].hex())
        for at, file in enumerate(index["files"])
    }
    listed = {
        file.path: (file.size, file.sha256) for file in manifest.files if file.artifact == "bundle"
    }
    assert listed == told
    assert listed["alpha/data.bin"] == (len(NOISE), hashlib.sha256(NOISE).hexdigest())
    zipped = {
        file.path: (file.size, file.sha256)
        for file in manifest.files
        if file.artifact == "function"
    }
    assert zipped == {
        path: (len(data), hashlib.sha256(data).hexdigest())
        for path, data in content(made.folder / FUNCTION_ZIP).items()
    }
    origins = {file.path: file.origin for file in manifest.files}
    assert origins["alpha/data.bin"].startswith("alpha-1.0")
    assert origins["app.py"] == "source"
    assert origins["_wideload/_zstd.so"].startswith("backports_zstd-")
    assert "backports-zstd" in {one.name for one in manifest.wheels}
    assert manifest.places == {}


def test_two_builds_are_the_same_bytes(project: Path, store: Cache) -> None:
    first = built(project, store).manifest
    again = built(project, store).manifest
    assert first == again


def test_a_changed_line_changes_the_zip_alone(project: Path, store: Cache) -> None:
    before = built(project, store).manifest
    (project / "app.py").write_text(APP + "# changed\n")
    after = built(project, store).manifest
    assert after.artifact("bundle") == before.artifact("bundle")
    assert after.artifact("function") != before.artifact("function")


def test_what_was_planned_is_near_what_was_built(project: Path, store: Cache) -> None:
    made = built(project, store)
    proposal = made.plan.chosen
    assert proposal is not None
    assert proposal.bundle is not None
    bundle = made.manifest.bundle
    assert bundle is not None
    assert proposal.bundle.tmp_bytes == bundle.tmp_bytes
    assert proposal.bundle.unzipped == bundle.unzipped_bytes
    function = made.manifest.artifact("function")
    assert 0.6 < function.size / proposal.bundle.code_zipped < 1.1
    assert 0.6 < function.unzipped_bytes / proposal.bundle.code_unzipped < 1.1


def test_another_way_leaves_no_bundle_behind(project: Path, store: Cache) -> None:
    folder = built(project, store).folder
    text = (project / "wideload.toml").read_text()
    (project / "wideload.toml").write_text(text.replace(BOOTSTRAP, ""))
    made = built(project, store)
    assert made.folder == folder
    assert made.manifest.bundle is None
    assert not (folder / BUNDLE_FILE).exists()


def test_a_large_file_of_the_users_own_goes_into_the_bundle(project: Path, store: Cache) -> None:
    (project / "model.bin").write_bytes(random.Random(1).randbytes(2_000_000))
    made = built(project, store)
    origins = {file.path: (file.artifact, file.origin) for file in made.manifest.files}
    assert origins["model.bin"] == ("bundle", "source")


def test_a_folder_of_the_loaders_name_is_refused(project: Path, store: Cache) -> None:
    (project / "_wideload").mkdir()
    (project / "_wideload" / "run.py").write_text("")
    with pytest.raises(WideloadError, match="the loader's folder _wideload is the function's own"):
        built(project, store)


def test_a_function_without_packages_has_no_use_for_it(
    projects: ProjectMaker, store: Cache, clean_environment: pytest.MonkeyPatch
) -> None:
    root = projects.make("shop", more=BOOTSTRAP)
    with pytest.raises(WideloadError) as told:
        built(root, store)
    assert "there is nothing to put into a bundle" in told.value.why


def test_an_index_without_zstd_is_told(
    index: LocalIndex, projects: ProjectMaker, store: Cache
) -> None:
    index.add(wheel("alpha"))
    root = projects.make("shop", "alpha\n", more=BOOTSTRAP)
    with pytest.raises(WideloadError, match="the loader needs backports-zstd") as told:
        built(root, store)
    assert "let the index that is configured serve this one wheel" in told.value.hint


def test_tmp_that_is_too_small_is_refused_before_anything_is_fetched(
    project: Path, store: Cache, index: LocalIndex
) -> None:
    # As deflate sees it, it is next to nothing; what it takes of a disk is another matter.
    index.add(wheel("vast", files={"vast/zeros.bin": bytes(600 * 1024**2)}))
    (project / "requirements.txt").write_text("vast\n")
    (project / "pylock.shop.toml").unlink(missing_ok=True)
    pipeline = Pipeline(Listener(), store)
    with pytest.raises(WideloadError) as told:
        pipeline.build(pipeline.source(None, project))
    assert "[Errno 28] No space left on device" in told.value.why
    assert told.value.hint == "set ephemeral = 640"
    assert not list(store.root.glob("wheels/*/*vast*"))


def test_python_3_14_needs_no_wheel_with_zstd(
    index: LocalIndex, projects: ProjectMaker, store: Cache
) -> None:
    index.add(wheel("alpha", files={"alpha/__init__.py": "NAME = 'alpha'\n"}))
    root = projects.make("shop", "alpha\n", runtime="python3.14")
    pipeline = Pipeline(Listener(), store)
    plan = pipeline.plan(pipeline.prepare(pipeline.source(None, root)))
    (found,) = [one for one in plan.candidates if one.strategy is Strategy.S3_BOOTSTRAP]
    assert isinstance(found, Proposal)
    assert found.bundle is not None
    assert found.bundle.code_unzipped < 600_000
