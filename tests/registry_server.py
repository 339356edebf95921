"""Debian's docker-registry on loopback, with each kind of login; its tokens are made here."""

from __future__ import annotations

import base64
import contextlib
import datetime
import json
import os
import shutil
import socket
import subprocess
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import urllib3
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

USER, PASSWORD = "AWS", "secret"
# htpasswd wants bcrypt.
_HTPASSWD = f"{USER}:$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW\n"
_ISSUER, _SERVICE = "tests", "registry"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


class TokenServer:
    """Signs what it is asked for, for those who know the password."""

    def __init__(self, folder: Path) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _ISSUER)])
        now = datetime.datetime.now(datetime.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self._key.public_key())
            .serial_number(1)
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(hours=1))
            .sign(self._key, hashes.SHA256())
        )
        self.bundle = folder / "tokens.pem"
        self.bundle.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        self._der = base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode()
        self.asked: list[list[str]] = []
        """Scopes of each token."""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = outer.answer(self.path, self.headers.get("authorization", ""))
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.realm = f"http://127.0.0.1:{self.server.server_port}/token"
        Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, path: str, authorization: str) -> tuple[int, bytes]:
        pair = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if authorization != f"Basic {pair}":
            return 401, b"{}"
        scopes = parse_qs(urlsplit(path).query).get("scope", [])
        self.asked.append(scopes)
        access = []
        for scope in scopes:
            kind, name, actions = scope.split(":")
            access.append({"type": kind, "name": name, "actions": actions.split(",")})
        now = int(time.time())
        claims = {
            **{"iss": _ISSUER, "sub": USER, "aud": _SERVICE, "jti": "1", "access": access},
            **{"iat": now, "nbf": now - 60, "exp": now + 300},
        }
        header = {"typ": "JWT", "alg": "RS256", "x5c": [self._der]}
        signed = f"{_segment(header)}.{_segment(claims)}"
        signature = self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return 200, json.dumps({"token": f"{signed}.{_unpadded(signature)}"}).encode()


def _unpadded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _segment(value: object) -> str:
    return _unpadded(json.dumps(value).encode())


class RegistryServer:
    """A registry that is running."""

    def __init__(self, host: str, storage: Path, tokens: TokenServer | None) -> None:
        self.host = host
        self.storage = storage
        self.tokens = tokens

    def blob(self, digest: str) -> Path:
        """Where it keeps a blob's content."""
        sha256 = digest.removeprefix("sha256:")
        blobs = self.storage / "docker" / "registry" / "v2" / "blobs" / "sha256"
        return blobs / sha256[:2] / sha256 / "data"


@contextlib.contextmanager
def running(folder: Path, login: str = "") -> Iterator[RegistryServer]:
    """A registry that keeps its storage in a folder.

    :param login: ``basic``, as ECR's; ``token``, as most others'; or none.
    """
    program = shutil.which("docker-registry")
    assert program, "install Debian's docker-registry"
    folder.mkdir(parents=True, exist_ok=True)
    host = f"127.0.0.1:{free_port()}"
    config: dict[str, Any] = {
        "version": "0.1",
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(folder / "storage")}},
        "http": {"addr": host, "secret": "tests"},
    }
    tokens = None
    if login == "basic":
        (folder / "htpasswd").write_text(_HTPASSWD)
        config["auth"] = {"htpasswd": {"realm": "tests", "path": str(folder / "htpasswd")}}
    elif login == "token":
        tokens = TokenServer(folder)
        config["auth"] = {
            "token": {
                **{"realm": tokens.realm, "service": _SERVICE, "issuer": _ISSUER},
                "rootcertbundle": str(tokens.bundle),
            }
        }
    # JSON is YAML.
    (folder / "config.yml").write_text(json.dumps(config))
    environment = {"PATH": os.defpath, "OTEL_TRACES_EXPORTER": "none"}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [program, "serve", str(folder / "config.yml")],
            stdout=log,
            stderr=log,
            env=environment,
        )
    try:
        _wait(f"http://{host}/v2/", process, folder / "log")
        yield RegistryServer(host, folder / "storage", tokens)
    finally:
        process.terminate()
        process.wait()
        if tokens:
            tokens.server.shutdown()
            tokens.server.server_close()


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(200):
        assert process.poll() is None, log.read_text()
        try:
            urllib3.request("GET", url, retries=False, timeout=5)
        except urllib3.exceptions.HTTPError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(log.read_text())
