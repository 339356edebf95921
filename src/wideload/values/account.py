"""The ledger summed up by rule, for a person to read."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wideload.values.proposal import Removal
    from wideload.values.slimmed import Addition

Change = Literal["left out", "made smaller", "added"]


class Account(msgspec.Struct, frozen=True):
    """What one rule did to files, of the ledger."""

    rule: str
    change: Change
    reason: str
    """Of the most bytes."""
    files: int
    saved_unzipped: int
    """Bytes; below zero where files are added."""
    saved_zipped: int


def accounts(
    removals: Iterable[Removal], additions: Iterable[Addition], makers: Mapping[str, str]
) -> tuple[Account, ...]:
    """The ledger by rule and kind of change, what saves most first.

    :param makers: of files that ship, by path, the rule that made what is in them. A file that
        was changed stands among the removals, as one that went does, and is still there, made
        by that rule.
    """
    lines: list[tuple[tuple[str, Change], str, int, int]] = []
    for one in removals:
        change: Change = "made smaller" if makers.get(one.path) == one.rule else "left out"
        lines.append(((one.rule, change), one.reason, one.saved_unzipped, one.saved_zipped))
    for new in additions:
        lines.append(((new.rule, "added"), new.reason, -new.unzipped_bytes, -new.zipped_bytes))
    files = Counter(key for key, *_ in lines)
    unzipped, zipped = Counter[tuple[str, Change]](), Counter[tuple[str, Change]]()
    reasons: dict[tuple[str, Change], Counter[str]] = {key: Counter() for key in files}
    for key, reason, saved, saved_zipped in lines:
        unzipped[key] += saved
        zipped[key] += saved_zipped
        reasons[key][reason] += abs(saved)
    found = [
        Account(
            *key,
            reason=max(told, key=lambda why: (told[why], why)),
            files=files[key],
            saved_unzipped=unzipped[key],
            saved_zipped=zipped[key],
        )
        for key, told in reasons.items()
    ]
    return tuple(sorted(found, key=lambda one: (-one.saved_unzipped, one.rule, one.change)))
