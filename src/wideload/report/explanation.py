"""The case of a package as JSON and as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from wideload.report.ledger import ledger_line
from wideload.report.places import place_of
from wideload.report.sizes import human

if TYPE_CHECKING:
    from wideload.values.explanation import Explanation

SCHEMA = 1


def explanation_json(explanation: Explanation) -> dict[str, Any]:
    """The case as `wideload explain --json` prints it."""
    return {"schema": SCHEMA, **msgspec.to_builtins(explanation)}


def explanation_text(explanation: Explanation) -> str:
    """The case in a few lines."""
    one = explanation
    lines = [f"{one.name} {one.version}"]
    for path in one.paths:
        because = "of " + " → ".join(path) if path[1:] else "the requirements ask for it"
        lines.append(f"  because {because}")
    if not one.paths:
        lines.append("  because the lock names it; nothing in it asks for it")
    lines.append(f"  raw      {human(one.raw_unzipped)} unzipped, {human(one.raw_zipped)} zipped")
    if one.provided_by:
        lines.append(f"  packed   nothing: it is in {place_of(one.provided_by)}")
    else:
        packed = f"{human(one.packed_unzipped)} unzipped, {human(one.packed_zipped)} zipped"
        lines.append(f"  packed   {packed}")
    lines += [f"    {ledger_line(account)}" for account in one.ledger]
    lines.append(f"  without it {_freed(one)}")
    return "\n".join(lines)


def _freed(one: Explanation) -> str:
    if not one.freed_unzipped:
        return "nothing less would ship"
    unzipped, zipped = human(one.freed_unzipped), human(one.freed_zipped)
    others = one.freed[1:]
    along = f", with {', '.join(others)}" if others else ""
    return f"{unzipped} unzipped and {zipped} zipped less would ship{along}"
