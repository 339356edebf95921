"""The package: the wheels' files as an installer lays them, the same bytes on any machine."""

from __future__ import annotations

import hashlib
import json
import re
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from uv import find_uv_bin

from local_index import LocalIndex
from made_projects import ProjectMaker, built
from sdist_maker import project_files, write_project
from wheel_maker import Made, wheel
from wideload.build.builder import FUNCTION_ZIP, read_manifest
from wideload.cache import Cache
from wideload.errors import WideloadError
from wideload.values.artifact import MANIFEST_NAME, Manifest

# What an installer writes itself, or writes anew.
WRITTEN_BY_INSTALLERS = re.compile(
    r"(bin/.*|\.lock|.*\.dist-info/(RECORD|INSTALLER|REQUESTED|direct_url\.json|uv_cache\.json))"
)


def wheels() -> list[Made]:
    return [
        wheel(
            "alpha",
            files={
                "alpha/__init__.py": "A = 1\n" * 100,
                "alpha/größe_日本.txt": "ü",
                "alpha/run.sh": "#!/bin/sh\n",
                "alpha/empty.py": "",
                "alpha-1.0.data/purelib/alpha_more/a.py": "B = 2\n",
                "alpha-1.0.data/platlib/alpha_more/b.py": "C = 3\n",
                "alpha-1.0.data/data/share/alpha/doc.txt": "words",
                "alpha-1.0.data/headers/alpha.h": "int a;\n",
            },
            executables=["alpha/run.sh"],
            requires=["beta-lib"],
        ),
        wheel("beta-lib", files={"beta_lib.so": bytes(range(256)) * 400}, stored=True),
        wheel("gamma", files={"shared/gamma.py": "G = 1\n"}, descriptors=True),
        wheel("delta", files={"shared/delta.py": "D = 1\n"}, zip64_headers=True, comment=b"c"),
    ]


REQUIREMENTS = "alpha\ngamma\ndelta\n"


def names(manifest: Manifest) -> set[str]:
    return {file.path for file in manifest.files}


@pytest.fixture
def project(index: LocalIndex, projects: ProjectMaker) -> Path:
    index.add(*wheels())
    return projects.make("shop", REQUIREMENTS)


def content(package: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(package) as archive:
        assert archive.testzip() is None
        return {info.filename: archive.read(info) for info in archive.infolist()}


def test_two_builds_in_two_folders_with_two_caches_are_equal(
    index: LocalIndex, projects: ProjectMaker, tmp_path: Path
) -> None:
    index.add(*wheels())
    pairs = []
    for number in ("one", "two and a longer name"):
        root = projects.make("shop", REQUIREMENTS, folder=number)
        folder = built(root, Cache(tmp_path / f"cache of {number}")).folder
        pairs.append([(folder / name).read_bytes() for name in (FUNCTION_ZIP, MANIFEST_NAME)])
    assert pairs[0] == pairs[1]


def test_it_holds_what_an_installer_would_install(
    project: Path, store: Cache, tmp_path: Path
) -> None:
    package = content(built(project, store).folder / FUNCTION_ZIP)
    files = []
    for made in wheels():
        files.append(tmp_path / made.filename)
        files[-1].write_bytes(made.data)
    target = tmp_path / "installed"
    subprocess.run(
        [
            *(find_uv_bin(), "pip", "install", "--quiet", "--no-index", "--no-deps"),
            *("--python", sys.executable, "--target", str(target), *map(str, files)),
        ],
        check=True,
    )
    installed = {
        path.relative_to(target).as_posix(): path.read_bytes()
        for path in target.rglob("*")
        if path.is_file()
    }
    own = {"app.py"}
    assert {
        path: data for path, data in package.items() if not WRITTEN_BY_INSTALLERS.fullmatch(path)
    }.keys() - own == {path for path in installed if not WRITTEN_BY_INSTALLERS.fullmatch(path)}
    for path, data in installed.items():
        if not WRITTEN_BY_INSTALLERS.fullmatch(path):
            assert package[path] == data, path


def test_it_can_be_unpacked_by_others(project: Path, store: Cache) -> None:
    package = built(project, store).folder / FUNCTION_ZIP
    with zipfile.ZipFile(package) as archive:
        assert archive.testzip() is None
    done = subprocess.run(["unzip", "-tqq", str(package)], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_modes_and_dates_are_fixed(index: LocalIndex, projects: ProjectMaker, store: Cache) -> None:
    index.add(*wheels())
    root = projects.make("shop", REQUIREMENTS, files={"tool": "#!/bin/sh\n", "secret.txt": "x"})
    (root / "tool").chmod(0o700)
    (root / "secret.txt").chmod(0o600)
    with zipfile.ZipFile(built(root, store).folder / FUNCTION_ZIP) as archive:
        infos = {info.filename: info for info in archive.infolist()}
    executable = {name for name, one in infos.items() if one.external_attr >> 16 == 0o100755}
    assert executable == {"alpha/run.sh", "tool"}
    for info in infos.values():
        assert stat.S_ISREG(info.external_attr >> 16)
        assert info.external_attr >> 16 & 0o777 in (0o644, 0o755)
        assert info.date_time == (1980, 1, 1, 0, 0, 0)
        assert info.create_system == 3
        assert not info.extra
        assert not info.flag_bits & ~0x800


def test_the_size_was_predicted_to_the_byte(project: Path, store: Cache) -> None:
    made = built(project, store)
    artifact = made.manifest.artifact("function")
    assert made.plan.chosen is not None
    package = made.folder / artifact.filename
    assert package.stat().st_size == artifact.size == made.plan.chosen.zipped_bytes
    unzipped = sum(map(len, content(package).values()))
    assert unzipped == artifact.unzipped_bytes == made.plan.chosen.unzipped_bytes


def test_the_manifest_accounts_for_every_byte(project: Path, store: Cache) -> None:
    made = built(project, store)
    package = content(made.folder / FUNCTION_ZIP)
    manifest = read_manifest(made.folder)
    assert manifest == made.manifest
    assert [file.path for file in manifest.files] == sorted(package)
    for file in manifest.files:
        assert file.size == len(package[file.path])
        assert file.sha256 == hashlib.sha256(package[file.path]).hexdigest()
    origins = {file.path: file.origin for file in manifest.files}
    assert origins["app.py"] == "source"
    assert origins["alpha/__init__.py"] == "alpha-1.0-py3-none-any.whl"
    assert origins["share/alpha/doc.txt"] == "alpha-1.0-py3-none-any.whl"
    whole = (made.folder / FUNCTION_ZIP).read_bytes()
    assert manifest.artifact("function").sha256 == hashlib.sha256(whole).hexdigest()
    assert {(one.name, one.version, one.sha256) for one in manifest.wheels} == {
        (one.name, "1.0", one.sha256) for one in wheels()
    }
    assert manifest.handler == "app.handler"
    with pytest.raises(KeyError):
        manifest.artifact("layer-1")


def test_nothing_tells_of_the_machine(project: Path, store: Cache, tmp_path: Path) -> None:
    folder = built(project, store).folder
    everything = [(folder / MANIFEST_NAME).read_bytes(), (folder / FUNCTION_ZIP).read_bytes()]
    everything += content(folder / FUNCTION_ZIP).values()
    for trace in (str(tmp_path), str(Path.home()), "127.0.0.1", sys.prefix):
        assert not [data for data in everything if trace.encode() in data], trace


def test_files_of_the_users_win_over_a_wheels(
    index: LocalIndex, projects: ProjectMaker, store: Cache
) -> None:
    index.add(*wheels())
    root = projects.make("shop", REQUIREMENTS, files={"shared/gamma.py": "MINE = 1\n"})
    made = built(root, store)
    assert content(made.folder / FUNCTION_ZIP)["shared/gamma.py"] == b"MINE = 1\n"
    origins = {file.path: file.origin for file in made.manifest.files}
    assert origins["shared/gamma.py"] == "source"
    assert origins["shared/delta.py"] == "delta-1.0-py3-none-any.whl"


def test_a_file_where_a_package_has_a_folder_is_refused(
    index: LocalIndex, projects: ProjectMaker, store: Cache
) -> None:
    index.add(*wheels())
    root = projects.make("shop", REQUIREMENTS, files={"shared": "a file"})
    with pytest.raises(WideloadError) as caught:
        built(root, store)
    assert "do not fit into one folder" in caught.value.what
    assert "'shared'" in caught.value.why


def test_requirements_locks_and_state_are_not_packed(project: Path, store: Cache) -> None:
    built(project, store)
    assert {name for name in names(built(project, store).manifest) if "/" not in name} == {
        "app.py",
        "beta_lib.so",
    }


def test_a_function_without_requirements(projects: ProjectMaker, store: Cache) -> None:
    made = built(projects.make("plain"), store)
    assert content(made.folder / FUNCTION_ZIP).keys() == {"app.py"}
    assert made.manifest.wheels == ()


def test_a_local_project_is_packed_as_it_is_now(
    index: LocalIndex, projects: ProjectMaker, store: Cache
) -> None:
    root = projects.make("shop", "./libs/tools\n", more='exclude = ["libs/"]')
    write_project(root / "libs" / "tools", project_files("tools"))
    assert "tools.py" in names(built(root, store).manifest)
    (root / "libs" / "tools" / "src" / "tools.py").write_text("NEW = 1\n")
    package = content(built(root, store).folder / FUNCTION_ZIP)
    assert package["tools.py"] == b"NEW = 1\n"


def test_a_second_build_fetches_and_asks_nothing(
    index: LocalIndex, project: Path, store: Cache
) -> None:
    first = built(project, store)
    index.forget()
    second = built(project, store)
    assert not index.asked
    assert second.manifest == first.manifest
    assert second.plan.downloaded_bytes == 0


def test_a_package_that_somebody_changed_is_written_anew(project: Path, store: Cache) -> None:
    first = built(project, store)
    package = first.folder / FUNCTION_ZIP
    right = package.read_bytes()
    package.write_bytes(right[:-1] + b"X")
    built(project, store)
    assert package.read_bytes() == right
    package.unlink()
    built(project, store)
    assert package.read_bytes() == right


def test_a_change_of_the_source_changes_the_package(project: Path, store: Cache) -> None:
    first = built(project, store).manifest.artifact("function")
    (project / "app.py").write_text("def handler(event, context):\n    return 2\n")
    made = built(project, store)
    assert made.manifest.artifact("function").sha256 != first.sha256
    assert b"return 2" in content(made.folder / FUNCTION_ZIP)["app.py"]
    assert {path.name for path in made.folder.iterdir()} == {FUNCTION_ZIP, MANIFEST_NAME}


def test_the_sdk_of_the_runtime_stays_out_and_the_ledger_says_so(
    index: LocalIndex, projects: ProjectMaker, store: Cache
) -> None:
    index.add(
        wheel("boto3", "1.44.5", requires=["botocore"]),
        wheel("botocore", "1.44.5", requires=["urllib3"]),
        wheel("urllib3", "2.5"),
        wheel("web", requires=["urllib3"]),
    )
    made = built(projects.make("shop", "boto3\nweb\n", slim=True), store)
    packages = {re.split(r"[-./]", name)[0] for name in names(made.manifest)}
    assert packages - {"__pycache__"} == {"app", "urllib3", "web"}
    provided = {one.name for one in made.manifest.wheels if one.provided_by == "runtime"}
    assert provided == {"boto3", "botocore"}
    gone = {one.package for one in made.manifest.removals if one.rule.startswith("runtime/")}
    assert gone == provided
    # Nothing of what is left out was fetched.
    assert {path.stem for path in store.root.glob("wheels/*/*.whl")} == {
        one.sha256 for one in made.manifest.wheels if one.provided_by is None
    }


def test_a_build_that_is_not_there_or_not_whole(project: Path, store: Cache) -> None:
    folder = project / ".wideload" / "build" / "shop"
    with pytest.raises(WideloadError, match="nothing is built in shop"):
        read_manifest(folder)
    built(project, store)
    manifest = folder / MANIFEST_NAME
    text = manifest.read_text()
    manifest.write_text(text[:-10])
    with pytest.raises(WideloadError, match="cannot be read"):
        read_manifest(folder)
    manifest.write_text(text)
    with (folder / FUNCTION_ZIP).open("ab") as file:
        file.write(b"x")
    with pytest.raises(WideloadError, match="is not whole"):
        read_manifest(folder)
    (folder / FUNCTION_ZIP).unlink()
    with pytest.raises(WideloadError, match="is not whole"):
        read_manifest(folder)


def test_the_manifest_is_json_for_anybody(project: Path, store: Cache) -> None:
    document = json.loads((built(project, store).folder / MANIFEST_NAME).read_bytes())
    assert document["schema"] == 1
    assert document["function"] == "shop"
    assert document["strategy"] == "direct-zip"
    assert document["target"] == {"runtime": "python3.13", "architecture": "x86_64"}
    assert document["artifacts"][0]["role"] == "function"


def test_a_wheel_with_bytes_before_and_after_it(
    index: LocalIndex, projects: ProjectMaker, store: Cache
) -> None:
    index.add(wheel("odd", prefix=b"#!/bin/sh\n" * 99, comment=b"c" * 999))
    package = content(built(projects.make("shop", "odd\n"), store).folder / FUNCTION_ZIP)
    assert package["odd.py"] == b"NAME = 'odd'\n"


@pytest.mark.heavy
def test_more_entries_than_a_plain_zip_can_count(
    index: LocalIndex, projects: ProjectMaker, store: Cache
) -> None:
    # Their records alone need zip64's end of directory.
    index.add(wheel("many", files={f"many/{number:05}": "" for number in range(65_600)}))
    made = built(projects.make("shop", "many\n"), store)
    artifact = made.manifest.artifact("function")
    package = made.folder / FUNCTION_ZIP
    assert package.stat().st_size == artifact.size
    with zipfile.ZipFile(package) as archive:
        assert len(archive.infolist()) == len(made.manifest.files) > 65_535
