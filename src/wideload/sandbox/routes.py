"""Ways out of an environment's own network: the embedded AWS and the hosts that are allowed."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

import msgspec

from wideload.errors import WideloadError

EVERYTHING = "*"
"""In `EnvironmentSpec.network`: the network of this machine, as it is."""
_WEB_PORTS = (80, 443)


class Route(msgspec.Struct, frozen=True):
    """An address inside whose connections are carried to one outside."""

    inside: tuple[str, int]
    outside: tuple[str, int]
    name: str = ""
    """What the address is called inside, beside its number."""


def routes(endpoint: str, network: tuple[str, ...]) -> list[Route]:
    """The routes of an environment with a network of its own.

    The endpoint is reached under the same URL. A host is reached by its name, at the port
    given after a colon or else at 80 and 443: the name stands for a loopback address inside,
    so TLS and Host headers are as they would be. Other than by TCP nothing is reached.

    :raises WideloadError: an entry is not a host name with at most a port, or the endpoint is
        not on the loopback interface.
    """
    found = []
    if endpoint:
        parts = urlsplit(endpoint)
        if parts.hostname not in ("127.0.0.1", "localhost") or not parts.port:
            raise WideloadError(
                f"the endpoint {endpoint!r} cannot be reached from a sandbox",
                why="it is to be http://127.0.0.1:PORT",
            )
        address = ("127.0.0.1", parts.port)
        found.append(Route(address, address))
    for number, entry in enumerate(dict.fromkeys(network), start=1):
        host, _, port = entry.partition(":")
        if not _is_name(host) or (":" in entry and not port.isdigit()):
            raise WideloadError(
                f"the network cannot be opened for {entry!r}",
                why="an entry is the name of a host, with `:PORT` after it unless it is 80 or "
                "443, or `*` for everything; numeric addresses and patterns are not supported",
                hint='for example network = ["api.example.com", "db.example.com:5432"]',
            )
        address_ = f"127.1.{number >> 8}.{number & 255}"
        found += [
            Route((address_, each), (host, each), host)
            for each in ([int(port)] if port else _WEB_PORTS)
        ]
    return found


def _is_name(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return bool(host) and all(
            label and label.replace("-", "").replace("_", "").isalnum() for label in host.split(".")
        )
    return False
