"""The control plane of every service but Lambda: moto, in this process, with a memory.

moto keeps its state in objects of the process. So that it outlives the process, each call
that changes something is kept in the journal with the seed of moto's random numbers, and
made again at the next start: the same calls with the same seeds give the same ids and keys.
Dates of creation are those of the replay.
"""

from __future__ import annotations

import io
import logging
import re
import secrets
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import msgspec
from moto.core.config import default_user_config
from moto.moto_api._internal import mock_random
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from wideload.local.faults import Fault
from wideload.local.journal import Call, Entry

if TYPE_CHECKING:
    from wideload.local.journal import Journal

_log = logging.getLogger(__name__)

# Calls that only ask. What is not sure to be one is kept: that costs a row, no more.
_ASKS = re.compile(r"(Get|List|Describe|Head|Search|Filter|Lookup|Query|Simulate|BatchGet|Test)")
# Log lines are many and may be lost.
_NOT_KEPT = frozenset({"PutLogEvents"})
# Of moto's own management and of the metadata service of EC2: nothing that AWS serves here.
_CLOSED = ("/moto-api", "/latest/meta-data", "/latest/api")
_HEADERS_LEFT_OUT = frozenset(
    {
        "authorization",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "transfer-encoding",
        # moto would take the region from it rather than from the signature.
        "user-agent",
        "x-amz-security-token",
        "x-moto-account-id",
    }
)


class Answer(msgspec.Struct, frozen=True):
    """What the control plane answered."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Control:
    """moto with a memory. One call at a time: moto is not made for threads.

    There can be one in a process, for moto's state is the process's.
    """

    def __init__(self, journal: Journal) -> None:
        """Bring moto to where it was when the journal ended."""
        # Without this, the policies that AWS manages are not there to be attached.
        default_user_config["iam"]["load_aws_managed_policies"] = True
        self._journal = journal
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._seen: set[tuple[str, str, str]] = set()
        self.host = "127.0.0.1"
        """``host:port`` that moto's answers name as this endpoint."""
        self.lock = threading.RLock()
        """Hold it while touching moto's objects directly."""
        for entry in journal.entries():
            self._seen.add(_place(entry.call))
            status = self._ask(entry.call, entry.seed).status
            if status != entry.status:
                _log.warning(
                    "replayed %s %s %s: %d, was %d",
                    entry.call.service,
                    entry.call.method,
                    entry.call.path,
                    status,
                    entry.status,
                )

    def call(self, call: Call) -> Answer:
        """Ask moto, and remember it if it may have changed something.

        :raises Fault: the path is not one of AWS's.
        """
        if unquote(call.path).startswith(_CLOSED):
            raise Fault("NotFound", "The embedded AWS does not serve this path.", 404)
        with self.lock:
            seed = secrets.randbits(62)
            answer = self._ask(call, seed)
            # The first call to a service makes what an account has from the start, such as
            # its default VPC, with ids out of this seed; so it is kept even if it only asks.
            first = _place(call) not in self._seen
            if first or (answer.status < 400 and _changes(call)):
                self._journal.append(Entry(call, seed, answer.status))
                self._seen.add(_place(call))
        return answer

    def _ask(self, call: Call, seed: int) -> Answer:
        mock_random.seed(seed)
        status = 500
        headers: list[tuple[str, str]] = []

        def start_response(line: str, fields: list[tuple[str, str]], _: Any = None) -> None:
            nonlocal status, headers
            status, headers = int(line.split(" ", 1)[0]), fields

        try:
            with self.lock:
                body = b"".join(self._moto(self._environ(call), start_response))
        except NotImplementedError as error:
            return _unable(call, 501, "NotImplemented", str(error) or "not implemented")
        except Exception as error:
            _log.exception("moto failed on %s %s %s", call.service, call.method, call.path)
            return _unable(call, 500, "InternalFailure", f"{type(error).__name__}: {error}")
        kept = [(name, value) for name, value in headers if name.lower() not in _FROM_SERVER]
        return Answer(status, tuple(kept), body)

    def _environ(self, call: Call) -> dict[str, Any]:
        host, _, port = self.host.partition(":")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": call.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote(call.path, "latin-1"),
            "RAW_URI": call.path + (f"?{call.query}" if call.query else ""),
            "QUERY_STRING": call.query,
            "SERVER_NAME": host,
            "SERVER_PORT": port or "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "CONTENT_LENGTH": str(len(call.body)),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(call.body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        if "content-type" in call.headers:
            environ["CONTENT_TYPE"] = call.headers["content-type"]
        for name, value in call.headers.items():
            if name not in _HEADERS_LEFT_OUT:
                environ["HTTP_" + name.upper().replace("-", "_")] = value
        environ["HTTP_HOST"] = self.host
        environ["HTTP_X_MOTO_ACCOUNT_ID"] = call.account
        # moto takes service and region out of this; nobody checks the rest of it again.
        environ["HTTP_AUTHORIZATION"] = (
            f"AWS4-HMAC-SHA256 Credential={call.access_key}/20200101/{call.region}/"
            f"{call.service}/aws4_request, SignedHeaders=host, Signature=0"
        )
        return environ


# The server sets these itself.
_FROM_SERVER = frozenset({"date", "server", "connection", "content-length", "transfer-encoding"})


def operation(call: Call) -> str | None:
    """The API operation that a call asks for, where its protocol says so."""
    target = call.headers.get("x-amz-target")
    if target is not None:
        return target.rsplit(".", 1)[-1]
    for text in (call.query, call.body[:65536].decode("latin-1")):
        found = re.search(r"(?:^|&)Action=(\w+)", text)
        if found:
            return found.group(1)
    return None


def _changes(call: Call) -> bool:
    name = operation(call)
    if name is None:
        return call.method not in ("GET", "HEAD")
    return name not in _NOT_KEPT and not _ASKS.match(name)


def _place(call: Call) -> tuple[str, str, str]:
    return call.account, call.region, call.service


def _unable(call: Call, status: int, code: str, message: str) -> Answer:
    text = f"The embedded AWS cannot answer this call of {call.service}: {message}"
    return Answer(status, (), Fault(code, text, status).args[0].encode())
