"""Buckets: names, owners, and whether they keep old versions."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec

from wideload.local.faults import Fault

if TYPE_CHECKING:
    import sqlite3

    from wideload.local.database import Database


class Bucket(msgspec.Struct, frozen=True):
    """One bucket."""

    name: str
    account: str
    region: str
    created: float
    versioning: str
    """Empty (never switched on), ``Enabled`` or ``Suspended``."""


def no_such_bucket(name: str) -> Fault:
    """What S3 says of a bucket that is not there."""
    return Fault(
        "NoSuchBucket", "The specified bucket does not exist", 404, details={"BucketName": name}
    )


class Buckets:
    """The table of buckets."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, name: str) -> Bucket | None:
        """The bucket of this name; nothing where there is none."""
        row = (
            self._database.reading()
            .execute("SELECT * FROM buckets WHERE name = ?", (name,))
            .fetchone()
        )
        return None if row is None else _bucket(row)

    def get(self, name: str) -> Bucket:
        """The bucket of this name.

        :raises Fault: NoSuchBucket.
        """
        bucket = self.find(name)
        if bucket is None:
            raise no_such_bucket(name)
        return bucket

    def of_account(self, account: str) -> list[Bucket]:
        """An account's buckets by name."""
        rows = self._database.reading().execute(
            "SELECT * FROM buckets WHERE account = ? ORDER BY name", (account,)
        )
        return [_bucket(row) for row in rows]

    def add(self, name: str, account: str, region: str) -> None:
        """Add a bucket; it keeps no versions."""
        with self._database.writing() as connection:
            connection.execute(
                "INSERT INTO buckets (name, account, region, created) VALUES (?, ?, ?, ?)",
                (name, account, region, time.time()),
            )

    def remove(self, name: str) -> None:
        """Remove a bucket and its unfinished uploads' records.

        :raises Fault: BucketNotEmpty, also where only old versions or markers are left.
        """
        with self._database.writing() as connection:
            if connection.execute(
                "SELECT 1 FROM objects WHERE bucket = ? LIMIT 1", (name,)
            ).fetchone():
                raise Fault(
                    "BucketNotEmpty",
                    "The bucket you tried to delete is not empty",
                    409,
                    details={"BucketName": name},
                )
            connection.execute(
                "DELETE FROM parts WHERE upload IN (SELECT id FROM uploads WHERE bucket = ?)",
                (name,),
            )
            connection.execute("DELETE FROM uploads WHERE bucket = ?", (name,))
            connection.execute("DELETE FROM buckets WHERE name = ?", (name,))

    def set_versioning(self, name: str, status: str) -> None:
        """Switch the keeping of versions to ``Enabled`` or ``Suspended``."""
        with self._database.writing() as connection:
            connection.execute("UPDATE buckets SET versioning = ? WHERE name = ?", (status, name))


def _bucket(row: sqlite3.Row) -> Bucket:
    return Bucket(row["name"], row["account"], row["region"], row["created"], row["versioning"])
