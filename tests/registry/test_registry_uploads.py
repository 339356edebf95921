"""An upload whose connection breaks goes on where the registry has it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest
import urllib3

from registry_server import running
from wideload.errors import WideloadError
from wideload.registry import upload
from wideload.registry.http import RegistryHttp
from wideload.registry.repository import Repository
from wideload.registry.upload import CHUNK, TRIES, Upload
from wideload.values.image import OCI_LAYER, Descriptor

if TYPE_CHECKING:
    from pathlib import Path

DATA = bytes(range(256)) * (CHUNK // 256) * 2 + b"the rest"
BLOB = Descriptor(OCI_LAYER, f"sha256:{hashlib.sha256(DATA).hexdigest()}", len(DATA))


class Breaking(RegistryHttp):
    """A registry of which the connection breaks while chosen chunks are sent.

    :param arrives: bytes that arrive of each chunk that breaks, in order.
    """

    def __init__(self, host: str, arrives: list[int]) -> None:
        super().__init__(host)
        self._arrives = list(arrives)
        self.begun = 0
        self.patches = 0

    def request(
        self, method: str, path: str, scope: str, **options: Any
    ) -> urllib3.BaseHTTPResponse:
        self.begun += method == "POST"
        self.patches += method == "PATCH"
        if method != "PATCH" or not self._arrives:
            return super().request(method, path, scope, **options)
        count = self._arrives.pop(0)
        if count:
            headers = dict(options["headers"])
            first = int(headers["content-range"].partition("-")[0])
            headers["content-range"] = f"{first}-{first + count - 1}"
            body = options["body"][:count]
            super().request(method, path, scope, headers=headers, body=body).drain_conn()
        raise self.unreachable(ConnectionResetError("broken"))


def sent_through(tmp_path: Path, arrives: list[int]) -> tuple[int, Breaking, bool]:
    path = tmp_path / "blob"
    path.write_bytes(DATA)
    with running(tmp_path / "registry") as server:
        http = Breaking(server.host, arrives)
        shop = Repository(http, "shop")
        count = shop.add(BLOB, path)
        return count, http, shop.has(BLOB)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload, "_PAUSE", 0.0)


@pytest.mark.parametrize("arrives", [[0], [0, 0, 0]])
def test_of_an_upload_the_registry_knows_only_the_chunk_is_sent_again(
    tmp_path: Path, arrives: list[int]
) -> None:
    count, http, there = sent_through(tmp_path, arrives)
    assert there
    assert http.begun == 1
    assert http.patches == 2 + len(arrives)
    assert count == len(DATA) + CHUNK * len(arrives)


@pytest.mark.parametrize("arrives", [[CHUNK], [1_000_000], [0, 5_000], [CHUNK, CHUNK]])
def test_an_upload_that_the_registry_has_forgotten_begins_anew(
    tmp_path: Path, arrives: list[int]
) -> None:
    count, http, there = sent_through(tmp_path, arrives)
    assert there
    assert http.begun == 1 + sum(1 for one in arrives if one)
    assert count == len(DATA)


def test_a_registry_that_stays_away_is_given_up(tmp_path: Path) -> None:
    with pytest.raises(WideloadError, match="could not be reached"):
        sent_through(tmp_path, [0] * (3 * TRIES))


class Remembering:
    """A registry that knows of each byte that arrived, however the connection broke.

    :param arrives: bytes that arrive of each chunk that breaks, in order.
    """

    def __init__(self, http: RegistryHttp, arrives: list[int]) -> None:
        self._http = http
        self._arrives = list(arrives)
        self.data = b""

    def __call__(self, method: str, path: str, **options: Any) -> urllib3.BaseHTTPResponse:
        headers = {"location": "/v2/shop/blobs/uploads/1"}
        if method == "GET":
            if self.data:
                headers["range"] = f"0-{len(self.data) - 1}"
            return urllib3.HTTPResponse(status=204, headers=headers)
        if method == "PUT":
            self.data += options["body"]
            return urllib3.HTTPResponse(status=201)
        first = int(options["headers"]["content-range"].partition("-")[0])
        assert first == len(self.data)
        count = self._arrives.pop(0) if self._arrives else None
        self.data += options["body"][:count]
        if count is not None:
            raise self._http.unreachable(ConnectionResetError("broken"))
        return urllib3.HTTPResponse(status=202, headers=headers)


@pytest.mark.parametrize("arrives", [[0], [CHUNK], [1_000_000], [0, 5, CHUNK - 5], [7, 7, 7]])
def test_what_arrived_is_not_sent_again(tmp_path: Path, arrives: list[int]) -> None:
    path = tmp_path / "blob"
    path.write_bytes(DATA)
    http = RegistryHttp("127.0.0.1:1")
    send = Remembering(http, arrives)
    begun = urllib3.HTTPResponse(status=202, headers={"location": "/v2/shop/blobs/uploads/1"})
    Upload(send, http, begun).send(BLOB, path)
    assert send.data == DATA


@pytest.mark.parametrize(
    "location", ["", "http://elsewhere.example/upload", "file:///etc/passwd", "//elsewhere.example"]
)
def test_an_upload_does_not_lead_elsewhere_in_the_clear(location: str) -> None:
    http = RegistryHttp("127.0.0.1:1")
    begun = urllib3.HTTPResponse(status=202, headers={"location": location})
    with pytest.raises(WideloadError, match="did not take an upload"):
        Upload(Remembering(http, []), http, begun)
