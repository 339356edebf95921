"""Writes what came of the corpus down as a page of the documentation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from corpus_entries import Entry
    from corpus_results import Checked, Ran, Results, Size

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "reference" / "corpus.md"

_HEAD = """\
# The corpus

Packages from PyPI that are heavy or much used, each with all that it requires: what they weigh
before and after `slim = "safe"`, for python3.13. Made by `python bench/corpus/run.py`.

"""
_HOW = """
Each was resolved, slimmed, spliced, and run in the sandbox on x86_64 as it comes, `sourceless`
and `beside`. The same had to come of: a small use of it
([uses/](../../bench/corpus/uses/)), the import of each of its modules that ships, and what
`importlib.metadata` tells of it. *Modules* are those that import, of the package and of what it
requires that has no row of its own.

For arm64 nothing was run: each library that was laid anew was held to what it was. Every segment
maps the same bytes to the same address, offsets are congruent to addresses, and the dynamic
section is the same. *Libraries* are those laid anew, of all that there are.

Sizes are MB (10⁶ bytes), unzipped / zipped, of all that is installed: with what the Lambda
runtime itself carries in the first column, without it in the others.
"""


def page(entries: Sequence[Entry], results: Results) -> str | None:
    """The page, or nothing where a package was not run yet."""
    found = [(entry, results.read(entry.name)) for entry in entries]
    ran = [(entry, result.ran) for entry, result in found if result.ran]
    checked = [(entry, result.checked) for entry, result in found if result.checked]
    arm64 = [entry for entry in entries if not entry.arm64]
    if len(ran) < len(entries) or len(checked) < len(arm64):
        return None
    return (
        _HEAD
        + _summary([one for _, one in ran], [one for _, one in checked])
        + _HOW
        + "\n## x86_64\n\n"
        + _table(
            ("package", "version", "for", "as it comes", "beside", "sourceless", "", "modules"),
            (
                (
                    entry.name,
                    one.version,
                    entry.field,
                    _mb(one.raw),
                    _mb(one.beside),
                    _mb(one.sourceless),
                    _less(one.raw, one.sourceless),
                    f"{one.modules:,}",
                )
                for entry, one in ran
            ),
        )
        + "\n## arm64\n\nWithout compiled modules.\n\n"
        + _table(
            ("package", "as it comes", "slimmed", "", "libraries"),
            (
                (
                    entry.name,
                    _mb(one.raw),
                    _mb(one.slimmed),
                    _less(one.raw, one.slimmed),
                    f"{one.relaid} of {one.libraries}",
                )
                for entry, one in checked
            ),
        )
        + _left_out(entries)
    )


def _summary(ran: Sequence[Ran], checked: Sequence[Checked]) -> str:
    broken = sum(one.outcome != "same" for one in ran)
    broken += sum(one.outcome != "same" for one in checked)
    modules = sum(one.modules for one in ran)
    relaid = sum(one.relaid for one in checked)
    return (
        f"{len(ran)} packages, {modules:,} modules, {broken} breakages; for arm64 "
        f"{len(checked)} packages and {relaid:,} libraries laid anew.\n"
    )


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    # Names, versions and fields are words; all that follows is numbers.
    first = head.index("as it comes")
    rule = ["---"] * first + ["--:"] * (len(head) - first)
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, rule, *rows))


def _mb(size: Size) -> str:
    return f"{size.unzipped / 1e6:.1f} / {size.zipped / 1e6:.1f}"


def _less(before: Size, after: Size) -> str:
    return f"{100 * (after.unzipped - before.unzipped) / before.unzipped:+.0f} %"


def _left_out(entries: Sequence[Entry]) -> str:
    lines = [f"- {entry.name}: {entry.arm64}\n" for entry in entries if entry.arm64]
    return f"\nNot looked at for arm64:\n\n{''.join(lines)}" if lines else ""
