"""HTTP over a Unix socket."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import urllib3
from urllib3.connection import HTTPConnection

if TYPE_CHECKING:
    from pathlib import Path


class _UnixConnection(HTTPConnection):
    path = ""

    def _new_conn(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(self.path)
        except OSError as error:
            connection.close()
            raise urllib3.exceptions.NewConnectionError(self, str(error)) from error
        return connection


class UnixPool(urllib3.HTTPConnectionPool):
    """Connections to what listens on a socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", maxsize=16, timeout=urllib3.Timeout(connect=5, read=300))
        self._path = str(path)

    def _new_conn(self) -> _UnixConnection:
        connection = _UnixConnection(self.host, timeout=300)
        connection.path = self._path
        return connection
