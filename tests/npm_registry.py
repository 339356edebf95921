"""A registry of npm's on loopback, with packages that are made up, and locks that name them."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import re
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType


class Package(msgspec.Struct, frozen=True):
    """A package as a registry has it."""

    name: str
    version: str
    manifest: dict[str, Any]
    tarball: bytes
    unpacked: int
    """Bytes of its files."""

    @property
    def integrity(self) -> str:
        return "sha512-" + base64.b64encode(hashlib.sha512(self.tarball).digest()).decode()


def package(
    name: str,
    files: Mapping[str, str | bytes] | None = None,
    version: str = "1.0.0",
    executable: tuple[str, ...] = (),
    **manifest: Any,
) -> Package:
    """A package with these files besides its package.json."""
    said = {"name": name, "version": version, **manifest}
    contents = {"package.json": json.dumps(said), **(files or {"index.js": "exports.x = 1;\n"})}
    packed, size = io.BytesIO(), 0
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path, content in contents.items():
            data = content.encode() if isinstance(content, str) else content
            info = tarfile.TarInfo(f"package/{path}")
            info.size, info.mode = len(data), 0o755 if path in executable else 0o644
            archive.addfile(info, io.BytesIO(data))
            size += len(data)
    return Package(name, version, said, gzip.compress(packed.getvalue(), mtime=0), size)


class Registry:
    """Serves packages, and counts what it is asked. A context manager."""

    def __init__(self, *packages: Package) -> None:
        self.packages = {(one.name, one.version): one for one in packages}
        self.token = ""
        """Asked for, where it is set."""
        self.tells_sizes = False
        self.ranges = True
        self.asked: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def tarball_url(self, one: Package) -> str:
        return f"{self.url}{one.name}/-/{one.name.rpartition('/')[2]}-{one.version}.tgz"

    def lock(
        self, folder: Path, tree: Mapping[str, Package], roots: Mapping[str, str], **told: Any
    ) -> Path:
        """package.json and package-lock.json.

        :param tree: packages by where they lie below node_modules.
        :param told: more of the lock's entries, by the package's name.
        """
        folder.mkdir(parents=True, exist_ok=True)
        root = {"name": "shop", "version": "1.0.0", "dependencies": dict(roots)}
        (folder / "package.json").write_text(json.dumps(root))
        entries: dict[str, Any] = {"": root}
        for place, one in tree.items():
            kept = ("dependencies", "optionalDependencies", "os", "cpu", "libc")
            entries[f"node_modules/{place}"] = {
                "version": one.version,
                "resolved": self.tarball_url(one),
                "integrity": one.integrity,
                **{key: one.manifest[key] for key in kept if key in one.manifest},
                **told.get(one.name, {}),
            }
        lock = {"name": "shop", "lockfileVersion": 3, "requires": True, "packages": entries}
        path = folder / "package-lock.json"
        path.write_text(json.dumps(lock))
        return path

    def _answer(self, path: str) -> bytes | None:
        for one in self.packages.values():
            if path == f"/{one.name}/{one.version}":
                dist: dict[str, Any] = {"tarball": self.tarball_url(one)}
                if self.tells_sizes:
                    dist |= {"unpackedSize": one.unpacked, "fileCount": 2}
                return json.dumps({**one.manifest, "dist": dist}).encode()
            if path == f"/{self.tarball_url(one).removeprefix(self.url)}":
                return one.tarball
        return None

    def _handler(registry: Self) -> type[BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                path = self.path.replace("%2f", "/").replace("%2F", "/").replace("%40", "@")
                registry.asked.append(path)
                given = self.headers.get("authorization", "")
                if registry.token and given != f"Bearer {registry.token}":
                    return self._send(401, b"{}")
                body = registry._answer(path)
                if body is None:
                    return self._send(404, b"{}")
                wanted = re.fullmatch(r"bytes=-(\d+)", self.headers.get("range", ""))
                if wanted and registry.ranges:
                    end = body[-int(wanted[1]) :]
                    span = f"bytes {len(body) - len(end)}-{len(body) - 1}/{len(body)}"
                    return self._send(206, end, span)
                return self._send(200, body)

            def do_HEAD(self) -> None:
                self.do_GET()

            def _send(self, status: int, body: bytes, span: str = "") -> None:
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                if span:
                    self.send_header("content-range", span)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        return Handler
