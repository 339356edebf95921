"""Hashes a password and checks it."""

import bcrypt


def use() -> object:
    kept = bcrypt.hashpw(b"secret", b"$2b$04$abcdefghijklmnopqrstuu")
    return [kept.decode(), bcrypt.checkpw(b"secret", kept), bcrypt.kdf(b"a", b"salt", 16, 4).hex()]
