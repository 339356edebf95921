"""What `wideload bench` measured, kept for the plans of the same function."""

from __future__ import annotations

from pathlib import Path

import msgspec

from local_index import LocalIndex
from made_projects import Listener, ProjectMaker
from wheel_maker import wheel
from wideload.cache import Cache
from wideload.measurements import keep_measured, measured_path, read_measured
from wideload.pipeline import Pipeline
from wideload.prepared import Prepared
from wideload.values.function import Strategy
from wideload.values.network import Network
from wideload.values.proposal import Proposal
from wideload.values.timing import BENCH_SCHEMA, Bench, Start, Timing


def bench_of(prepared: Prepared, **milliseconds: tuple[float, ...]) -> Bench:
    function = prepared.function
    timings = tuple(
        Timing(
            way.replace("_", "-"), "", tuple(Start(one, (1.0,), {}, 0, 100) for one in found), ""
        )
        for way, found in milliseconds.items()
    )
    memory, ephemeral = function.settings.memory, function.settings.ephemeral
    return Bench(
        BENCH_SCHEMA, function.name, function.target, memory, ephemeral, Network(), timings
    )


def prepared(root: Path, store: Cache) -> Prepared:
    pipeline = Pipeline(Listener(), store)
    return pipeline.prepare(pipeline.source(None, root))


def test_a_plan_tells_what_was_measured(
    index: LocalIndex, projects: ProjectMaker, store: Cache
) -> None:
    index.add(wheel("one", "1.0"), wheel("one", "2.0"))
    root = projects.make("shop", "one==1.0\n")
    pipeline = Pipeline(Listener(), store)
    found = prepared(root, store)
    assert read_measured(found) is None
    keep_measured(found, bench_of(found, plain=(1900.0, 2100.0, 9000.0), shell=()))
    keep_measured(found, bench_of(found, s3_bootstrap=(2500.0,)))
    kept = read_measured(found)
    assert kept is not None
    assert kept.seconds == {"plain": 2.1, "s3-bootstrap": 2.5}
    assert kept.starts == {"plain": 3, "s3-bootstrap": 1}
    assert kept.packages == ("one==1.0",)
    plan = pipeline.plan(found)
    direct = plan.way(Strategy.DIRECT_ZIP)
    assert isinstance(direct, Proposal)
    assert direct.merits is not None
    assert (direct.merits.cold_start.seconds, direct.merits.cold_start.basis) == (2.1, "measured")
    # It lies beside the build, where nothing of it is committed.
    assert measured_path(found.function).is_relative_to(root / ".wideload")


def test_of_other_packages_or_memory_nothing_is_known(
    index: LocalIndex, projects: ProjectMaker, store: Cache
) -> None:
    index.add(wheel("one", "1.0"), wheel("one", "2.0"))
    root = projects.make("shop", "one==1.0\n")
    found = prepared(root, store)
    keep_measured(found, bench_of(found, plain=(2000.0,)))
    settings = msgspec.structs.replace(found.function.settings, memory=2048)
    bigger = msgspec.structs.replace(found.function, settings=settings)
    assert read_measured(msgspec.structs.replace(found, function=bigger)) is None
    (root / "requirements.txt").write_text("one==2.0\n")
    newer = prepared(root, store)
    assert read_measured(newer) is None
    # What is measured of it now does not bring back what was.
    keep_measured(newer, bench_of(newer, layers=(1000.0,)))
    kept = read_measured(newer)
    assert kept is not None
    assert kept.seconds == {"layers": 1.0}


def test_what_cannot_be_read_was_not_measured(
    index: LocalIndex, projects: ProjectMaker, store: Cache
) -> None:
    index.add(wheel("one"))
    found = prepared(projects.make("shop", "one\n"), store)
    path = measured_path(found.function)
    path.parent.mkdir(parents=True)
    for damaged in ("", "{", '{"schema": 1}'):
        path.write_text(damaged)
        assert read_measured(found) is None
