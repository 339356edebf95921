"""Fetching from package indexes: connection pools, proxies, retries.

urllib3 is loaded with the first request: a plan that knows all its wheels makes none.
"""

from __future__ import annotations

import ssl
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from wideload.errors import WideloadError
from wideload.resolve.credentials import without_credentials

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import urllib3


LOGIN = (
    "give the index's credentials as for uv: in its URL, UV_INDEX_*_USERNAME and _PASSWORD, or "
    "netrc"
)


class Headers(Protocol):
    """Whoever knows how to log in."""

    def headers(self, url: str) -> dict[str, str]:
        """An ``authorization`` header for this URL, or none."""
        ...


class Http:
    """A thread-safe client of package indexes that counts the bytes it is sent.

    :param credentials: asked for each URL.
    :param login: what to do where an index asks who one is.
    """

    def __init__(self, credentials: Headers, login: str = LOGIN) -> None:
        self._credentials = credentials
        self._login = login
        self.received = 0
        """Bytes of bodies so far."""
        self._counting = Lock()

    @cached_property
    def _pools(self) -> Mapping[str, urllib3.PoolManager]:
        """Connections straight (under an empty name) and through each scheme's proxy.

        Made when the first request is.
        """
        from urllib.request import getproxies  # noqa: PLC0415

        import urllib3  # noqa: PLC0415

        options: dict[str, Any] = {
            "maxsize": 32,
            # The default context reads SSL_CERT_FILE and SSL_CERT_DIR, as uv does.
            "ssl_context": ssl.create_default_context(),
            "timeout": urllib3.Timeout(connect=15, read=60),
            "retries": urllib3.Retry(
                total=5,
                # A closed port or an unknown host does not open within seconds.
                connect=2,
                redirect=8,
                backoff_factor=0.3,
                status_forcelist=(429, 500, 502, 503, 504),
                raise_on_status=False,
            ),
        }
        proxied = {
            scheme: urllib3.ProxyManager(proxy, **options)
            for scheme, proxy in getproxies().items()
            if scheme in ("http", "https") and proxy.startswith(("http://", "https://"))
        }
        return {"": urllib3.PoolManager(**options), **proxied}

    def get(
        self, url: str, headers: Mapping[str, str] | None = None, *, method: str = "GET"
    ) -> urllib3.BaseHTTPResponse:
        """A response whose body is still to be read.

        :raises WideloadError: the index cannot be reached, or answers 4xx or 5xx.
        """
        from urllib.request import proxy_bypass  # noqa: PLC0415

        import urllib3  # noqa: PLC0415

        parts = urlsplit(url)
        client = self._pools[""]
        if not proxy_bypass(parts.hostname or ""):
            client = self._pools.get(parts.scheme, client)
        try:
            response = client.request(
                method,
                without_credentials(url),
                headers={
                    **self._credentials.headers(url),
                    # A wheel is compressed already; another layer would spoil ranges.
                    "accept-encoding": "identity",
                    **(headers or {}),
                },
                preload_content=False,
            )
        except (urllib3.exceptions.HTTPError, ValueError) as error:
            raise WideloadError(
                f"the package index could not be reached: {without_credentials(url)}",
                why=str(error),
                hint="check the network, the proxy settings and the index URL",
            ) from error
        if response.status >= 400 and response.status != 416:
            response.drain_conn()
            hint = {
                401: self._login,
                403: "check the credentials of the index",
                404: "the file is gone from the index: resolve again with --upgrade",
            }.get(response.status, "try again later")
            raise WideloadError(
                f"the package index refused {without_credentials(url)}",
                why=f"HTTP {response.status} {response.reason}",
                hint=hint,
            )
        return response

    def read(self, response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
        """The body in chunks, counted.

        :raises WideloadError: the connection broke.
        """
        import urllib3  # noqa: PLC0415

        try:
            for chunk in response.stream(1 << 18):
                with self._counting:
                    self.received += len(chunk)
                yield chunk
        except urllib3.exceptions.HTTPError as error:
            raise WideloadError(
                "the connection to the package index broke",
                why=str(error),
                hint="run it again: what arrived whole is kept",
            ) from error
        finally:
            response.release_conn()
