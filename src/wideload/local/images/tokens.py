"""What ``aws ecr get-login-password`` gives: passwords for the registry, good for half a day."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
import time
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

USER = "AWS"
LIFETIME = 12 * 3600
"""Seconds. https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html"""


class Registry(msgspec.Struct, frozen=True):
    """Whose registry it is, and where."""

    account: str
    region: str


class Tokens:
    """Makes them and knows them again. With the process that made them they end."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._key = secrets.token_bytes(32)
        self._clock = clock

    def make(self, registry: Registry) -> tuple[str, float]:
        """A password, and until when it is good, in seconds since 1970."""
        until = self._clock() + LIFETIME
        text = json.dumps([registry.account, registry.region, until]).encode()
        return base64.urlsafe_b64encode(self._seal(text) + text).decode(), until

    def registry(self, authorization: str) -> Registry | None:
        """Whose registry a request's Authorization header opens; nothing where it opens none."""
        scheme, _, encoded = authorization.partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
            sealed = base64.urlsafe_b64decode(password)
        except (binascii.Error, UnicodeDecodeError):
            return None
        seal, text = sealed[:32], sealed[32:]
        if user != USER or not hmac.compare_digest(seal, self._seal(text)):
            return None
        account, region, until = json.loads(text)
        return Registry(account, region) if self._clock() < until else None

    def _seal(self, text: bytes) -> bytes:
        return hmac.digest(self._key, text, hashlib.sha256)
