"""The stages composed: from a folder to a plan and a build, through the index on loopback."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from uv import find_uv_bin

from local_index import LocalIndex
from made_projects import Listener, ProjectMaker, built
from wheel_maker import wheel
from wideload.cache import Cache
from wideload.errors import WideloadError
from wideload.own_files import UNREAD
from wideload.pipeline import Pipeline
from wideload.prepared import Prepared
from wideload.values.function import Strategy
from wideload.values.resolution import Wheel
from wideload.values.tree import FileTree, LocalFile

ALICE = ("alice", "s3cret")
EXAMPLES = Path(__file__).parents[1] / "examples"


def prepared(root: Path, store: Cache, *, upgrade: bool = False) -> tuple[Prepared, Listener]:
    listener = Listener()
    pipeline = Pipeline(listener, store)
    return pipeline.prepare(pipeline.source(None, root), upgrade=upgrade), listener


def versions(found: Prepared) -> dict[str, str]:
    return {wheel.name: wheel.version for wheel in found.resolution.wheels}


def test_a_plan_fetches_directories_and_no_wheel(
    index: LocalIndex, projects: ProjectMaker, store: Cache
) -> None:
    big = wheel("big", files={"big/lib.so": bytes(range(256)) * 20_000}, stored=True)
    index.add(big)
    root = projects.make("shop", "big\n")
    found, listener = prepared(root, store)
    assert index.sent_of(big) == found.resolution.downloaded_bytes == 65_536
    assert listener.lines == ["resolved into pylock.shop.toml; commit it"]
    assert not list(store.root.glob("wheels/*/*"))
    index.forget()
    again, listener = prepared(root, store)
    assert not index.asked
    assert not listener.lines
    assert again.slimmed == found.slimmed


def test_a_build_tells_what_it_fetches(
    index: LocalIndex, projects: ProjectMaker, store: Cache
) -> None:
    made = [wheel("one"), wheel("two")]
    index.add(*made)
    root = projects.make("shop", "one\ntwo\n")
    listener = Listener()
    pipeline = Pipeline(listener, store)
    pipeline.build(pipeline.source(None, root))
    total = sum(len(one.data) for one in made)
    assert listener.announced["fetching wheels"] == listener.fetched == total
    listener = Listener()
    pipeline = Pipeline(listener, store)
    pipeline.build(pipeline.source(None, root))
    assert listener.announced["fetching wheels"] == listener.fetched == 0


def test_an_upgrade_takes_the_newer_release(
    index: LocalIndex, projects: ProjectMaker, store: Cache
) -> None:
    index.add(wheel("demo", "1.0"))
    root = projects.make("shop", "demo\n")
    assert versions(prepared(root, store)[0]) == {"demo": "1.0"}
    index.add(wheel("demo", "2.0"))
    assert versions(prepared(root, store)[0]) == {"demo": "1.0"}
    assert versions(prepared(root, store, upgrade=True)[0]) == {"demo": "2.0"}
    assert versions(prepared(root, store)[0]) == {"demo": "2.0"}


def test_another_machine_with_the_same_commit_ships_the_same_bytes(
    index: LocalIndex, projects: ProjectMaker, tmp_path: Path
) -> None:
    index.add(wheel("demo", "1.0"))
    first = projects.make("shop", "demo\n", folder="first")
    sha256 = built(first, Cache(tmp_path / "one")).manifest.artifact("function").sha256
    index.add(wheel("demo", "2.0"))
    second = tmp_path / "clone"
    shutil.copytree(first, second, ignore=shutil.ignore_patterns(".wideload"))
    made = built(second, Cache(tmp_path / "two"))
    assert made.manifest.artifact("function").sha256 == sha256


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("requirements.txt", "demo\n--index-url {}\n"),
        ("inner.txt", "--index-url {}\n"),
        ("uv.toml", '[[index]]\nurl = "{}"\ndefault = true\n'),
    ],
)
def test_credentials_reach_the_files_as_they_reach_the_resolver(
    index: LocalIndex,
    projects: ProjectMaker,
    store: Cache,
    clean_environment: pytest.MonkeyPatch,
    name: str,
    text: str,
) -> None:
    index.add(wheel("demo"))
    index.manners.credentials = ALICE
    clean_environment.delenv("UV_DEFAULT_INDEX")
    root = projects.make("shop", "-r inner.txt\ndemo\n" if name == "inner.txt" else "demo\n")
    (root / name).write_text(text.format(index.url_with(*ALICE)))
    made = built(root, store)
    assert {one.name for one in made.manifest.wheels} == {"demo"}
    assert ALICE[1] not in (root / "pylock.shop.toml").read_text()
    for path in made.folder.iterdir():
        assert ALICE[1].encode() not in path.read_bytes()


def test_hashes_in_the_requirements_are_obeyed(
    index: LocalIndex, projects: ProjectMaker, store: Cache
) -> None:
    pure = wheel("demo")
    index.add(pure, wheel("demo", tag="cp313-cp313-manylinux_2_17_x86_64"))
    root = projects.make("shop", f"demo==1.0 --hash=sha256:{pure.sha256}\n")
    assert [one.sha256 for one in prepared(root, store)[0].resolution.wheels] == [pure.sha256]
    before = (root / "pylock.shop.toml").read_bytes()
    (root / "requirements.txt").write_text(f"demo==1.0 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(
        WideloadError, match="the hash of demo 1.0 does not match".replace(".", r"\.")
    ):
        prepared(root, store)
    assert (root / "pylock.shop.toml").read_bytes() == before, "a lock of what is refused"


def test_python_3_11_gets_wheels_that_load_under_its_glibc(
    index: LocalIndex, projects: ProjectMaker, store: Cache
) -> None:
    old = wheel("demo", "1.0", tag="cp311-cp311-manylinux2014_x86_64")
    index.add(old, wheel("demo", "2.0", tag="cp311-cp311-manylinux_2_28_x86_64"))
    root = projects.make("shop", "demo\n", runtime="python3.11")
    assert prepared(root, store)[0].resolution.wheels[0].filename == old.filename


def test_a_lock_of_the_users_is_obeyed_and_not_written(
    index: LocalIndex, projects: ProjectMaker, store: Cache
) -> None:
    made = wheel("demo", "1.0")
    index.add(made, wheel("demo", "2.0"))
    root = projects.make("shop", more='requirements = "pylock.toml"')
    (root / "pylock.toml").write_text(
        'lock-version = "1.0"\ncreated-by = "tests"\n[[packages]]\nname = "demo"\nversion = "1.0"\n'
        f'wheels = [{{ url = "{index.file_url(made)}", '
        f'hashes = {{ sha256 = "{made.sha256}" }} }}]\n'
    )
    found, listener = prepared(root, store)
    assert versions(found) == {"demo": "1.0"}
    assert not listener.lines
    assert not list(root.glob("pylock.shop.toml"))


def test_the_wanted_strategy_is_taken_or_refused(projects: ProjectMaker, store: Cache) -> None:
    root = projects.make("shop", more='strategy = "s3-zip"')
    assert built(root, store).manifest.strategy is Strategy.S3_ZIP
    with pytest.raises(WideloadError, match="s3-bootstrap is no way to ship late"):
        built(projects.make("late", more='strategy = "s3-bootstrap"'), store)


def test_what_was_too_big_to_read_for_a_plan_is_read_for_a_build(
    projects: ProjectMaker, store: Cache
) -> None:
    root = projects.make("shop", files={"model.bin": b"weights" * 1000})
    pipeline = Pipeline(Listener(), store)
    function = pipeline.source(None, root)
    model = function.files.by_path["model.bin"]
    assert isinstance(model.origin, LocalFile)
    unread = msgspec.structs.replace(model, crc32=0, origin=LocalFile(model.origin.path, UNREAD))
    files = function.files.where(lambda entry: entry is not model)
    function = msgspec.structs.replace(function, files=files.beside(FileTree.of([unread])))
    found = pipeline.prepare(function)
    assert unread in found.slimmed.tree.entries
    assert pipeline.plan(found).choice is Strategy.DIRECT_ZIP
    fetched = pipeline.fetch(found)
    assert fetched.prepared.slimmed.tree.by_path["model.bin"] == model
    assert pipeline.pack(fetched).manifest.strategy is Strategy.DIRECT_ZIP


def test_all_that_is_there_is_not_looked_for_on_the_network(
    index: LocalIndex,
    projects: ProjectMaker,
    store: Cache,
    clean_environment: pytest.MonkeyPatch,
) -> None:
    index.add(wheel("demo"))
    root = projects.make("shop", "demo\n")
    first = built(root, store).manifest
    clean_environment.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:1/simple/")
    index.manners.credentials = ALICE
    (root / "app.py").write_text("def handler(event, context):\n    return 1\n")
    assert built(root, store).manifest != first


def installed_sizes(wheels: Sequence[Wheel], into: Path) -> dict[str, int]:
    """Files and sizes as uv installs these wheels for python3.13 on x86_64."""
    subprocess.run(
        [
            *(find_uv_bin(), "pip", "install", "--quiet", "--target", str(into)),
            *("--python", sys.executable, "--python-version", "3.13", "--no-deps"),
            *(
                "--python-platform",
                "x86_64-manylinux_2_34",
                *(f"{one.name} @ {one.url}" for one in wheels),
            ),
        ],
        check=True,
    )
    return {
        path.relative_to(into).as_posix(): path.stat().st_size
        for path in into.rglob("*")
        if path.is_file()
    }


@pytest.mark.heavy
@pytest.mark.network
def test_the_recommender_is_weighed_to_the_byte_without_fetching_it(tmp_path: Path) -> None:
    root = tmp_path / "examples"
    shutil.copytree(EXAMPLES, root, ignore=shutil.ignore_patterns(".wideload"))
    store = Cache(tmp_path / "cache")
    listener = Listener()
    pipeline = Pipeline(listener, store)
    found = pipeline.prepare(pipeline.source("recommender", root))
    plan = pipeline.plan(found)
    assert plan.choice is Strategy.S3_ZIP
    assert plan.downloaded_bytes < 3_000_000
    installed = installed_sizes(found.resolution.wheels, tmp_path / "installed")
    written = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", ".lock")
    theirs = {
        path: size
        for path, size in installed.items()
        if not path.endswith(written) and not path.startswith("bin/")
    }
    ours = {
        member.path: member.size
        for one in found.resolution.wheels
        for member in one.members
        if not member.path.endswith(written) and not member.path.startswith("bin/")
    }
    assert ours == theirs
    raw = sum(package.unzipped_bytes for package in plan.packages)
    assert raw == sum(member.size for one in found.resolution.wheels for member in one.members)


@pytest.mark.heavy
@pytest.mark.network
def test_the_recommender_on_python_3_11_resolves_to_wheels_for_glibc_2_26(tmp_path: Path) -> None:
    root = tmp_path / "examples"
    shutil.copytree(EXAMPLES, root, ignore=shutil.ignore_patterns(".wideload", "pylock.*"))
    config = root / "wideload.toml"
    config.write_text(config.read_text().replace("python3.13", "python3.11"))
    done = subprocess.run(
        [Path(sys.executable).with_name("wideload"), "plan", "recommender", "--json"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    document: dict[str, Any] = json.loads(done.stdout)
    assert {"numpy", "scipy", "scikit-learn"} <= {one["name"] for one in document["packages"]}
    pipeline = Pipeline(Listener(), Cache(tmp_path / "cache"))
    found = pipeline.prepare(pipeline.source("recommender", root))
    for one in found.resolution.wheels:
        assert "manylinux_2_28" not in one.filename or "manylinux_2_17" in one.filename
