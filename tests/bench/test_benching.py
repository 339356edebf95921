"""Which ways are measured, and that each of them starts the function in the sandbox."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from local_index import LocalIndex
from made_projects import Listener, ProjectMaker
from wheel_maker import wheel
from wideload.benching import Order, bench
from wideload.errors import WideloadError
from wideload.local import daemon
from wideload.pipeline import Pipeline
from wideload.prepared import local_state
from wideload.proving import trace
from wideload.report.bench import bench_json, bench_svg
from wideload.values.timing import Bench
from zstd_wheel import fetched, put

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wideload.cache import Cache

APP = "import alpha\n\ndef handler(event, context):\n    return {'name': alpha.NAME, **event}\n"


@pytest.fixture(scope="session")
def with_zstd() -> Cache:
    return fetched("python3.13")


@pytest.fixture
def project(
    with_zstd: Cache, index: LocalIndex, projects: ProjectMaker, store: Cache
) -> Iterator[Path]:
    put(with_zstd, store)
    index.add(wheel("alpha", files={"alpha/__init__.py": "NAME = 'alpha'\n"}))
    root = projects.make(
        "shop",
        "alpha\n",
        files={
            "app.py": APP,
            "event.json": '{"n": 1}',
            "expected.json": '{"name": "alpha", "n": 1}',
        },
    )
    yield root
    daemon.stop(local_state(root))


def measured(root: Path, store: Cache, order: Order) -> Bench:
    listener = Listener()
    pipeline = Pipeline(listener, store)
    return bench(pipeline, listener, pipeline.source(None, root), order, [])


def in_the_users_environment(root: Path, store: Cache, changes: pytest.MonkeyPatch) -> None:
    """The sandbox's interpreter and packages are those of this machine's user; what the project
    requires is locked and fetched before, from the index that he does not know."""
    pipeline = Pipeline(Listener(), store)
    pipeline.fetch(pipeline.prepare(pipeline.source(None, root)))
    changes.undo()


@pytest.mark.network
def test_a_way_that_is_not_known(project: Path, store: Cache) -> None:
    with pytest.raises(WideloadError, match="there is no way 'zipp' to start shop") as told:
        measured(project, store, Order(ways=("zipp",)))
    assert told.value.why == (
        "known are direct-zip, s3-zip, layers, s3-bootstrap, image, s3-files, efs, plain, shell, "
        "stream"
    )


@pytest.mark.network
def test_without_an_event_there_is_nothing_to_measure(project: Path, store: Cache) -> None:
    (project / "event.json").unlink()
    with pytest.raises(WideloadError, match="there is no event to invoke shop with"):
        measured(project, store, Order())


@pytest.mark.heavy
@pytest.mark.sandbox
@pytest.mark.network
def test_each_way_starts_and_answers(
    project: Path, store: Cache, clean_environment: pytest.MonkeyPatch
) -> None:
    in_the_users_environment(project, store, clean_environment)
    found = measured(project, store, Order(runs=1))
    ways = [timing.way for timing in found.timings]
    assert ways == ["direct-zip", "layers", "s3-bootstrap", "plain", "shell", "stream"]
    assert [timing.failure for timing in found.timings] == [""] * len(ways)
    fetched_bytes = {one.way: one.starts[0].fetched_bytes for one in found.timings}
    assert fetched_bytes["direct-zip"] == fetched_bytes["layers"] == fetched_bytes["plain"] == 0
    assert min(fetched_bytes[way] for way in ("s3-bootstrap", "shell", "stream")) > 0
    assert all(one.starts[0].phases["import"] > 0 for one in found.timings)
    told = json.loads(json.dumps(bench_json(found)))
    assert [one["way"] for one in told["timings"]] == ways
    assert all(one["cold_ms"]["min"] > one["phases_ms"]["import"] > 0 for one in told["timings"])
    assert all(way in bench_svg(found) for way in ways)


@pytest.mark.heavy
@pytest.mark.sandbox
@pytest.mark.network
def test_what_a_trace_saves_is_measured_beside_all_of_the_bundle(
    project: Path, index: LocalIndex, store: Cache, clean_environment: pytest.MonkeyPatch
) -> None:
    unused = {"beta/__init__.py": "", "beta/data.txt": random.Random(1).randbytes(200_000).hex()}
    index.add(wheel("beta", files=unused))
    (project / "requirements.txt").write_text("alpha\nbeta\n")
    pipeline = Pipeline(Listener(), store)
    text = (project / "wideload.toml").read_text()
    pipeline.fetch(pipeline.prepare(pipeline.source(None, project)))
    clean_environment.undo()
    trace(pipeline, pipeline.source(None, project))
    (project / "wideload.toml").write_text(f'{text}bundle_start = "traced"\n')
    found = measured(project, store, Order(runs=1, ways=("s3-bootstrap", "whole")))
    traced, whole = found.timings
    assert (traced.failure, whole.failure) == ("", "")
    saved = whole.starts[0].fetched_bytes - traced.starts[0].fetched_bytes
    assert 100_000 < saved < 400_000


@pytest.mark.heavy
@pytest.mark.sandbox
@pytest.mark.network
def test_a_wrong_answer_is_not_timed(
    project: Path, store: Cache, clean_environment: pytest.MonkeyPatch
) -> None:
    in_the_users_environment(project, store, clean_environment)
    (project / "expected.json").write_text('{"name": "beta"}')
    (timing,) = measured(project, store, Order(runs=1, ways=("s3-bootstrap",))).timings
    assert timing.starts == ()
    assert "its answer is wrong" in timing.failure
