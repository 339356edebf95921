"""The records of objects: which versions a key has, and where each one's bytes lie."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from wideload.local.database import Database
    from wideload.local.objects.files import Files

NULL = "null"
"""The version id of what was put while the bucket kept no versions."""


class StoredChecksum(msgspec.Struct, frozen=True):
    """A checksum as S3 tells it."""

    algorithm: str
    value: str
    type: str = "FULL_OBJECT"
    """or ``COMPOSITE``, of the parts' checksums."""


class Content(msgspec.Struct, frozen=True):
    """What is put under a key."""

    file: str | None
    """Nothing for a delete marker."""
    size: int
    etag: str
    """Without quotes."""
    headers: dict[str, str]
    """Lower-case names: what GetObject gives back."""
    checksum: StoredChecksum | None
    parts: tuple[int, ...] = ()
    """Sizes of the parts of a multipart upload."""
    tags: dict[str, str] = {}


class Version(msgspec.Struct, frozen=True):
    """One version of a key."""

    bucket: str
    key: str
    version: str
    latest: bool
    modified: float
    content: Content

    @property
    def is_marker(self) -> bool:
        """Whether it says that the key was deleted."""
        return self.content.file is None


class Versions:
    """The table of objects."""

    def __init__(self, database: Database, files: Files) -> None:
        self._database = database
        self._files = files

    def find(self, bucket: str, key: str, version: str | None = None) -> Version | None:
        """A version of a key, the latest by default; markers too."""
        return _find(self._database.reading(), bucket, key, version)

    def put(
        self,
        bucket: str,
        key: str,
        content: Content,
        versioning: str,
        check: Callable[[Version | None], None] = lambda _: None,
        also: Callable[[sqlite3.Connection], None] = lambda _: None,
    ) -> Version:
        """Make this the latest version. What it replaces is removed, bytes and all.

        :param check: called within the transaction with the latest version so far; what it
            raises undoes all.
        :param also: further writes of the same transaction.
        """
        version = secrets.token_urlsafe(24) if versioning == "Enabled" else NULL
        now = time.time()
        with self._database.writing() as connection:
            check(_find(connection, bucket, key, None))
            replaced = _find(connection, bucket, key, version)
            connection.execute(
                "DELETE FROM objects WHERE bucket = ? AND key = ? AND version = ?",
                (bucket, key, version),
            )
            connection.execute(
                "UPDATE objects SET latest = 0 WHERE bucket = ? AND key = ? AND latest",
                (bucket, key),
            )
            connection.execute(
                "INSERT INTO objects (bucket, key, version, latest, marker, file, size, etag,"
                " modified, headers, checksum, parts, tags)"
                " VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    bucket,
                    key,
                    version,
                    content.file is None,
                    content.file,
                    content.size,
                    content.etag,
                    now,
                    _text(content.headers),
                    _text(content.checksum),
                    _text(content.parts),
                    _text(content.tags),
                ),
            )
            also(connection)
        if replaced is not None:
            self._files.remove([replaced.content.file])
        return Version(bucket, key, version, True, now, content)

    def delete(self, bucket: str, key: str, version: str | None, versioning: str) -> Version | None:
        """Delete a key, or one version of it.

        Gives the marker that was put, or the version that was removed; nothing where there
        was nothing to do.
        """
        if version is None and versioning:
            marker = Content(file=None, size=0, etag="", headers={}, checksum=None)
            return self.put(bucket, key, marker, versioning)
        with self._database.writing() as connection:
            found = _find(connection, bucket, key, version or NULL)
            if found is None:
                return None
            connection.execute(
                "DELETE FROM objects WHERE bucket = ? AND key = ? AND version = ?",
                (bucket, key, found.version),
            )
            if found.latest:
                connection.execute(
                    "UPDATE objects SET latest = 1 WHERE seq = (SELECT max(seq) FROM objects"
                    " WHERE bucket = ? AND key = ?)",
                    (bucket, key),
                )
        self._files.remove([found.content.file])
        return found

    def set_tags(self, version: Version, tags: dict[str, str]) -> None:
        """Replace the tags of a version."""
        with self._database.writing() as connection:
            connection.execute(
                "UPDATE objects SET tags = ? WHERE bucket = ? AND key = ? AND version = ?",
                (_text(tags), version.bucket, version.key, version.version),
            )

    def files(self) -> set[str]:
        """The names of all files that hold an object's or a part's bytes."""
        connection = self._database.reading()
        rows = connection.execute(
            "SELECT file FROM objects WHERE file IS NOT NULL UNION SELECT file FROM parts"
        )
        return {row["file"] for row in rows}


def version_of(row: sqlite3.Row) -> Version:
    """The version that a row of the table tells of."""
    content = Content(
        file=row["file"],
        size=row["size"],
        etag=row["etag"],
        headers=msgspec.json.decode(row["headers"], type=dict[str, str]),
        checksum=msgspec.json.decode(row["checksum"], type=StoredChecksum | None),
        parts=msgspec.json.decode(row["parts"], type=tuple[int, ...]),
        tags=msgspec.json.decode(row["tags"], type=dict[str, str]),
    )
    return Version(
        row["bucket"], row["key"], row["version"], bool(row["latest"]), row["modified"], content
    )


def _find(
    connection: sqlite3.Connection, bucket: str, key: str, version: str | None
) -> Version | None:
    if version is None:
        row = connection.execute(
            "SELECT * FROM objects WHERE bucket = ? AND key = ? AND latest", (bucket, key)
        ).fetchone()
    else:
        row = connection.execute(
            "SELECT * FROM objects WHERE bucket = ? AND key = ? AND version = ?",
            (bucket, key, version),
        ).fetchone()
    return None if row is None else version_of(row)


def _text(value: Any) -> str:
    return msgspec.json.encode(value).decode()
