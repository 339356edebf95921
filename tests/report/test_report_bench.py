from __future__ import annotations

import json
from io import StringIO
from xml.etree import ElementTree

import pytest
from rich.console import Console

from wideload.report.bench import bench_json, bench_svg, bench_text
from wideload.values.network import Network
from wideload.values.target import Target
from wideload.values.timing import BENCH_SCHEMA, Bench, Start, Timing


def start(cold: float, fetch: float) -> Start:
    return Start(
        cold=cold,
        warm=(4.0, 5.0, 6.0),
        phases={"runtime": cold - fetch - 100, "fetch": fetch, "handler": 100},
        fetched_bytes=45_000_000,
        max_memory_mb=200,
    )


BENCH = Bench(
    schema=BENCH_SCHEMA,
    function="recommender",
    target=Target.parse("python3.13", "x86_64"),
    memory=1024,
    ephemeral=512,
    network=Network(),
    timings=(
        Timing("ours", "streamed", (start(1000, 300), start(1200, 400), start(3000, 2000))),
        Timing("shell", "download & unzip", (start(6000, 800),)),
        Timing("broken", "does not run", (), "it fails: no such <file>"),
    ),
    missing=("cpu: one is not there",),
)


def drawn() -> str:
    file = StringIO()
    Console(file=file, width=160, no_color=True).print(bench_text(BENCH))
    return file.getvalue()


def test_text_tells_medians_spread_and_ratio() -> None:
    text = drawn()
    ours = next(line for line in text.splitlines() if line.split()[:1] == ["ours"])
    assert "1.20 s" in ours
    assert "1.00 … 3.00" in ours
    assert " 1.0 " in ours
    shell = next(line for line in text.splitlines() if line.split()[:1] == ["shell"])
    assert " 5.0 " in shell
    assert "broken fails: it fails: no such <file>" in text
    assert "note: cpu: one is not there" in text


def test_bars_are_to_scale() -> None:
    lines = drawn().splitlines()
    ours, shell = (
        next(line for line in lines if line.split()[:1] == [name]).count("█")
        for name in ("ours", "shell")
    )
    assert shell / ours == pytest.approx(5, rel=0.15)


def test_json_tells_every_start() -> None:
    told = json.loads(json.dumps(bench_json(BENCH)))
    ours = told["timings"][0]
    assert told["target"] == {"runtime": "python3.13", "architecture": "x86_64"}
    assert ours["cold_ms"] == {"min": 1000, "median": 1200, "max": 3000}
    assert len(ours["starts"]) == 3
    assert ours["phases_ms"]["fetch"] == 400
    assert "cold_ms" not in told["timings"][2]


def test_picture_is_well_formed_and_holds_every_way_that_runs() -> None:
    root = ElementTree.fromstring(bench_svg(BENCH))
    texts = {element.text for element in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"ours", "shell", "1.20 s"} <= texts
    assert "broken" not in texts
