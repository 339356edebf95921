"""The registry as clients see it: theirs after a login, with the repositories that ECR has."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote, urlencode

import urllib3

from wideload.errors import WideloadError
from wideload.local.reply import Reply

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wideload.local.images.process import RegistryProcess
    from wideload.local.images.tokens import Registry, Tokens
    from wideload.local.request import Request

PREFIX = "/v2/"
_BLOCK = 1 << 18
_PATH = re.compile(r"/v2/(?P<name>.+?)/(?P<rest>(?:blobs|manifests|tags)/.+)")
_SENT_ON = frozenset({"accept", "content-type", "content-range", "range", "if-none-match"})
_GIVEN_BACK = frozenset(
    {
        *("content-type", "content-length", "content-range", "range", "etag", "link"),
        *("docker-content-digest", "docker-distribution-api-version", "docker-upload-uuid"),
    }
)


class Repositories(Protocol):
    """ECR, as the registry asks it."""

    def exists(self, registry: Registry, name: str) -> bool:
        """Whether there is such a repository."""
        ...


class RegistryFront:
    """Answers the distribution protocol.

    All registries lie in one, each below its account and region.
    """

    def __init__(
        self, process: RegistryProcess, tokens: Tokens, repositories: Repositories
    ) -> None:
        self._process = process
        self._tokens = tokens
        self._repositories = repositories

    def answer(self, request: Request) -> Reply:
        """One answer; its body is read while it is sent on."""
        registry = self._tokens.registry(request.header("authorization"))
        if registry is None:
            realm = f"http://{request.header('host')}/"
            challenge = f'Basic realm="{realm}",service="ecr.amazonaws.com"'
            return _refused(
                401, "UNAUTHORIZED", "authentication required", ("WWW-Authenticate", challenge)
            )
        if request.raw_path == PREFIX:
            version = ("Docker-Distribution-Api-Version", "registry/2.0")
            return Reply(200, (("Content-Type", "application/json"), version), b"{}")
        found = _PATH.fullmatch(request.raw_path)
        if found is None:
            return _refused(404, "UNSUPPORTED", "ECR does not serve this path")
        name = found["name"]
        if not self._repositories.exists(registry, name):
            return _refused(
                404,
                "NAME_UNKNOWN",
                f"The repository with name '{name}' does not exist in the registry with id "
                f"'{registry.account}'",
            )
        if request.method == "DELETE" and not found["rest"].startswith("blobs/uploads/"):
            return _refused(405, "UNSUPPORTED", "images are deleted by BatchDeleteImage")
        return self._sent_on(request, place(registry, ""), name, found["rest"])

    def _sent_on(self, request: Request, prefix: str, name: str, rest: str) -> Reply:
        query = [
            (key, f"{prefix}{value}" if key == "from" else value) for key, value in request.query
        ]
        path = f"{PREFIX}{prefix}{name}/{rest}"
        if query:
            path += f"?{urlencode(query, quote_via=quote)}"
        headers = {key: value for key, value in request.headers.items() if key in _SENT_ON}
        body = None
        if request.method in ("POST", "PUT", "PATCH"):
            body = iter(lambda: request.body.read(_BLOCK), b"")
            if request.length is not None:
                headers["content-length"] = str(request.length)
        try:
            pool = self._process.pool()
            response = pool.urlopen(
                request.method,
                path,
                body=body,
                headers=headers,
                retries=False,
                redirect=False,
                preload_content=False,
                decode_content=False,
                chunked=body is not None and request.length is None,
            )
        except WideloadError as error:
            return _refused(503, "UNAVAILABLE", f"{error}")
        except urllib3.exceptions.HTTPError as error:
            return _refused(502, "UNKNOWN", f"the registry broke off: {error}")
        given = [
            (key, value) for key, value in response.headers.items() if key.lower() in _GIVEN_BACK
        ]
        location = response.headers.get("location")
        if location is not None:
            given.append(("Location", location.replace(f"{PREFIX}{prefix}", PREFIX, 1)))
        if "content-length" not in response.headers:
            return Reply(response.status, tuple(given), response.read())
        return Reply(response.status, tuple(given), stretch=_Passed(response))


class _Passed:
    """The body of the registry's answer."""

    def __init__(self, response: urllib3.BaseHTTPResponse) -> None:
        self._response = response
        self.length = int(response.headers["content-length"])

    def chunks(self) -> Iterator[bytes]:
        yield from self._response.stream(_BLOCK, decode_content=False)
        self._response.release_conn()

    def close(self) -> None:
        self._response.close()


def place(registry: Registry, name: str) -> str:
    """What a repository is called among those of all accounts and regions."""
    return f"{registry.account}/{registry.region}/{name}"


def _refused(status: int, code: str, message: str, *headers: tuple[str, str]) -> Reply:
    body = json.dumps({"errors": [{"code": code, "message": message}]}).encode()
    return Reply(status, (("Content-Type", "application/json"), *headers), body)
