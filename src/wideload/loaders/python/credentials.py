"""The keys of the function's role, wherever Lambda puts them."""

# ruff: noqa: PTH123 - importing pathlib would take longer than all that is done here

from __future__ import annotations

import http.client
import ipaddress
import json
import threading
import time
from urllib.parse import urlsplit

from .trouble import BundleError

_SOON_S = 60
_TIMEOUT_S = 2.0
_TRIES = 4
# https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
_HOSTS = ("169.254.170.2", "169.254.170.23", "fd00:ec2::23", "localhost")


class Keys:
    """An access key, its secret and the session's token (empty where there is none)."""

    def __init__(self, access: str, secret: str, token: str, expires: float = 0) -> None:
        self.access, self.secret, self.token = access, secret, token
        self.expires = expires
        """Seconds since the epoch; 0 where it is not told."""


class Keyring:
    """Reads the keys when they are first wanted, and again when they no longer open."""

    def __init__(self, environ: dict[str, str]) -> None:
        self._environ = environ
        self._lock = threading.Lock()
        self._keys: Keys | None = None

    def keys(self) -> Keys:
        """Keys that should be good.

        :raises BundleError: there are none.
        """
        with self._lock:
            keys = self._keys
            if keys is None or (keys.expires and keys.expires - time.time() < _SOON_S):
                keys = self._keys = self._read()
            return keys

    def forget(self, refused: Keys) -> None:
        """Keys that S3 no longer takes: the next are read anew."""
        with self._lock:
            if self._keys is refused:
                self._keys = None

    def _read(self) -> Keys:
        environ = self._environ
        access = environ.get("AWS_ACCESS_KEY_ID")
        if access:
            return Keys(
                access,
                environ.get("AWS_SECRET_ACCESS_KEY", ""),
                environ.get("AWS_SESSION_TOKEN", ""),
            )
        # So with SnapStart, where keys must not be part of the snapshot.
        full = environ.get("AWS_CONTAINER_CREDENTIALS_FULL_URI", "")
        relative = environ.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "")
        url = f"http://169.254.170.2{relative}" if relative else full
        if not url:
            raise BundleError(
                "there are no credentials to read the bundle with",
                "neither AWS_ACCESS_KEY_ID nor AWS_CONTAINER_CREDENTIALS_FULL_URI is set",
                "give the function an execution role",
            )
        return self._ask(url)

    def _ask(self, url: str) -> Keys:
        why = ""
        for attempt in range(_TRIES):
            if attempt:
                time.sleep(0.05 * 2**attempt)
            try:
                return self._answer(url)
            except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
                why = f"{type(error).__name__}: {error}"
        raise BundleError("the credentials' endpoint does not answer", f"{url}: {why}")

    def _answer(self, url: str) -> Keys:
        parts = urlsplit(url)
        host = parts.hostname or ""
        connection: http.client.HTTPConnection
        if parts.scheme == "https":
            connection = http.client.HTTPSConnection(host, parts.port, timeout=_TIMEOUT_S)
        elif host in _HOSTS or _is_loopback(host):
            connection = http.client.HTTPConnection(host, parts.port, timeout=_TIMEOUT_S)
        else:
            raise BundleError("the credentials' endpoint is not on this machine", url)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        try:
            connection.request("GET", target or "/", headers=self._authorization())
            reply = connection.getresponse()
            body = reply.read()
        finally:
            connection.close()
        if reply.status != 200:
            raise ValueError(f"status {reply.status}")
        read = json.loads(body)
        return Keys(
            read["AccessKeyId"],
            read["SecretAccessKey"],
            read.get("Token") or "",
            _epoch(read.get("Expiration") or ""),
        )

    def _authorization(self) -> dict[str, str]:
        path = self._environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
        token = self._environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN", "")
        if path:
            with open(path, encoding="ascii") as file:
                token = file.read().strip()
        return {"Authorization": token} if token else {}


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _epoch(date: str) -> float:
    import calendar  # noqa: PLC0415 (rarely wanted)

    try:
        return calendar.timegm(time.strptime(date[:19], "%Y-%m-%dT%H:%M:%S"))
    except ValueError:
        return 0
