"""Listings in S3's order (keys by their UTF-8 bytes), page by page, folded at a delimiter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from wideload.local.objects.versions import Version, version_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wideload.local.database import Database

_BATCH = 500
# Sorts after every key that begins with what stands before it.
_AFTER_ALL = "\U0010ffff"
_ROWS = (
    "SELECT * FROM objects WHERE bucket = ? AND key >= ? AND (key > ? OR seq < ?)"
    " {only} ORDER BY key, seq DESC LIMIT ?"
)


class Page(msgspec.Struct, frozen=True):
    """One page of a listing."""

    versions: tuple[Version, ...]
    prefixes: tuple[str, ...]
    truncated: bool
    last_key: str
    """The key or common prefix with which the page ends."""
    last_version: str = ""


class Pages:
    """Reads listings from the table of objects."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def latest(self, bucket: str, prefix: str, delimiter: str, after: str, limit: int) -> Page:
        """Keys that are there now, after (and without) `after`."""
        query = _ROWS.format(only="AND latest AND NOT marker")
        return _fold(self._walk(query, bucket, prefix, delimiter, after, 0), limit)

    def versions(
        self, bucket: str, prefix: str, delimiter: str, after: str, version: str, limit: int
    ) -> Page:
        """All versions and markers, of each key the newest first, after this version of `after`.

        Without a version the listing goes on after all versions of `after`.
        """
        row = (
            self._database.reading()
            .execute(
                "SELECT seq FROM objects WHERE bucket = ? AND key = ? AND version = ?",
                (bucket, after, version),
            )
            .fetchone()
        )
        before = 0 if row is None else row["seq"]
        query = _ROWS.format(only="")
        return _fold(self._walk(query, bucket, prefix, delimiter, after, before), limit)

    def _walk(
        self, query: str, bucket: str, prefix: str, delimiter: str, after: str, before: int
    ) -> Iterator[Version | str]:
        """Versions, and where a delimiter folds them, common prefixes.

        The walk begins after the versions of `after` that are not older than `before`.
        """
        folded = _common_prefix(after, prefix, delimiter)
        if folded is not None:
            # What lies below a prefix that a page ended with has been listed with it.
            after, before = folded + _AFTER_ALL, 0
        connection = self._database.reading()
        while True:
            start = max(after, prefix)
            rows = connection.execute(query, (bucket, start, after, before, _BATCH)).fetchall()
            for row in rows:
                key: str = row["key"]
                if not key.startswith(prefix):
                    return
                folded = _common_prefix(key, prefix, delimiter)
                if folded is not None:
                    yield folded
                    after, before = folded + _AFTER_ALL, 0
                    break
                after, before = key, row["seq"]
                yield version_of(row)
            else:
                if len(rows) < _BATCH:
                    return


def _common_prefix(key: str, prefix: str, delimiter: str) -> str | None:
    if not delimiter or not key.startswith(prefix):
        return None
    end = key.find(delimiter, len(prefix))
    return None if end < 0 else key[: end + len(delimiter)]


def _fold(walk: Iterator[Version | str], limit: int) -> Page:
    versions: list[Version] = []
    prefixes: list[str] = []
    last_key = last_version = ""
    for found in walk:
        if len(versions) + len(prefixes) == limit:
            return Page(tuple(versions), tuple(prefixes), limit > 0, last_key, last_version)
        if isinstance(found, str):
            prefixes.append(found)
            last_key, last_version = found, ""
        else:
            versions.append(found)
            last_key, last_version = found.key, found.version
    return Page(tuple(versions), tuple(prefixes), False, last_key, last_version)
