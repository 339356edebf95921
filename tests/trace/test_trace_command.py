"""`wideload trace` from a project's folder to the profile beside its requirements."""

from __future__ import annotations

import json
import shutil
import uuid
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from click.testing import CliRunner

from made_projects import Listener, ProjectMaker
from wideload import proving
from wideload.cache import Cache
from wideload.cli.group import wideload
from wideload.errors import WideloadError
from wideload.pipeline import Pipeline
from wideload.sandbox import LinuxSandbox, unpack
from wideload.trace.files import read_profile
from wideload.trace.guarding import guard_files
from wideload.trace.keep import keep
from wideload.values.environment import EnvironmentSpec
from wideload.values.invocation import Outcome
from wideload.values.profile import Profile

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.sandbox

EXAMPLES = Path(__file__).parents[2] / "examples"
APP = """
import json
from pathlib import Path

def handler(event, context):
    return Path(__file__).with_name(event["file"]).read_text()
"""


@pytest.fixture
def cache(tmp_path_factory: pytest.TempPathFactory) -> Cache:
    """With the sandbox's own packages, which are the same for all tests."""
    return Cache(tmp_path_factory.getbasetemp() / "sandbox-cache")


@pytest.fixture
def project(projects: ProjectMaker) -> Path:
    return projects.make(
        "shop",
        files={
            "app.py": APP,
            "event.json": '{"file": "a.txt"}',
            "other.json": '{"file": "b.txt"}',
            "a.txt": "A",
            "b.txt": "B",
        },
    )


def test_a_profile_is_written_and_what_was_used_is_told(
    project: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WIDELOAD_CACHE", str(cache.root))
    command = ["-C", str(project), "trace", "--json"]
    done = CliRunner().invoke(wideload, command, catch_exceptions=False)
    answer: dict[str, Any] = json.loads(done.stdout)
    assert (answer["schema"], answer["function"]) == (1, "shop")
    assert answer["profile"] == "shop.profile.json"
    assert answer["events"] == ["event.json"]
    (own,) = answer["packages"]
    assert (own["name"], own["used_files"], own["files"]) == ("", 2, own["kept_files"])
    assert done.stderr == "traced into shop.profile.json; commit it\n"

    written = (project / "shop.profile.json").read_bytes()
    profile = Profile.decode(written, "it")
    assert [(each.path, each.phase) for each in profile.entries if each.use == "open"] == [
        ("app.py", "init"),
        ("a.txt", "event.json"),
    ]
    assert str(project).encode() not in written
    assert not (project / ".wideload").exists(), "nothing of a build is touched"


def test_events_are_those_that_are_given(project: Path, cache: Cache) -> None:
    pipeline = Pipeline(Listener(), cache)
    events = [project / "other.json", project / "event.json"]
    traced = proving.trace(pipeline, pipeline.source("shop", project), events)
    opened = [each for each in traced.profile.entries if each.use == "open"]
    assert [(each.path, each.phase) for each in opened] == [
        ("app.py", "init"),
        ("b.txt", "other.json"),
        ("a.txt", "event.json"),
    ]


def test_a_function_without_events_is_refused_and_nothing_is_written(
    project: Path, cache: Cache
) -> None:
    (project / "event.json").unlink()
    pipeline = Pipeline(Listener(), cache)
    with pytest.raises(WideloadError, match="no event to trace shop with"):
        proving.trace(pipeline, pipeline.source("shop", project))
    assert not (project / "shop.profile.json").exists()


def cut_down(whole: Path, paths: Sequence[str], to: Path) -> None:
    for path in paths:
        target = to / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(whole / path, target)


@pytest.mark.heavy
@pytest.mark.network
def test_the_recommender_runs_on_what_it_uses_and_says_what_is_gone(
    tmp_path: Path, cache: Cache
) -> None:
    examples = tmp_path / "examples"
    shutil.copytree(EXAMPLES, examples, ignore=shutil.ignore_patterns(".wideload"))
    pipeline = Pipeline(Listener(), cache)
    function = msgspec.structs.replace(pipeline.source("recommender", examples), slim="runtime")
    traced = proving.trace(pipeline, function)
    built = pipeline.build(function)
    assert read_profile(traced.path, function.target, traced.profile.packages) == traced.profile
    assert len(traced.profile.encode()) < 120_000

    tree = built.packed.beside(function.files)
    kept = keep(tree, traced.profile)
    assert kept.tree.unzipped_bytes < 190_000_000
    assert kept.tree.zipped_bytes < 60_000_000
    gone = {one.name for one in kept.gone}
    assert {"scipy.signal", "sklearn.ensemble", "pandas.tests", "cloudpickle"} <= gone

    whole, cut = tmp_path / "whole", tmp_path / "cut"
    unpack(built.folder / "function.zip", whole)
    with zipfile.ZipFile(built.folder / "function.zip") as package:
        assert sorted(package.namelist()) == [entry.path for entry in tree]
    cut_down(whole, [entry.path for entry in kept.tree], cut)
    for path, data in guard_files(kept.gone):
        (cut / path).write_bytes(data)
    code = "def handler(event, context):\n    exec(event)\n"
    (cut / "probe.py").write_text(code, encoding="utf-8")

    sandbox = LinuxSandbox(cache.root, init_timeout=60)
    spec = EnvironmentSpec(
        function="recommender",
        version="$LATEST",
        target=function.target,
        handler=function.handler,
        task=str(cut),
        memory=1769,
        timeout=60,
    )
    source = examples / "recommender"
    environment = sandbox.start(spec)
    answer = environment.invoke((source / "event.json").read_bytes(), str(uuid.uuid4()))
    environment.close()
    assert answer.outcome is Outcome.SUCCESS, answer.log
    assert json.loads(answer.payload) == json.loads((source / "expected.json").read_bytes())

    environment = sandbox.start(msgspec.structs.replace(spec, handler="probe.handler"))
    answer = environment.invoke(b'"from scipy import signal"', str(uuid.uuid4()))
    environment.close()
    failed = json.loads(answer.payload)
    assert failed["errorType"] == "ModuleNotFoundError"
    assert 'keep = ["scipy/signal/**"]' in failed["errorMessage"]
    assert "`wideload trace`" in failed["errorMessage"]
