"""Fetching from package indexes: connection pools, proxies, credentials, ranges."""

from __future__ import annotations

import netrc
import os
import re
import ssl
import tomllib
import urllib.request
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit, urlunsplit

import urllib3

from wideload.errors import WideloadError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

_INDEX_OPTION = re.compile(r"^\s*(?:-i|--index-url|--extra-index-url|-f|--find-links)[ =]+(\S+)")
_INDEX_VARIABLES = (
    "UV_INDEX",
    "UV_DEFAULT_INDEX",
    "UV_INDEX_URL",
    "UV_EXTRA_INDEX_URL",
    "UV_FIND_LINKS",
)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    default = {"http": 80, "https": 443}.get(parts.scheme, 0)
    return f"{parts.scheme}://{parts.hostname}:{parts.port or default}"


def without_credentials(url: str) -> str:
    """The URL without user and password."""
    parts = urlsplit(url)
    if "@" not in parts.netloc:
        return url
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _from_requirements(file: Path) -> Iterator[str]:
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        match = _INDEX_OPTION.match(line)
        if match:
            yield os.path.expandvars(match[1])


def _from_uv_config(file: Path, environ: Mapping[str, str]) -> Iterator[str]:
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError):
        return
    if file.name == "pyproject.toml":
        table = table.get("tool", {}).get("uv", {})
    for index in table.get("index", []):
        url = str(index.get("url", ""))
        name = re.sub(r"[^A-Z0-9]", "_", str(index.get("name", "")).upper())
        user = environ.get(f"UV_INDEX_{name}_USERNAME", "")
        password = environ.get(f"UV_INDEX_{name}_PASSWORD", "")
        if user or password:
            parts = urlsplit(url)
            url = urlunsplit(parts._replace(netloc=f"{user}:{password}@{parts.netloc}"))
        yield url
    for key in ("index-url", "extra-index-url", "find-links"):
        value = table.get(key, [])
        yield from [value] if isinstance(value, str) else value


class Credentials:
    """User and password per host, gathered where uv finds them.

    URLs with credentials come first, then ``netrc``. uv's own keyring is not read.
    """

    def __init__(self, urls: Iterable[str]) -> None:
        self._known: dict[str, tuple[str, str]] = {}
        for url in urls:
            try:
                parts = urlsplit(url)
            except ValueError:
                continue
            if parts.username or parts.password:
                found = (unquote(parts.username or ""), unquote(parts.password or ""))
                self._known.setdefault(_origin(url), found)

    @classmethod
    def gather(cls, files: Iterable[Path], environ: Mapping[str, str]) -> Credentials:
        """Credentials out of requirement files, uv's configuration and the environment."""
        urls: list[str] = []
        for variable in _INDEX_VARIABLES:
            for word in environ.get(variable, "").split():
                # `name=https://…` names an index whose credentials come by its name.
                name, _, url = word.rpartition("=") if "://" in word else ("", "", word)
                key = re.sub(r"[^A-Z0-9]", "_", name.upper())
                user = environ.get(f"UV_INDEX_{key}_USERNAME", "") if name else ""
                password = environ.get(f"UV_INDEX_{key}_PASSWORD", "") if name else ""
                if user or password:
                    parts = urlsplit(url)
                    url = urlunsplit(parts._replace(netloc=f"{user}:{password}@{parts.netloc}"))
                urls.append(url)
        for file in files:
            if file.suffix == ".toml":
                urls.extend(_from_uv_config(file, environ))
            elif file.is_file():
                urls.extend(_from_requirements(file))
        return cls(urls)

    def headers(self, url: str) -> dict[str, str]:
        """An ``authorization`` header for the URL's host, or none."""
        found = self._known.get(_origin(url)) or self._netrc(urlsplit(url).hostname or "")
        if not found:
            return {}
        return urllib3.make_headers(basic_auth=f"{found[0]}:{found[1]}")

    @staticmethod
    def _netrc(host: str) -> tuple[str, str] | None:
        try:
            found = netrc.netrc(os.environ.get("NETRC")).authenticators(host)
        except (OSError, netrc.NetrcParseError):
            return None
        return (found[0], found[2] or "") if found else None


class Http:
    """A thread-safe client of package indexes that counts the bytes it is sent.

    :param credentials: asked for each URL.
    """

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self.received = 0
        """Bytes of bodies so far. Approximate only while requests are under way."""

    @cached_property
    def _pools(self) -> Mapping[str, urllib3.PoolManager]:
        """Connections straight (under an empty name) and through each scheme's proxy.

        Made when the first request is: a plan that knows everything makes none.
        """
        options: dict[str, Any] = {
            "maxsize": 32,
            # The default context reads SSL_CERT_FILE and SSL_CERT_DIR, as uv does.
            "ssl_context": ssl.create_default_context(),
            "timeout": urllib3.Timeout(connect=15, read=60),
            "retries": urllib3.Retry(
                total=5,
                redirect=8,
                backoff_factor=0.3,
                status_forcelist=(429, 500, 502, 503, 504),
                raise_on_status=False,
            ),
        }
        proxied = {
            scheme: urllib3.ProxyManager(proxy, **options)
            for scheme, proxy in urllib.request.getproxies().items()
            if scheme in ("http", "https") and proxy.startswith(("http://", "https://"))
        }
        return {"": urllib3.PoolManager(**options), **proxied}

    def get(
        self, url: str, headers: Mapping[str, str] | None = None, *, method: str = "GET"
    ) -> urllib3.BaseHTTPResponse:
        """A response whose body is still to be read.

        :raises WideloadError: the index cannot be reached, or answers 4xx or 5xx.
        """
        parts = urlsplit(url)
        client = self._pools[""]
        if not urllib.request.proxy_bypass(parts.hostname or ""):
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
            response.release_conn()
            hint = {
                401: "give the index's credentials as for uv: in its URL, UV_INDEX_*_USERNAME "
                "and _PASSWORD, or netrc",
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
        try:
            for chunk in response.stream(1 << 18):
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
