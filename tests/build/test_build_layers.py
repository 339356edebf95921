"""A build with layers: each a zip of its own, spliced of the same wheels, the same every time."""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from local_index import LocalIndex
from made_projects import ProjectMaker, built
from wheel_maker import wheel
from wideload.build.builder import FUNCTION_ZIP, read_manifest
from wideload.cache import Cache
from wideload.errors import WideloadError
from wideload.values.artifact import MANIFEST_NAME, Manifest
from wideload.values.function import Strategy

REQUIREMENTS = "alpha\nbeta\ngamma\n"
LAYERED = 'strategy = "layers"\nsplit = { alpha = 1, beta = 2, gamma = "function" }'
APP = "import alpha, beta, gamma\n\ndef handler(event, context):\n    return 1\n"


@pytest.fixture
def project(index: LocalIndex, projects: ProjectMaker) -> Path:
    for name in ("alpha", "beta", "gamma"):
        index.add(wheel(name, files={f"{name}/__init__.py": f"NAME = {name!r}\n" * 50}))
    return projects.make("shop", REQUIREMENTS, more=LAYERED, files={"app.py": APP})


def with_table(project: Path, **changes: str) -> None:
    """Write the function's table anew, without layers where nothing else is said."""
    lines = [
        line
        for line in (project / "wideload.toml").read_text().splitlines()
        if not line.startswith(("strategy", "split"))
    ]
    lines += [f"{key} = {value}" for key, value in changes.items()]
    (project / "wideload.toml").write_text("\n".join([*lines, ""]))


def content(package: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(package) as archive:
        assert archive.testzip() is None
        return {info.filename: archive.read(info) for info in archive.infolist()}


def sha256_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def zips(folder: Path) -> dict[str, str]:
    return {path.name: sha256_of(path) for path in folder.glob("*.zip")}


def test_each_layer_is_a_zip_of_its_own(project: Path, store: Cache) -> None:
    made = built(project, store)
    assert made.manifest.strategy is Strategy.LAYERS
    assert sorted(path.name for path in made.folder.iterdir()) == [
        *(FUNCTION_ZIP, "layer-1.zip", "layer-2.zip", MANIFEST_NAME)
    ]
    function = content(made.folder / FUNCTION_ZIP)
    assert {name.partition("/")[0].partition("-")[0] for name in function} == {"app.py", "gamma"}
    for number, name in ((1, "alpha"), (2, "beta")):
        layer = content(made.folder / f"layer-{number}.zip")
        assert {path.split("/")[0] for path in layer} == {"python"}
        assert layer[f"python/{name}/__init__.py"] == f"NAME = {name!r}\n".encode() * 50
        assert f"python/{name}-1.0.dist-info/METADATA" in layer


def test_the_manifest_accounts_for_every_byte_of_each(project: Path, store: Cache) -> None:
    made = built(project, store)
    manifest = read_manifest(made.folder)
    assert manifest == made.manifest
    assert [artifact.role for artifact in manifest.artifacts] == ["function", "layer-1", "layer-2"]
    assert manifest.layers == manifest.artifacts[1:]
    assert manifest.places == {"gamma": "function", "alpha": 1, "beta": 2}
    listed = {(file.artifact, file.path): file for file in manifest.files}
    assert len(listed) == len(manifest.files)
    found: dict[tuple[str, str], bytes] = {}
    for artifact in manifest.artifacts:
        package = made.folder / artifact.filename
        assert (package.stat().st_size, sha256_of(package)) == (artifact.size, artifact.sha256)
        files = content(package)
        assert artifact.unzipped_bytes == sum(map(len, files.values()))
        found |= {(artifact.role, path): data for path, data in files.items()}
    assert listed.keys() == found.keys()
    for key, data in found.items():
        assert listed[key].size == len(data)
        assert listed[key].sha256 == hashlib.sha256(data).hexdigest()
    proposal = made.plan.chosen
    assert proposal is not None
    assert proposal.zipped_bytes == sum(artifact.size for artifact in manifest.artifacts)
    assert proposal.unzipped_bytes == sum(one.unzipped_bytes for one in manifest.artifacts)


def test_function_and_layers_are_all_that_one_package_would_be(project: Path, store: Cache) -> None:
    made = built(project, store)
    parts = content(made.folder / FUNCTION_ZIP)
    for number in (1, 2):
        for path, data in content(made.folder / f"layer-{number}.zip").items():
            plain = path.removeprefix("python/")
            assert plain not in parts
            parts[plain] = data
    with_table(project)
    assert content(built(project, store).folder / FUNCTION_ZIP) == parts


def test_it_imports_with_function_before_layers(
    project: Path, store: Cache, tmp_path: Path
) -> None:
    made = built(project, store)
    task, opt = tmp_path / "task", tmp_path / "opt"
    for name, to in ((FUNCTION_ZIP, task), ("layer-1.zip", opt), ("layer-2.zip", opt)):
        with zipfile.ZipFile(made.folder / name) as archive:
            archive.extractall(to)
    subprocess.run(
        [sys.executable, "-S", "-c", "import app; assert app.handler(0, 0) == 1"],
        env={"PYTHONPATH": f"{task}:{opt / 'python'}", "PATH": os.defpath},
        check=True,
    )


def test_two_builds_in_two_folders_with_two_caches_are_equal(
    project: Path, projects: ProjectMaker, tmp_path: Path
) -> None:
    other = projects.make(
        "shop", REQUIREMENTS, more=LAYERED, files={"app.py": APP}, folder="elsewhere"
    )
    folders = [
        built(project, Cache(tmp_path / "one")).folder,
        built(other, Cache(tmp_path / "two")).folder,
    ]
    assert zips(folders[0]) == zips(folders[1])
    manifests = [(folder / MANIFEST_NAME).read_bytes() for folder in folders]
    assert manifests[0] == manifests[1]


def test_changed_code_leaves_the_layers_as_they_are(project: Path, store: Cache) -> None:
    folder = built(project, store).folder
    before = zips(folder)
    stamps = {name: (folder / name).stat().st_mtime_ns for name in before}
    (project / "app.py").write_text(APP + "# changed\n")
    built(project, store)
    after = zips(folder)
    assert {name for name in after if after[name] != before[name]} == {FUNCTION_ZIP}
    for name in ("layer-1.zip", "layer-2.zip"):
        assert (folder / name).stat().st_mtime_ns == stamps[name], "not even written again"


def test_a_new_version_changes_what_contains_it(
    index: LocalIndex, project: Path, store: Cache
) -> None:
    before = zips(built(project, store).folder)
    index.add(wheel("beta", "2.0", files={"beta/__init__.py": "NAME = 'newer'\n"}))
    made = built(project, store, upgrade=True)
    after = zips(made.folder)
    assert {name for name in after if after[name] != before[name]} == {"layer-2.zip"}


def test_nothing_of_layers_is_left_when_there_are_none_any_more(
    project: Path, store: Cache
) -> None:
    folder = built(project, store).folder
    with_table(project, strategy='"layers"', split='{ alpha = 1, beta = 1, gamma = "function" }')
    built(project, store)
    assert {path.name for path in folder.glob("*.zip")} == {FUNCTION_ZIP, "layer-1.zip"}
    with_table(project)
    built(project, store)
    assert {path.name for path in folder.iterdir()} == {FUNCTION_ZIP, MANIFEST_NAME}


def test_a_layer_that_is_gone_or_changed_is_made_again(project: Path, store: Cache) -> None:
    folder = built(project, store).folder
    before = zips(folder)
    (folder / "layer-1.zip").write_bytes(b"damaged")
    (folder / "layer-2.zip").unlink()
    with pytest.raises(WideloadError, match="is not whole"):
        read_manifest(folder)
    built(project, store)
    assert zips(folder) == before


def test_pythonpath_of_the_users_names_the_layers_as_well(project: Path, store: Cache) -> None:
    with (project / "wideload.toml").open("a") as file:
        file.write('environment = { PYTHONPATH = "/var/task/vendor" }\n')
    made = built(project, store)
    expected = "/var/task/vendor:/opt/python/lib/python3.13/site-packages:/opt/python"
    assert made.manifest.settings.environment == {"PYTHONPATH": expected}
    assert made.function.settings == made.manifest.settings
    with_table(project)
    plain: Manifest = built(project, store).manifest
    assert plain.settings.environment == {"PYTHONPATH": "/var/task/vendor"}


def test_where_packages_lie_is_kept_to_be_committed(
    index: LocalIndex, project: Path, store: Cache
) -> None:
    first = built(project, store)
    kept = project / "shop.split.json"
    assert json.loads(kept.read_bytes()) == {
        "schema": 1,
        "places": {"alpha": 1, "beta": 2, "gamma": "function"},
    }
    before = kept.read_bytes()
    again = built(project, store)
    assert again.manifest == first.manifest, "the record itself is not packed"
    assert kept.read_bytes() == before


def test_packages_stay_where_they_lay(
    index: LocalIndex, projects: ProjectMaker, store: Cache
) -> None:
    noise = random.Random(1)
    for name in ("delta", "omega"):
        index.add(
            wheel(name, files={f"{name}/__init__.py": "", f"{name}/x": noise.randbytes(2**21)})
        )
    by_hand = 'strategy = "layers"\nsplit = { delta = 1, omega = 1 }'
    root = projects.make("shop", "delta\nomega\n", more=by_hand)
    built(root, store)
    with_table(root, strategy='"layers"')
    kept = built(root, store).manifest.places
    (root / "shop.split.json").unlink()
    anew = built(root, store).manifest.places
    assert sorted(map(str, anew.values())) == ["1", "2"]
    (root / "shop.split.json").write_text('{"schema": 1, "places": {"delta": 2, "omega": 1}}')
    assert built(root, store).manifest.places == {"delta": 2, "omega": 1}
    assert kept in ({"delta": 1, "omega": 1}, anew), "unless that costs much more"


def test_a_record_that_cannot_be_read_is_told(project: Path, store: Cache) -> None:
    kept = project / "shop.split.json"
    for text in ("{", '{"schema": 2, "places": {}}', '{"schema": 1, "places": {"alpha": "x"}}'):
        kept.write_text(text)
        with pytest.raises(WideloadError, match=r"shop\.split\.json cannot be read") as told:
            built(project, store)
        assert "delete it" in told.value.hint
    kept.unlink()
    built(project, store)
    assert kept.is_file()
