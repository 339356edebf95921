"""Advice is given only where a measurement decides, and says what was measured."""

from __future__ import annotations

import msgspec
import pytest

from made_values import AL2, AL2023
from wideload.report.advice import bench_advice, used_advice
from wideload.report.verdict import verdict_text
from wideload.values.network import Network
from wideload.values.timing import BENCH_SCHEMA, Bench, Start, Timing
from wideload.values.verdict import Check, Used, Verdict

MIB = 1 << 20


def used(max_memory: int = 900, tmp: int | None = 300, ephemeral: int = 512) -> Used:
    return Used(1024, max_memory, ephemeral, None if tmp is None else tmp * MIB)


def bench(*timings: Timing, memory: int = 1769) -> Bench:
    return Bench(BENCH_SCHEMA, "shop", AL2023, memory, 512, Network(), timings)


def timing(
    way: str = "s3-zip", *, importing: float = 100.0, cold: float = 1000.0, memory: int = 1500
) -> Timing:
    return Timing(way, "", (Start(cold, (1.0,), {"import": importing}, 0, memory),))


def test_what_is_about_right_gets_no_advice() -> None:
    assert used_advice(used()) == ()
    assert bench_advice(bench(timing())) == ()
    assert bench_advice(bench()) == ()


@pytest.mark.parametrize(
    ("max_memory", "proposed"), [(100, "128"), (200, "256"), (409, "512"), (410, None)]
)
def test_memory_that_is_twice_too_much(max_memory: int, proposed: str | None) -> None:
    lines = used_advice(used(max_memory))
    assert [line.startswith("memory: ") for line in lines] == [True] * bool(proposed)
    if proposed:
        assert f"at most {max_memory} of 1024 MB were used. {proposed} would do" in lines[0]
        assert f"`wideload bench --memory {proposed}`" in lines[0]


def test_tmp_that_is_nearly_full_or_twice_too_large() -> None:
    (full,) = used_advice(used(tmp=470))
    assert full.endswith("set ephemeral = 640, so that there is room for more")
    (large,) = used_advice(used(tmp=300, ephemeral=2048))
    assert "314.6 MB of 2048 MB of /tmp are in use after the events; 512 would do" in large
    # 512 MB are the least, and not looking is no evidence.
    assert used_advice(used(tmp=1)) == ()
    assert used_advice(used(tmp=None, ephemeral=2048)) == ()


def test_imports_that_more_memory_does_not_make_faster() -> None:
    (line,) = bench_advice(bench(timing(importing=600.0)))
    assert line.startswith("init: 0.60 of 1.00 s of a cold start are imports")
    assert line.endswith("; snap_start or provisioned_concurrency takes them off the callers")
    # What Lambda would refuse is not advised.
    old = msgspec.structs.replace(bench(timing(importing=600.0)), target=AL2)
    assert bench_advice(old)[0].endswith("; provisioned_concurrency takes them off the callers")
    # From two processors on there is more to be had.
    assert bench_advice(bench(timing(importing=600.0, memory=3000), memory=3538)) == ()
    # Of ways to compare with nothing is said: they cannot be deployed.
    assert bench_advice(bench(timing("plain", importing=600.0))) == ()
    faster = timing("direct-zip", importing=100.0, cold=900.0)
    assert bench_advice(bench(timing(importing=600.0), faster)) == ()


def test_a_verdict_ends_with_it() -> None:
    checks = (Check("invoke with event.json", True, "the expected answer"),)
    assert verdict_text(Verdict(checks)).count("\n") == 0
    lines = verdict_text(Verdict(checks, (), used(100))).splitlines()
    assert lines[0].startswith("ok    invoke with event.json")
    assert lines[1].startswith("advice: memory: at most 100 of 1024 MB were used.")
