"""The records of multipart uploads under way."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

import msgspec

from wideload.local.checksums import Algorithm
from wideload.local.faults import Fault
from wideload.local.objects.versions import StoredChecksum

if TYPE_CHECKING:
    import sqlite3

    from wideload.local.database import Database
    from wideload.local.objects.files import Files


class Part(msgspec.Struct, frozen=True):
    """One part that was uploaded."""

    number: int
    file: str
    size: int
    etag: str
    checksum: StoredChecksum
    modified: float


class Upload(msgspec.Struct, frozen=True):
    """A multipart upload under way."""

    id: str
    bucket: str
    key: str
    initiated: float
    headers: dict[str, str]
    algorithm: Algorithm | None
    """Of its parts' checksums; nothing where the client left it open."""
    checksum_type: str
    tags: dict[str, str]

    @property
    def kept_algorithm(self) -> Algorithm:
        """Of the checksums that are kept of its parts."""
        return self.algorithm or Algorithm.CRC64NVME


class Uploads:
    """The tables of uploads and their parts."""

    def __init__(self, database: Database, files: Files) -> None:
        self._database = database
        self._files = files

    def begin(
        self,
        bucket: str,
        key: str,
        headers: dict[str, str],
        algorithm: Algorithm | None,
        checksum_type: str,
        tags: dict[str, str],
    ) -> Upload:
        """A new upload without parts."""
        upload = Upload(
            secrets.token_urlsafe(48), bucket, key, time.time(), headers, algorithm,
            checksum_type, tags,
        )  # fmt: skip
        with self._database.writing() as connection:
            connection.execute(
                "INSERT INTO uploads (id, bucket, key, initiated, headers, algorithm,"
                " checksum_type, tags) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    upload.id,
                    bucket,
                    key,
                    upload.initiated,
                    msgspec.json.encode(headers).decode(),
                    algorithm or "",
                    checksum_type,
                    msgspec.json.encode(tags).decode(),
                ),
            )
        return upload

    def get(self, bucket: str, key: str, upload_id: str) -> Upload:
        """The upload of this id.

        :raises Fault: NoSuchUpload.
        """
        row = (
            self._database.reading()
            .execute(
                "SELECT * FROM uploads WHERE id = ? AND bucket = ? AND key = ?",
                (upload_id, bucket, key),
            )
            .fetchone()
        )
        if row is None:
            raise no_such_upload(upload_id)
        return _upload(row)

    def of_bucket(self, bucket: str, prefix: str) -> list[Upload]:
        """A bucket's uploads by key, then by age."""
        rows = self._database.reading().execute(
            "SELECT * FROM uploads WHERE bucket = ? ORDER BY key, initiated", (bucket,)
        )
        return [_upload(row) for row in rows if row["key"].startswith(prefix)]

    def put_part(self, upload: Upload, part: Part) -> None:
        """Keep a part in place of one of the same number.

        :raises Fault: NoSuchUpload: it was completed or aborted meanwhile.
        """
        with self._database.writing() as connection:
            if not connection.execute(
                "SELECT 1 FROM uploads WHERE id = ?", (upload.id,)
            ).fetchone():
                raise no_such_upload(upload.id)
            old = connection.execute(
                "SELECT file FROM parts WHERE upload = ? AND number = ?", (upload.id, part.number)
            ).fetchone()
            connection.execute(
                "INSERT OR REPLACE INTO parts (upload, number, file, size, etag, checksum,"
                " modified) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    upload.id,
                    part.number,
                    part.file,
                    part.size,
                    part.etag,
                    msgspec.json.encode(part.checksum).decode(),
                    part.modified,
                ),
            )
        if old is not None:
            self._files.remove([old["file"]])

    def parts(self, upload: Upload) -> list[Part]:
        """The parts by number."""
        rows = self._database.reading().execute(
            "SELECT * FROM parts WHERE upload = ? ORDER BY number", (upload.id,)
        )
        return [
            Part(
                row["number"],
                row["file"],
                row["size"],
                row["etag"],
                msgspec.json.decode(row["checksum"], type=StoredChecksum),
                row["modified"],
            )
            for row in rows
        ]

    def abort(self, upload: Upload) -> None:
        """End an upload and remove its parts."""
        parts = self.parts(upload)
        with self._database.writing() as connection:
            end(connection, upload)
        self._files.remove([part.file for part in parts])


def end(connection: sqlite3.Connection, upload: Upload) -> None:
    """Remove the records of an upload, within somebody's transaction.

    :raises Fault: NoSuchUpload: another request ended it first.
    """
    if not connection.execute("DELETE FROM uploads WHERE id = ?", (upload.id,)).rowcount:
        raise no_such_upload(upload.id)
    connection.execute("DELETE FROM parts WHERE upload = ?", (upload.id,))


def no_such_upload(upload_id: str) -> Fault:
    """What S3 says of an upload that is not there."""
    return Fault(
        "NoSuchUpload",
        "The specified upload does not exist. The upload ID may be invalid, or the upload may "
        "have been aborted or completed.",
        404,
        details={"UploadId": upload_id},
    )


def _upload(row: sqlite3.Row) -> Upload:
    return Upload(
        row["id"],
        row["bucket"],
        row["key"],
        row["initiated"],
        msgspec.json.decode(row["headers"], type=dict[str, str]),
        Algorithm(row["algorithm"]) if row["algorithm"] else None,
        row["checksum_type"],
        msgspec.json.decode(row["tags"], type=dict[str, str]),
    )
