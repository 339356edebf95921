"""`python bench/suites`: run, compare, tell."""

from __future__ import annotations

import argparse
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
from pages import put
from rich import box as lines
from rich.console import Console
from rich.table import Table

from suites.expected import why_expected
from suites.fast import FAST
from suites.judging import Compared, judge
from suites.recorder import is_chosen
from suites.running import Box, Outcome, Unit, install_tools, is_done, marks_of, read, run, units
from suites.trees import SIDES, Side, Tree, make_trees
from wideload.cache import Cache, default_root
from wideload.interpreters import find_interpreter

PAGE = Path(__file__).resolve().parents[2] / "docs" / "explanation" / "side-by-side.md"
PACKAGES = ("numpy", "sklearn", "scipy", "pandas")
PROCESSORS = len(os.sched_getaffinity(0))


def main() -> int:
    """Exit code 1 where a difference stays."""
    parser = argparse.ArgumentParser(prog="bench/suites")
    parser.add_argument("--packages", default=",".join(PACKAGES))
    parser.add_argument("--parts", help="of the packages, for instance linalg,tests/frame")
    parser.add_argument("--sides", default=",".join(SIDES))
    parser.add_argument("--into", type=Path, default=default_root() / "suites")
    parser.add_argument("--fast", action="store_true", help="a few hundred quick tests of all")
    parser.add_argument(
        "--known", action="store_true", help="run nothing: compare what was run before"
    )
    parser.add_argument(
        "--every", type=int, default=1, metavar="N", help="run about one test in N (default all)"
    )
    parser.add_argument(
        "--files", type=int, default=1, metavar="N", help="of about one file in N (default all)"
    )
    parser.add_argument("--write", action="store_true", help=f"into {PAGE.name} as well")
    parser.add_argument("--jobs", type=int, default=PROCESSORS, metavar="N", help="boxes at a time")
    parser.add_argument("--renew", action="store_true", help="slim anew, by today's rules")
    options = parser.parse_args()
    asked = ["raw", *options.sides.split(",")]
    sides = tuple(side for side in SIDES if side in asked)
    cache = Cache(default_root())
    suites = Suites(sides, options.into.resolve(), cache, renew=options.renew, jobs=options.jobs)
    parts = options.parts.split(",") if options.parts else None
    if options.fast:
        found = suites.fast()
    elif options.known:
        found = suites.known(options.packages.split(","))
    elif options.files > 1:
        found = suites.sample(options.packages.split(","), options.files, options.every)
    else:
        found = suites.compare(options.packages.split(","), options.every, parts)
    show(found)
    if options.write:
        write(found)
    (options.into / "compared.json").write_bytes(
        msgspec.json.format(msgspec.json.encode(found), indent=1)
    )
    return int(any(one.differences for one in found))


class Suites:
    """The packages of some sides, and the outcomes of their tests, in one folder.

    :param jobs: so many boxes run at a time; each of them has one thread.
    """

    def __init__(
        self,
        sides: tuple[Side, ...],
        into: Path,
        cache: Cache,
        *,
        renew: bool = False,
        jobs: int = PROCESSORS,
    ) -> None:
        into.mkdir(parents=True, exist_ok=True)
        self._into = into
        self._jobs = jobs
        self._trees = make_trees(sides, into, cache, renew=renew)
        version = self._trees["raw"].version
        python = find_interpreter(version, cache.root)
        self._box = install_tools(python, into / f"tools-{version}")

    def compare(
        self, packages: list[str], every: int = 1, parts: list[str] | None = None
    ) -> list[Compared]:
        """Run what was not run before, and compare package by package.

        :param every: about one test in so many is run and compared.
        :param parts: names of units; all where there are none.
        """
        raw = Path(self._trees["raw"].folder)
        found: list[Compared] = []
        for package in packages:
            chosen = [one for one in units(raw, package) if parts is None or one.name in parts]
            found += self._compare(package, chosen, every)
        return found

    def known(self, packages: list[str]) -> list[Compared]:
        """Compare what was run before, whether or not it was all."""
        found = []
        for package in packages:
            for side in self._trees:
                outcomes: dict[Side, dict[str, Outcome]] = {"raw": {}, side: {}}
                for unit in units(Path(self._trees["raw"].folder), package):
                    both = [self._kept(each, unit) for each in ("raw", side)]
                    if side == "raw" or not all(path.exists() for path in both):
                        continue
                    before, after = (read(path) for path in both)
                    if not all(is_done(path) for path in both):
                        shared = before.keys() & after.keys()
                        before = {test: before[test] for test in shared}
                        after = {test: after[test] for test in shared}
                    outcomes["raw"] |= before
                    outcomes[side] |= after
                if outcomes[side]:
                    found.append(judge(self._box, self._trees, package, side, outcomes, self._into))
        return found

    def fast(self) -> list[Compared]:
        """Compare a few hundred quick tests that reach every package."""
        raw = Path(self._trees["raw"].folder)
        there = tuple(file for file in FAST if (raw / file).is_file())
        return self._compare("fast", [Unit("fast", "fast", there)], 1)

    def sample(self, packages: list[str], files: int, every: int) -> list[Compared]:
        """Compare some tests of some files, which takes minutes where all take hours.

        Most of the time of a sample by test alone is spent on collecting what is not run.

        :param files: about one file in so many is collected.
        :param every: about one test in so many of these files is run.
        """
        raw = Path(self._trees["raw"].folder)
        found: list[Compared] = []
        for package in packages:
            # One process, since each collects for itself what is around its tests. Files that
            # are named to it pytest looks into whatever a plugin says.
            tests = dict.fromkeys(test for unit in units(raw, package) for test in unit.tests)
            chosen = (test for test in tests if test[-3:] != ".py" or is_chosen(test, files))
            sample = Unit(package, f"one-file-in-{files}", tuple(chosen))
            found += self._compare(package, [sample], every, files)
        return found

    def _compare(self, name: str, chosen: list[Unit], every: int, files: int = 1) -> list[Compared]:
        outcomes: dict[Side, dict[str, Outcome]] = {side: {} for side in self._trees}
        pool = ThreadPoolExecutor(self._jobs)
        try:
            runs = [
                (
                    side,
                    pool.submit(_run, self._box, tree, unit, self._kept(side, unit), every, files),
                )
                for unit in chosen
                for side, tree in self._trees.items()
            ]
            for side, run in runs:
                outcomes[side] |= run.result()
        finally:
            pool.shutdown(cancel_futures=True)
        return [
            judge(self._box, self._trees, name, side, outcomes, self._into)
            for side in self._trees
            if side != "raw"
        ]

    def _kept(self, side: Side, unit: Unit) -> Path:
        folder = self._into / "outcomes" / Path(self._trees[side].folder).name
        return folder / unit.package / f"{unit.name.replace('/', '-')}.jsonl"


def _run(
    box: Box, tree: Tree, unit: Unit, kept: Path, every: int, files: int
) -> dict[str, Outcome]:
    if is_done(kept, every):
        return read(kept, every)
    started = time.monotonic()
    marks = marks_of(unit.package)
    found = run(box, Path(tree.folder), unit.tests, kept, marks=marks, every=every, files=files)
    took = time.monotonic() - started
    print(f"{tree.side} {unit.package} {unit.name}: {len(found):,} in {took:.0f} s", flush=True)
    return found


def show(found: list[Compared]) -> None:
    """A table, and every difference by name."""
    table = Table(box=lines.SIMPLE_HEAD)
    for column in ("tests of", "slimmed", "outcomes unslimmed", "outcomes slimmed"):
        table.add_column(column)
    for column in ("different", "expected", "flaky"):
        table.add_column(column, justify="right")
    for one in found:
        told = (
            ", ".join(f"{count:,} {name}" for name, count in each.items())
            for each in (one.raw, one.slimmed)
        )
        counts = (str(len(each)) for each in (one.differences, one.expected, one.flaky))
        table.add_row(one.name, one.side, *told, *counts)
    console = Console(width=170)
    console.print(table)
    for one in found:
        for each in one.differences:
            console.print(f"{one.side}: {each.id}: {each.raw} → {each.slimmed}", soft_wrap=True)
            console.print(each.slimmed_message or each.raw_message, markup=False)
        for each in one.expected:
            why = why_expected(each.id)
            console.print(f"{one.side}: {each.id}: expected: it {why}", soft_wrap=True)
        for each in one.flaky:
            text = f"{one.side}: {each.id}: flaky ({each.raw}, {each.slimmed})"
            console.print(text, soft_wrap=True)


def write(found: list[Compared]) -> None:
    """Put the table into the page, and the differences that are expected below it."""
    head = (
        *("suite of", "byte-code", "tests compared", "passed unslimmed", "passed slimmed"),
        *("different", "expected", "flaky"),
    )
    rows = [f"| {' | '.join(head)} |", "|---|---|---:|---:|---:|---:|---:|---:|"]
    for one in found:
        tests = sum(one.slimmed.values()), one.raw.get("passed", 0), one.slimmed.get("passed", 0)
        kinds = (one.differences, one.expected, one.flaky)
        counts = [*(f"{count:,}" for count in tests), *(f"{len(each):,}" for each in kinds)]
        rows.append(f"| {' | '.join((one.name, one.side, *counts))} |")
    told: dict[str, None] = {}
    for one in found:
        for each in one.expected:
            told[f"- `{each.id.partition('::')[0]}` {why_expected(each.id)}"] = None
    text = "\n".join([*rows, "", "What is expected:", "", *told])
    put(PAGE, "bench/suites", f"{text}\n")
