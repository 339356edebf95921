"""The embedded AWS with a stub in place of the Lambda service, as a process."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from wideload.embedded import main

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path
    from wsgiref.types import StartResponse, WSGIEnvironment

    from wideload.local.boundaries import FileSystems, Images, Logs, Objects, Roles


class Stub:
    """Answers every request with what the gateway and the other services told it."""

    def __init__(
        self, objects: Objects, roles: Roles, logs: Logs, endpoint_url: Callable[[], str]
    ) -> None:
        self._objects = objects
        self._roles = roles
        self._logs = logs
        self._endpoint_url = endpoint_url

    def __call__(self, environ: WSGIEnvironment, start: StartResponse, /) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"] or 0))
        answer: dict[str, object] = {
            "Account": environ["wideload.account"],
            "Region": environ["wideload.region"],
            "Principal": environ["wideload.principal"],
            "Endpoint": self._endpoint_url(),
            "Bytes": len(body),
        }
        asked = json.loads(body) if body[:1] == b"{" else {}
        if "Description" in asked:
            answer |= self._obey(json.loads(asked["Description"]))
        text = json.dumps({"FunctionName": json.dumps(answer)}).encode()
        start("201 Created", [("Content-Type", "application/json")])
        return [text]

    def _obey(self, order: dict[str, str]) -> dict[str, object]:
        if "locate" in order:
            found = self._objects.locate(order["locate"], order["key"])
            return {"Path": found.path, "Size": found.size, "ETag": found.etag}
        if "session" in order:
            return {"Session": self._roles.session(order["session"], "function")}
        if "role" in order:
            return {"Assumable": self._roles.assumable_by_lambda(order["role"])}
        self._logs.append(order["group"], order["stream"], order["text"])
        return {}

    def close(self) -> None:
        pass


def stub(
    state: Path,
    objects: Objects,
    roles: Roles,
    logs: Logs,
    file_systems: FileSystems,
    images: Images,
    endpoint_url: Callable[[], str],
) -> Stub:
    return Stub(objects, roles, logs, endpoint_url)


if __name__ == "__main__":
    sys.exit(main(service=stub))
