"""What was asked of the control plane, kept so that a restart can ask it again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wideload.local.database import Database


class Call(msgspec.Struct, frozen=True):
    """A request to the control plane whose signer is known."""

    service: str
    """As the credential scope names it."""
    account: str
    region: str
    method: str
    path: str
    """Percent-encoded."""
    query: str
    """Percent-encoded."""
    headers: dict[str, str]
    body: bytes
    access_key: str


class Entry(msgspec.Struct, frozen=True):
    """A call and the seed of the random numbers that its answer was made with."""

    call: Call
    seed: int
    status: int
    """Of the answer then; another one at replay is told in the log."""


class Journal:
    """Entries in the order in which they were made."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, entry: Entry) -> None:
        """Keep one more entry; it is on disk when this returns."""
        with self._database.writing() as connection:
            connection.execute(
                "INSERT INTO journal (entry) VALUES (?)", (msgspec.msgpack.encode(entry),)
            )

    def entries(self) -> Iterator[Entry]:
        """All entries, the oldest first."""
        decoder = msgspec.msgpack.Decoder(Entry)
        rows = self._database.reading().execute("SELECT entry FROM journal ORDER BY seq")
        for row in rows.fetchall():
            yield decoder.decode(row["entry"])
