"""What fifty functions over twelve heavy stacks store, each packed by itself or in shared layers.

    python bench/fleet.py [--functions N] [--seed N]

Each function is resolved for python3.13 on x86_64 with real wheels from the index; their sizes
are read by range requests, so nothing is downloaded. Printed: bytes stored zipped, and the
seconds of a plan with an empty cache, of one with a warm cache, and of choosing the layers alone.
What of the fleet is too big for Lambda at all is counted and left out of the sums.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from wideload.cache import Cache
from wideload.errors import WideloadError
from wideload.fleet import Fleet, Selected
from wideload.pipeline import Pipeline
from wideload.plan.fleet import plan_fleet
from wideload.plan.split.splitting import split
from wideload.values.fleet import FleetMember
from wideload.values.split import Split

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wideload.deploy.progress import Progress

# What is heavy, with the MB unzipped that it brings along, about.
STACKS = {
    "pandas scikit-learn": 245,
    "statsmodels": 252,
    "pyarrow": 172,
    "polars": 185,
    "opencv-python-headless": 212,
    "lightgbm": 180,
    "geopandas shapely": 250,
    "matplotlib": 130,
    "duckdb": 68,
    "pillow": 20,
    "sqlalchemy psycopg2-binary": 30,
    "cryptography paramiko": 20,
}
LIGHT = ("requests", "pydantic", "jinja2", "httpx", "python-dateutil", "tenacity", "structlog")
ROOM = 254


class Quiet:
    """A narrator, and a watcher, that tells nothing."""

    def tell(self, line: str) -> None:
        """Nothing is told."""

    def begins(self, what: str, total: int) -> None:
        """Nothing is shown."""

    def ended(self, name: str, error: WideloadError | None) -> None:
        """Nothing is shown."""
        del name
        if error is not None:
            raise error

    def narrator(self, name: str) -> Quiet:
        del name
        return self

    def deployment(self, name: str) -> Progress:
        raise NotImplementedError(name)

    @contextmanager
    def progress(self, what: str, total: int) -> Iterator[Callable[[int], None]]:
        del what, total
        yield lambda _: None


def write_project(folder: Path, functions: int, seed: int) -> list[str]:
    """Functions that need one to three stacks and some light packages each."""
    rng = random.Random(seed)
    stacks = list(STACKS)
    lines, names = [], []
    for number in range(functions):
        wanted = [stacks[number % len(stacks)]]
        for stack in rng.sample(stacks, rng.randint(0, 4)):
            if stack not in wanted and sum(STACKS[one] for one in [*wanted, stack]) <= ROOM:
                wanted.append(stack)
        packages = [*" ".join(wanted).split(), *rng.sample(LIGHT, rng.randint(0, 3))]
        name = f"function-{number:02}"
        (folder / name).mkdir()
        (folder / name / "app.py").write_text(
            f"def handler(event, context):\n    return {number}\n"
        )
        (folder / name / "requirements.txt").write_text("\n".join(sorted(packages)) + "\n")
        lines += [f"[functions.{name}]", f'source = "{name}"', 'handler = "app.handler"',
                  'strategy = "layers"', 'runtime = "python3.13"', ""]  # fmt: skip
        names.append(name)
    (folder / "wideload.toml").write_text("\n".join(lines))
    return names


def prepare(names: list[str], folder: Path, cache: Path) -> tuple[list[FleetMember], int]:
    """The functions as they would ship, and the bytes that were fetched to know it."""
    pipeline = Pipeline(Quiet(), Cache(cache))

    def one(name: str) -> tuple[FleetMember, int]:
        prepared = pipeline.prepare(pipeline.source(name, folder))
        found = prepared.resolution
        member = FleetMember(name, prepared.slimmed.tree, found.wheels, found.target)
        return member, found.downloaded_bytes

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(one, names))
    return [member for member, _ in done], sum(fetched for _, fetched in done)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--functions", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="wideload-") as scratch:
        folder, cache = Path(scratch) / "project", Path(scratch) / "cache"
        folder.mkdir()
        names = write_project(folder, arguments.functions, arguments.seed)
        seconds = {}
        try:
            started = time.perf_counter()
            members, fetched = prepare(names, folder, cache)
            seconds["resolve and plan, empty cache"] = time.perf_counter() - started
            started = time.perf_counter()
            # What `wideload plan --all` does.
            Fleet(Pipeline(Quiet(), Cache(cache)), Selected(folder, tuple(names)), Quiet()).plan()
            seconds["`wideload plan --all` again, warm cache"] = time.perf_counter() - started
        except WideloadError as error:
            sys.exit(str(error))
        started = time.perf_counter()
        plan = plan_fleet(members)
        choosing = time.perf_counter() - started
        seconds["resolve and plan, empty cache"] += choosing
        seconds["of which choosing the layers"] = choosing
    fit = [member for member in members if isinstance(plan.splits[member.name], Split)]
    alone = [split(member.tree, member.wheels, member.target) for member in fit]
    functions = sum(one.function.zipped_bytes for one in alone if isinstance(one, Split))
    layers = {
        share.digest: share for one in alone if isinstance(one, Split) for share in one.layers
    }
    rows = {
        "one package each": (len(fit), sum(member.tree.zipped_bytes for member in fit)),
        "each split by itself, the same layers once": (
            len(fit) + len(layers),
            functions + sum(share.tree.zipped_bytes for share in layers.values()),
        ),
        "split together": (len(fit) + len(plan.layers), plan.stored_bytes),
    }
    console = Console(width=100)
    console.print(
        f"{len(members)} functions over {len(STACKS)} stacks, {len(members) - len(fit)} too big "
        f"for Lambda; {len({w.sha256 for m in members for w in m.wheels})} wheels, of whose "
        f"{sum({w.sha256: w.size for m in members for w in m.wheels}.values()):,} bytes "
        f"{fetched:,} were fetched"
    )
    table = Table("stored", "zips", "bytes", "MB a function", title="")
    for name, (zips, stored) in rows.items():
        table.add_row(name, str(zips), f"{stored:,}", f"{stored / 1e6 / max(len(fit), 1):.1f}")
    console.print(table)
    busiest = Table("layer of", "MB zipped", "functions")
    for layer in plan.layers[:8]:
        packages = layer.share.packages
        more = f" and {len(packages) - 3} more" if len(packages) > 3 else ""
        size = layer.share.tree.zipped_bytes / 1e6
        words = ", ".join(packages[:3]) + more
        busiest.add_row(words, f"{size:.1f}", str(len(layer.functions)))
    console.print(busiest)
    times = Table("seconds", "")
    for name, value in seconds.items():
        times.add_row(name, f"{value:.2f}")
    console.print(times)
    most = max(len(one.layers) for one in plan.splits.values() if isinstance(one, Split))
    console.print(f"at most {most} layers a function; known to be the best: {plan.optimal}")


if __name__ == "__main__":
    main()
