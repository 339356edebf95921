"""A request whose signer is known."""

from __future__ import annotations

import msgspec

from wideload.local.principals import Key, Principal
from wideload.local.signature import Claim


class Caller(msgspec.Struct, frozen=True):
    """Who calls, and what his signature covers."""

    key: Key
    claim: Claim
    payload: str
    """The SHA-256 of the body that was signed, or the name of what stands for it."""

    @property
    def principal(self) -> Principal:
        """The signer."""
        return self.key.principal
