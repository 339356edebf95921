"""Which differences between two sides count: those that stay, and are not expected."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from suites.comparing import ABSENT, Difference, compare, tally
from suites.expected import why_expected
from suites.running import Box, Outcome, run
from suites.trees import Side, Tree

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_AGAIN = 3
"""How often a test with two outcomes is run again on both sides."""


class Compared(msgspec.Struct, frozen=True):
    """Some tests on one slimmed side, held to the unslimmed."""

    name: str
    side: Side
    raw: dict[str, int]
    """Tests by outcome."""
    slimmed: dict[str, int]
    differences: list[Difference]
    """Those that stay when the tests are run again, and that nothing explains."""
    expected: list[Difference]
    """Those that stay, of tests that look for the very files that are gone."""
    flaky: list[Difference]
    """Those that do not stay."""


def judge(
    box: Box,
    trees: Mapping[Side, Tree],
    name: str,
    side: Side,
    outcomes: Mapping[Side, Mapping[str, Outcome]],
    into: Path,
) -> Compared:
    """Compare a side with the unslimmed; what differs is run again, alone, on both sides.

    :param into: where the outcomes of the runs again are kept.
    """
    raw, slimmed = outcomes["raw"], outcomes[side]
    found = compare(raw, slimmed)
    doubted = [one.id for one in found if not why_expected(one.id)]
    seen: dict[str, set[tuple[str, str]]] = {test: set() for test in doubted}
    for turn in range(_AGAIN if doubted else 0):
        folder = into / "again" / f"{name}-{turn}"
        again = [_again(box, trees[each], doubted, folder) for each in ("raw", side)]
        for test, pairs in seen.items():
            raw_, slimmed_ = (one[test].outcome if test in one else ABSENT for one in again)
            pairs.add((raw_, slimmed_))
    flaky = {test for test, pairs in seen.items() if any(a == b for a, b in pairs)}
    return Compared(
        name,
        side,
        tally(raw),
        tally(slimmed),
        differences=[one for one in found if one.id in seen and one.id not in flaky],
        expected=[one for one in found if one.id not in seen],
        flaky=[one for one in found if one.id in flaky],
    )


def _again(box: Box, tree: Tree, tests: Collection[str], folder: Path) -> dict[str, Outcome]:
    files = sorted({test.partition("::")[0] for test in tests})
    which = hashlib.sha256("\n".join(tests).encode()).hexdigest()[:12]
    kept = folder / f"{Path(tree.folder).name}-{which}.jsonl"
    return run(box, Path(tree.folder), files, kept, only=tests)
