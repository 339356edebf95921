"""Hashes a password and checks it."""

from argon2 import PasswordHasher, low_level
from argon2.exceptions import VerifyMismatchError


def use() -> object:
    hasher = PasswordHasher(time_cost=1, memory_cost=1024)
    kept = hasher.hash("secret", salt=bytes(16))
    try:
        hasher.verify(kept, "other")
    except VerifyMismatchError:
        return [kept, hasher.verify(kept, "secret"), low_level.ARGON2_VERSION]
    raise AssertionError
