"""Users and passwords of package indexes, gathered where uv finds them."""

from __future__ import annotations

import base64
import contextlib
import os
import re
import tomllib
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit, urlunsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Set
    from pathlib import Path

_INDEX_OPTION = re.compile(r"^\s*(?:-i|--index-url|--extra-index-url|-f|--find-links)[ =]+(\S+)")
_INCLUDE = re.compile(r"^\s*(?:-r|--requirement|-c|--constraint)[ =]*(\S+)")
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


def _from_requirements(file: Path, seen: Set[Path]) -> Iterator[str]:
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        match = _INDEX_OPTION.match(line)
        if match:
            yield os.path.expandvars(match[1])
        included = _INCLUDE.match(line)
        inner = file.parent / included[1].strip("\"'") if included else file
        if inner.is_file() and inner.resolve() not in seen:
            yield from _from_requirements(inner, {*seen, inner.resolve()})


def _of_named_index(name: str, url: str, environ: Mapping[str, str]) -> str:
    key = re.sub(r"[^A-Z0-9]", "_", name.upper())
    user = environ.get(f"UV_INDEX_{key}_USERNAME", "")
    password = environ.get(f"UV_INDEX_{key}_PASSWORD", "")
    if not name or not (user or password):
        return url
    parts = urlsplit(without_credentials(url))
    login = f"{quote(user, safe='')}:{quote(password, safe='')}"
    return urlunsplit(parts._replace(netloc=f"{login}@{parts.netloc}"))


def _from_uv_config(file: Path, environ: Mapping[str, str]) -> Iterator[str]:
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError):
        return
    if file.name == "pyproject.toml":
        table = table.get("tool", {}).get("uv", {})
    for index in table.get("index", []):
        url = str(index.get("url", ""))
        yield _of_named_index(str(index.get("name", "")), url, environ)
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
            # What is no URL is uv's to refuse, with better words.
            with contextlib.suppress(ValueError):
                parts = urlsplit(url)
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
                urls.append(_of_named_index(name, url, environ))
        for file in files:
            if file.suffix == ".toml":
                urls.extend(_from_uv_config(file, environ))
            elif file.is_file():
                urls.extend(_from_requirements(file, {file.resolve()}))
        return cls(urls)

    def headers(self, url: str) -> dict[str, str]:
        """An ``authorization`` header for the URL's host, or none."""
        found = self._known.get(_origin(url)) or self._netrc(urlsplit(url).hostname or "")
        if not found:
            return {}
        token = base64.b64encode(f"{found[0]}:{found[1]}".encode()).decode()
        return {"authorization": f"Basic {token}"}

    @staticmethod
    def _netrc(host: str) -> tuple[str, str] | None:
        import netrc  # noqa: PLC0415

        try:
            found = netrc.netrc(os.environ.get("NETRC")).authenticators(host)
        except (OSError, netrc.NetrcParseError):
            return None
        return (found[0], found[2] or "") if found else None
