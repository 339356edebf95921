"""Which registry npm would ask for a package, and how it logs in there.

Read as npm reads it: the environment (``npm_config_registry``) before the project's .npmrc
before the user's. https://docs.npmjs.com/cli/configuring-npm/npmrc
"""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from wideload.errors import WideloadError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PUBLIC_REGISTRY = "https://registry.npmjs.org/"
"""Where npm looks if nothing is configured, and what a lock names then: npm reads this address
in a lock as "the registry that is configured" (its setting ``replace-registry-host``)."""

LOGIN = "give its token as for npm: in .npmrc or by `npm login`"
"""What to do where a registry asks who one is."""

_PREFIX = "npm_config_"
_VARIABLE = re.compile(r"(?<!\\)\$\{([^${}]+?)(\?)?\}")


class NpmConfig:
    """Registries and logins. Make it with :meth:`gather`.

    :param settings: by name, as in a .npmrc.
    """

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._settings = settings

    @classmethod
    def gather(cls, folders: Sequence[Path], environ: Mapping[str, str]) -> NpmConfig:
        """As npm would find it when it is run in the first of these folders.

        :param folders: whose .npmrc counts, the first one the most.
        :raises WideloadError: a .npmrc names a variable that is not set.
        """
        user = _of(environ, "userconfig") or str(Path.home() / ".npmrc")
        settings: dict[str, str] = {}
        for file in [Path(user), *(folder / ".npmrc" for folder in reversed(folders))]:
            settings.update(_read(file, environ))
        for name, value in environ.items():
            if name.lower().startswith(_PREFIX) and value:
                settings[name.lower().removeprefix(_PREFIX).replace("_", "-")] = value
        return cls(settings)

    def registry(self, package: str) -> str:
        """The URL, with ``/`` at its end, of the registry that has a package."""
        scope = package.partition("/")[0] if package.startswith("@") else ""
        found = self._settings.get(f"{scope}:registry", "") if scope else ""
        found = found or self._settings.get("registry", "") or PUBLIC_REGISTRY
        return found.rstrip("/") + "/"

    def manifest_url(self, package: str, version: str) -> str:
        """Where the registry tells of one version of a package."""
        return f"{self.registry(package)}{quote(package, safe='@')}/{quote(version, safe='+')}"

    def tarball_url(self, package: str, resolved: str) -> str:
        """Where a tarball lies that a lock names."""
        if not resolved.startswith(PUBLIC_REGISTRY):
            return resolved
        return self.registry(package) + resolved.removeprefix(PUBLIC_REGISTRY)

    def headers(self, url: str) -> dict[str, str]:
        """An ``authorization`` header for a URL, or none: a login is for all below its own."""
        parts = urlsplit(url)
        place = f"//{parts.netloc}{parts.path}"
        while place.count("/") >= 2 and place != "//":
            for end in (place, place.rstrip("/") + "/"):
                header = self._login(end)
                if header:
                    return {"authorization": header}
            place = place.rstrip("/").rpartition("/")[0]
        return {}

    def _login(self, place: str) -> str:
        token = self._settings.get(f"{place}:_authToken", "")
        if token:
            return f"Bearer {token}"
        both = self._settings.get(f"{place}:_auth", "")
        if both:
            return f"Basic {both}"
        user = self._settings.get(f"{place}:username", "")
        secret = self._settings.get(f"{place}:_password", "")
        if not (user and secret):
            return ""
        # npm keeps the password in base64.
        password = base64.b64decode(secret).decode(errors="replace")
        return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _of(environ: Mapping[str, str], name: str) -> str:
    wanted = f"{_PREFIX}{name}"
    return next((value for key, value in environ.items() if key.lower() == wanted), "")


def _read(file: Path, environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    try:
        text = file.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return
    except (OSError, UnicodeDecodeError) as error:
        raise WideloadError(f"{file} cannot be read", why=str(error)) from None
    for line in text.splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and not name.startswith(("#", ";")):
            yield name.strip(), _filled(value.strip().strip("\"'"), environ)


def _filled(value: str, environ: Mapping[str, str]) -> str:
    # A variable that is not set is left as it stands, as npm does; the registry then refuses.
    return _VARIABLE.sub(lambda found: environ.get(found[1], "" if found[2] else found[0]), value)
