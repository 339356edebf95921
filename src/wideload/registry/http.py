"""Requests to one registry: logins, retries, redirects; answers that are refusals."""

from __future__ import annotations

import base64
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any

import msgspec

from wideload.errors import WideloadError
from wideload.registry.challenge import (
    Basic,
    Bearer,
    Credentials,
    is_loopback,
    parse_challenge,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import urllib3

_SENT_AGAIN = ("GET", "HEAD")


class UnreachableError(WideloadError):
    """The connection failed or broke, or the registry is not well: it may go another time."""


class _Token(msgspec.Struct):
    token: str = ""
    access_token: str = ""


class _Error(msgspec.Struct):
    code: str = ""
    message: str = ""


class _Errors(msgspec.Struct):
    errors: tuple[_Error, ...] = ()


class RegistryHttp:
    """A thread-safe client of one registry.

    :param host: with its port where one is named. One on loopback is spoken to without TLS, as
        Docker does.
    :param hasty: wait a second for a connection, not several times a quarter of a minute.
    """

    def __init__(
        self, host: str, credentials: Credentials | None = None, *, hasty: bool = False
    ) -> None:
        self.host = host
        self._hasty = hasty
        self._credentials = credentials
        self.root = f"{'http' if is_loopback(host) else 'https'}://{host}"
        self._logins: dict[str, str] = {}
        """The Authorization header by what is done where: a repository, and whether to write."""
        self._login_lock = Lock()

    @cached_property
    def _pool(self) -> urllib3.PoolManager:
        import ssl  # noqa: PLC0415
        from urllib.request import getproxies, proxy_bypass  # noqa: PLC0415

        import urllib3  # noqa: PLC0415

        options: dict[str, Any] = {
            "maxsize": 8,
            "ssl_context": ssl.create_default_context(),
            # A registry digests a whole blob before it answers the last request of an upload.
            "timeout": urllib3.Timeout(connect=1, read=3)
            if self._hasty
            else urllib3.Timeout(connect=15, read=300),
        }
        proxy = getproxies().get(self.root.partition(":")[0], "")
        if proxy.startswith(("http://", "https://")) and not proxy_bypass(self.host):
            return urllib3.ProxyManager(proxy, **options)
        return urllib3.PoolManager(**options)

    def request(
        self,
        method: str,
        path: str,
        scope: str,
        *,
        accepted: Collection[int] = (),
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> urllib3.BaseHTTPResponse:
        """An answer whose body is still to be read; :func:`urllib3` releases it once it is.

        :param path: below the registry's root, or a whole URL of the registry's own choice.
        :param scope: names what is done where: logins are kept by it.
        :param accepted: statuses of 400 and more that the caller knows to take.
        :raises UnreachableError: the connection failed or broke, or the registry is not well.
        :raises WideloadError: the registry refuses, or wants another login.
        """
        url = path if path.startswith(("http://", "https://")) else f"{self.root}{path}"
        response = self._send(method, url, scope, headers, body)
        if response.status == 401:
            response.drain_conn()
            self._login(scope, response.headers.get("www-authenticate", ""))
            response = self._send(method, url, scope, headers, body)
        if response.status >= 400 and response.status not in accepted:
            raise self._refused(method, url, response)
        return response

    def unreachable(self, error: Exception) -> UnreachableError:
        """The error to raise where a connection fails or breaks."""
        return UnreachableError(
            f"the registry {self.host} could not be reached",
            why=str(error),
            hint="check the network, the proxy settings and the registry's name",
        )

    def _send(
        self,
        method: str,
        url: str,
        scope: str,
        headers: Mapping[str, str] | None,
        body: bytes | None,
    ) -> urllib3.BaseHTTPResponse:
        import urllib3  # noqa: PLC0415

        sent = {"accept-encoding": "identity", **(headers or {})}
        # Storage that the registry hands over to by a URL is not told who one is: of requests
        # that follow a redirect to another host urllib3 itself takes the login away.
        if url.startswith(f"{self.root}/") and scope in self._logins:
            sent["authorization"] = self._logins[scope]
        again = method in _SENT_AGAIN
        retries = urllib3.Retry(
            total=4 if again else 0,
            connect=0 if self._hasty else 2,
            read=0 if self._hasty else None,
            status=0 if self._hasty else None,
            redirect=5 if again else 0,
            backoff_factor=0.3,
            status_forcelist=(429, 500, 502, 503, 504) if again else (),
            raise_on_status=False,
        )
        try:
            return self._pool.request(
                method,
                url,
                headers=sent,
                body=body,
                preload_content=False,
                retries=retries,
                redirect=again,
            )
        except (urllib3.exceptions.HTTPError, ValueError) as error:
            raise self.unreachable(error) from error

    def _login(self, scope: str, header: str) -> None:
        with self._login_lock:
            match parse_challenge(self.host, header):
                case Basic():
                    if self._credentials is None:
                        raise self._nobody("it asks for a name and a password")
                    self._logins[scope] = _basic(self._credentials)
                case Bearer() as bearer:
                    self._logins[scope] = f"Bearer {self._fetched(bearer)}"

    def _fetched(self, bearer: Bearer) -> str:
        import urllib3  # noqa: PLC0415

        headers = {"accept": "application/json"}
        if self._credentials:
            headers["authorization"] = _basic(self._credentials)
        try:
            answer = self._pool.request(
                "GET", bearer.url, headers=headers, retries=0 if self._hasty else 3
            )
        except urllib3.exceptions.HTTPError as error:
            raise self.unreachable(error) from error
        if answer.status in (401, 403):
            raise self._nobody(f"{bearer.realm} answered HTTP {answer.status}")
        try:
            found = msgspec.json.decode(answer.data, type=_Token)
        except msgspec.MsgspecError:
            found = _Token()
        token = found.token or found.access_token
        if answer.status >= 400 or not token:
            raise WideloadError(
                f"the registry {self.host} gave no token",
                why=f"{bearer.realm} answered HTTP {answer.status}",
                hint="try again later",
            )
        return token

    def _nobody(self, why: str) -> WideloadError:
        hint = "give a name and a password for it"
        if self._credentials:
            hint = "the name and the password that it was given are not the right ones"
        return WideloadError(f"the registry {self.host} refused the login", why=why, hint=hint)

    def _refused(self, method: str, url: str, response: urllib3.BaseHTTPResponse) -> WideloadError:
        try:
            errors = msgspec.json.decode(response.data, type=_Errors).errors
        except msgspec.MsgspecError:
            errors = ()
        words = "; ".join(f"{one.code}: {one.message}" for one in errors)
        if response.status in (401, 403):
            return self._nobody(words or f"HTTP {response.status}")
        path = url.partition("?")[0].removeprefix(self.root)
        hint = "check the image's name" if response.status == 404 else "try again later"
        passing = response.status == 429 or response.status >= 500
        return (UnreachableError if passing else WideloadError)(
            f"the registry {self.host} refused {method} {path}",
            why=f"HTTP {response.status} {words}".rstrip(),
            hint=hint,
        )


def _basic(credentials: Credentials) -> str:
    pair = f"{credentials.username}:{credentials.password}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"
