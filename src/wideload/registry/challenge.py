"""What a registry that answers 401 wants to see: ``WWW-Authenticate``, taken apart.

RFC 9110, section 11; of Bearer the parameters of
https://distribution.github.io/distribution/spec/auth/token/.
"""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

import msgspec

from wideload.errors import WideloadError

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Credentials(msgspec.Struct, frozen=True):
    """A name and a password; of ECR ``AWS`` and what GetAuthorizationToken gives."""

    username: str
    password: str

    def __repr__(self) -> str:
        return f"Credentials({self.username!r}, …)"


class Bearer(msgspec.Struct, frozen=True):
    """A token is to be fetched."""

    realm: str
    service: str
    scope: str

    @property
    def url(self) -> str:
        """Where it is fetched."""
        pairs = [("service", self.service)] if self.service else []
        # Several repositories (a blob that is mounted from one to another) are so many scopes.
        pairs += [("scope", one) for one in self.scope.split()]
        joint = "&" if urlsplit(self.realm).query else "?"
        return f"{self.realm}{joint}{urlencode(pairs)}" if pairs else self.realm


class Basic(msgspec.Struct, frozen=True):
    """Name and password themselves are to be sent."""


def is_loopback(host: str) -> bool:
    """Whether a host, with or without a port, is this machine by its very name."""
    return (urlsplit(f"//{host}").hostname or "") in _LOOPBACK


def parse_challenge(host: str, header: str) -> Bearer | Basic:
    """What is wanted.

    :raises WideloadError: it is something unknown, or a token's realm that a password must not
        be sent to.
    """
    # It brings all of HTTP along, which a plan that asks nobody does not need.
    from urllib.request import parse_http_list, parse_keqv_list  # noqa: PLC0415

    scheme, _, rest = header.strip().partition(" ")
    if scheme.lower() == "basic":
        return Basic()
    if scheme.lower() == "bearer":
        try:
            values = parse_keqv_list(parse_http_list(rest))
        except ValueError:
            values = {}
        realm = values.get("realm", "")
        parts = urlsplit(realm)
        if parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.netloc)):
            return Bearer(realm, values.get("service", ""), values.get("scope", ""))
    raise WideloadError(
        f"the registry {host} asks for a login that is not known",
        why=f"it answered WWW-Authenticate: {header}" if header else "it does not say which",
        hint="check the registry's name",
    )
