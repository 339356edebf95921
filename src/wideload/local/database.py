"""The one database of a state folder: keys, buckets, objects and the control plane's journal."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from wideload.errors import WideloadError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_VERSION = 1
_SCHEMA = """
CREATE TABLE access_keys (
    id TEXT PRIMARY KEY, secret TEXT NOT NULL, token TEXT, account TEXT NOT NULL,
    arn TEXT NOT NULL, user_id TEXT NOT NULL, role_arn TEXT, policy TEXT, expires REAL);
CREATE TABLE buckets (
    name TEXT PRIMARY KEY, account TEXT NOT NULL, region TEXT NOT NULL, created REAL NOT NULL,
    versioning TEXT NOT NULL DEFAULT '');
CREATE TABLE objects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    bucket TEXT NOT NULL, key TEXT NOT NULL, version TEXT NOT NULL, latest INTEGER NOT NULL,
    marker INTEGER NOT NULL, file TEXT, size INTEGER NOT NULL, etag TEXT NOT NULL,
    modified REAL NOT NULL, headers TEXT NOT NULL, checksum TEXT NOT NULL, parts TEXT NOT NULL,
    tags TEXT NOT NULL);
CREATE UNIQUE INDEX objects_version ON objects (bucket, key, version);
CREATE UNIQUE INDEX objects_latest ON objects (bucket, key) WHERE latest;
CREATE TABLE uploads (
    id TEXT PRIMARY KEY, bucket TEXT NOT NULL, key TEXT NOT NULL, initiated REAL NOT NULL,
    headers TEXT NOT NULL, algorithm TEXT NOT NULL, checksum_type TEXT NOT NULL,
    tags TEXT NOT NULL);
CREATE TABLE parts (
    upload TEXT NOT NULL, number INTEGER NOT NULL, file TEXT NOT NULL, size INTEGER NOT NULL,
    etag TEXT NOT NULL, checksum TEXT NOT NULL, modified REAL NOT NULL,
    PRIMARY KEY (upload, number));
CREATE TABLE journal (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, entry BLOB NOT NULL);
"""


class Database:
    """SQLite in WAL mode: many readers, one writer, safe against a kill at any point."""

    def __init__(self, path: Path) -> None:
        """Open the database at `path`, creating it where there is none.

        :raises WideloadError: another version of wideload wrote it, or it is damaged.
        """
        self._path = path
        self._local = threading.local()
        try:
            with self.writing() as connection:
                version = connection.execute("PRAGMA user_version").fetchone()[0]
                if version == 0:
                    for statement in _SCHEMA.split(";"):
                        connection.execute(statement)
                    connection.execute(f"PRAGMA user_version = {_VERSION}")
        except sqlite3.DatabaseError as error:
            raise WideloadError(
                "the state of the embedded AWS cannot be read",
                why=f"{path}: {error}",
                hint=f"take {path.parent} away to start with an empty one",
            ) from error
        if version not in (0, _VERSION):
            raise WideloadError(
                "the state of the embedded AWS is of another version of wideload",
                why=f"{path} is of format {version}, this version writes {_VERSION}",
                hint=f"take {path.parent} away to start with an empty one",
            )

    def reading(self) -> sqlite3.Connection:
        """This thread's connection; each statement sees what was committed before it."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self._path, timeout=30, isolation_level=None)
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            self._local.connection = connection
        return connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: all of it or, if the block raises, nothing. Not to be nested."""
        connection = self.reading()
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
