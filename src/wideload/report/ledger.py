"""The ledger as lines for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wideload.report.sizes import human

if TYPE_CHECKING:
    from wideload.values.account import Account


def ledger_line(account: Account) -> str:
    """What a rule did: ``left out by tests/1: 494 files, 6.9 MB (part of a test suite)``."""
    count = f"{account.files:,} file{'' if account.files == 1 else 's'}"
    size = human(abs(account.saved_unzipped))
    less = " less" if account.change == "made smaller" else ""
    why = f" ({account.reason})" if account.reason else ""
    return f"{account.change} by {account.rule}: {count}, {size}{less}{why}"
