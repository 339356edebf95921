"""`wideload bench`: cold and warm starts of each way to ship a function, measured."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from wideload.cli import options


@click.command()
@options.function
@click.option(
    "--runs",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    help="Cold starts of each way, which take turns.",
)
@click.option(
    "--way",
    "ways",
    multiple=True,
    help="A strategy, or `plain`, `shell` or `stream`; may be given again. Otherwise every "
    "strategy that works, and these three to compare with: the same package in /var/task as if "
    "no limit refused it, the bootstrap by download_file, unzip and os.system, and a tar.gz that "
    'is streamed. With bundle_start = "traced" there is `whole` too: all of the bundle fetched at '
    "start.",
)
@click.option(
    "--event",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Invoke with this event. Otherwise event.json of the function's folder, whose answer "
    "must be that of expected.json, where there is one.",
)
@click.option("--memory", type=int, metavar="MB", help="Instead of the configured memory.")
@click.option(
    "--slim",
    type=click.Choice(["runtime", "safe", "traced", "none"]),
    help="Slim it so instead of as configured.",
)
@click.option(
    "--chart",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.svg",
    help="Draw what was measured into this file.",
)
@options.as_json
@options.session
def bench(
    session: options.Session,
    function: str | None,
    runs: int,
    ways: tuple[str, ...],
    event: Path | None,
    memory: int | None,
    slim: str | None,
    chart: Path | None,
    as_json: bool,
) -> None:
    """Measure how a function starts, cold and warm, by each way to ship it.

    Functions run in the local Lambda with its shares of a processor, and S3 is as slow to reach
    as it is for a function.
    """
    import msgspec

    from wideload.benching import Order
    from wideload.benching import bench as measured
    from wideload.cache import write_atomically
    from wideload.report.bench import bench_json, bench_svg, bench_text
    from wideload.values.function import Slim

    pipeline = session.pipeline()
    order = Order(
        runs=runs,
        ways=ways,
        memory=memory,
        slim=None if slim is None else msgspec.convert(slim, Slim),
    )
    read = pipeline.source(function, session.folder)
    found = measured(pipeline, session.console, read, order, [event] if event else [])
    if chart is not None:
        write_atomically(chart, bench_svg(found).encode())
        session.console.tell(f"drawn into {chart}")
    if as_json:
        session.console.json(bench_json(found))
    else:
        session.console.draw(bench_text(found))
    if any(timing.failure for timing in found.timings):
        sys.exit(1)
