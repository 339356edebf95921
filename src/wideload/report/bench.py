"""What a bench measured, as JSON, as a table with bars, and as a picture."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import msgspec
from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from wideload.report.advice import bench_advice
from wideload.report.sizes import human
from wideload.values.timing import PHASES, Bench, Phase, Timing

if TYPE_CHECKING:
    from rich.console import RenderableType

_BAR = 48
# Okabe and Ito's colours, which the colour-blind can tell apart.
_COLOURS: dict[Phase, str] = {
    "runtime": "#999999",
    "connect": "#cc79a7",
    "fetch": "#56b4e9",
    "unpack": "#e69f00",
    "import": "#009e73",
    "handler": "#0072b2",
}


def bench_json(bench: Bench) -> dict[str, Any]:
    """The measurements as `wideload bench --json` prints them, each start by itself."""
    told: dict[str, Any] = msgspec.to_builtins(bench)
    told["target"] = {
        "runtime": bench.target.runtime,
        "architecture": bench.target.architecture.value,
    }
    for timing, made in zip(bench.timings, told["timings"], strict=True):
        if timing.starts:
            least, middle, most = timing.cold
            made["cold_ms"] = {"min": least, "median": middle, "max": most}
            made["warm_ms"] = timing.warm
            made["phases_ms"] = {phase: timing.phase(phase) for phase in PHASES}
    told["advice"] = list(bench_advice(bench))
    return told


def bench_text(bench: Bench) -> RenderableType:
    """A table of medians with a bar for each way, parted into phases."""
    timed = [timing for timing in bench.timings if timing.starts]
    longest = max((timing.cold[1] for timing in timed), default=1.0)
    fastest = min((timing.cold[1] for timing in timed), default=1.0)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("way", no_wrap=True)
    table.add_column("cold start", justify="right", no_wrap=True)
    table.add_column("min … max", justify="right", no_wrap=True)
    table.add_column("×", justify="right", no_wrap=True)
    table.add_column("warm", justify="right", no_wrap=True)
    table.add_column("fetched", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for timing in bench.timings:
        if not timing.starts:
            table.add_row(timing.way, "fails", style="red")
            continue
        least, middle, most = timing.cold
        table.add_row(
            timing.way,
            seconds(middle),
            f"{least / 1000:.2f} … {most / 1000:.2f}",
            f"{middle / fastest:.1f}",
            f"{timing.warm:.0f} ms",
            human(max(start.fetched_bytes for start in timing.starts)),
            _bar(timing, longest),
        )
    runs = max((len(timing.starts) for timing in timed), default=0)
    legend = Text("bars: ")
    for phase in PHASES:
        legend.append("█ ", _COLOURS[phase])
        legend.append(f"{phase}  ")
    parts: list[RenderableType] = [
        Text.assemble(
            (bench.function, "bold"),
            f"  {bench.target.runtime} on {bench.target.architecture}, {bench.memory} MB, "
            f"medians of {runs} starts",
        ),
        table,
        legend,
    ]
    parts += [Text(f"{one.way}: {one.what}", "dim") for one in bench.timings]
    parts += [
        Text(f"{one.way} fails: {one.failure}", "red") for one in bench.timings if one.failure
    ]
    parts += [Text(f"advice: {line}") for line in bench_advice(bench)]
    parts += [Text(f"note: {line}", "yellow") for line in bench.missing]
    return Group(*parts)


def seconds(milliseconds: float) -> str:
    """For people: ``2.41 s``."""
    return f"{milliseconds / 1000:.2f} s"


def _bar(timing: Timing, longest: float) -> Text:
    bar = Text()
    drawn, so_far = 0, 0.0
    for phase in PHASES:
        so_far += timing.phase(phase)
        end = min(_BAR, round(so_far / longest * _BAR))
        bar.append("█" * (end - drawn), _COLOURS[phase])
        drawn = max(drawn, end)
    return bar


_ROW, _LEFT, _WIDE = 44, 150, 620


def bench_svg(bench: Bench) -> str:
    """The same as a picture: a bar for each way, a whisker from its least to its most."""
    timed = [timing for timing in bench.timings if timing.starts]
    longest = max((timing.cold[2] for timing in timed), default=1.0)
    scale = _WIDE / longest
    height = _ROW * len(timed) + 90
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_LEFT + _WIDE + 90} {height}" '
            'font-family="system-ui, sans-serif" font-size="14" role="img">'
        ),
        f"<title>Cold starts of {escape(bench.function)}</title>",
        f'<rect width="100%" height="{height}" fill="#ffffff"/>',
        (
            f'<text x="12" y="24" font-weight="600">Cold start of {escape(bench.function)}: '
            f"{escape(bench.target.runtime)}, {bench.memory} MB, median, least and most</text>"
        ),
    ]
    for row, timing in enumerate(timed):
        top = 44 + row * _ROW
        least, middle, most = timing.cold
        parts.append(f'<text x="{_LEFT - 10}" y="{top + 20}" text-anchor="end">{timing.way}</text>')
        at = 0.0
        for phase in PHASES:
            spent = min(timing.phase(phase), max(0.0, middle - at))
            if spent > 0:
                parts.append(
                    f'<rect x="{_LEFT + at * scale:.1f}" y="{top + 4}" '
                    f'width="{spent * scale:.1f}" height="22" fill="{_COLOURS[phase]}">'
                    f"<title>{phase} {seconds(spent)}</title></rect>"
                )
            at += spent
        y = top + 15
        parts.append(
            f'<line x1="{_LEFT + least * scale:.1f}" x2="{_LEFT + most * scale:.1f}" '
            f'y1="{y}" y2="{y}" stroke="#222222" stroke-width="1.5"/>'
        )
        parts.append(
            f'<text x="{_LEFT + most * scale + 8:.1f}" y="{top + 20}">{seconds(middle)}</text>'
        )
    x = float(_LEFT)
    for phase in PHASES:
        parts.append(
            f'<rect x="{x}" y="{height - 28}" width="12" height="12" fill="{_COLOURS[phase]}"/>'
            f'<text x="{x + 17}" y="{height - 17}" font-size="12">{phase}</text>'
        )
        x += 95
    return "\n".join([*parts, "</svg>"]) + "\n"
