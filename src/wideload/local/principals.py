"""Whose keys are whose: account roots and sessions of our own, IAM users by way of IAM."""

from __future__ import annotations

import secrets
import string
import time
from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    import sqlite3

    from wideload.local.database import Database

DEFAULT_ACCOUNT = "123456789012"

_LETTERS = string.ascii_uppercase + "234567"
_SECRET = string.ascii_letters + string.digits


class Principal(msgspec.Struct, frozen=True):
    """Somebody who may call."""

    account: str
    arn: str
    user_id: str
    role_arn: str | None = None
    """Of the role whose session it is."""
    policy: str | None = None
    """JSON of a session policy, which narrows what the role may."""

    @property
    def is_root(self) -> bool:
        """Whether it is the account itself, which may all."""
        return self.arn.endswith(":root")


class Key(msgspec.Struct, frozen=True):
    """An access key and what hangs on it."""

    id: str
    secret: str
    principal: Principal
    token: str | None = None
    """Of a session."""
    expires: float | None = None
    """Seconds since 1970."""


class UserKeys(Protocol):
    """The access keys that IAM gave to users."""

    def find(self, access_key: str) -> Key | None:
        """The key of this id; nothing where there is none or it is inactive."""
        ...


def root_arn(account: str) -> str:
    """The ARN of the account itself."""
    return f"arn:aws:iam::{account}:root"


class Keyring:
    """All keys that may sign. Sessions outlive a restart."""

    def __init__(self, database: Database, users: UserKeys | None = None) -> None:
        self._database = database
        self._users = users

    def root(self, account: str = DEFAULT_ACCOUNT) -> Key:
        """The root key of an account, made the first time it is asked for."""
        query = "SELECT * FROM access_keys WHERE arn = ?"
        row = self._database.reading().execute(query, (root_arn(account),)).fetchone()
        if row is None:
            with self._database.writing() as connection:
                row = connection.execute(query, (root_arn(account),)).fetchone()
                if row is None:
                    principal = Principal(account, root_arn(account), account)
                    key = Key(_key_id("AKIA"), _random(_SECRET, 40), principal)
                    _insert(connection, key)
                    return key
        return _key(row)

    def session(self, principal: Principal, seconds: float) -> Key:
        """New keys of a session that ends after so many seconds."""
        key = Key(
            id=_key_id("ASIA"),
            secret=_random(_SECRET, 40),
            principal=principal,
            token=_random(_SECRET, 180),
            expires=time.time() + seconds,
        )
        with self._database.writing() as connection:
            # A day's grace, in which an expired key is still told from an unknown one.
            connection.execute("DELETE FROM access_keys WHERE expires < ?", (time.time() - 86400,))
            _insert(connection, key)
        return key

    def find(self, access_key: str) -> Key | None:
        """The key of this id, be it expired; nothing where there is none."""
        row = (
            self._database.reading()
            .execute("SELECT * FROM access_keys WHERE id = ?", (access_key,))
            .fetchone()
        )
        if row is not None:
            return _key(row)
        return None if self._users is None else self._users.find(access_key)


def _key_id(prefix: str) -> str:
    return prefix + _random(_LETTERS, 16)


def _random(alphabet: str, length: int) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(length))


def _insert(connection: sqlite3.Connection, key: Key) -> None:
    principal = key.principal
    connection.execute(
        "INSERT INTO access_keys (id, secret, token, account, arn, user_id, role_arn, policy,"
        " expires) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            key.id,
            key.secret,
            key.token,
            principal.account,
            principal.arn,
            principal.user_id,
            principal.role_arn,
            principal.policy,
            key.expires,
        ),
    )


def _key(row: sqlite3.Row) -> Key:
    return Key(
        id=row["id"],
        secret=row["secret"],
        principal=Principal(
            row["account"], row["arn"], row["user_id"], row["role_arn"], row["policy"]
        ),
        token=row["token"],
        expires=row["expires"],
    )
