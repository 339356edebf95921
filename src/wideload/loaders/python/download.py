"""One ranged GET of the bundle, and what each answer of S3 means."""

from __future__ import annotations

import calendar
import contextlib
import http.client
import re
import socket
import ssl
import threading
import time

from .credentials import Keyring, Keys
from .place import Place
from .signature import signed
from .trouble import BundleError

_CONNECT_S = 3.1
STALL_S = 5.0
"""Seconds without a byte after which a connection is given up."""
_CHUNK = 1 << 16
_BODY = 1 << 13
_UPLOAD = "deploy the function again: it uploads the bundle"

_STALE_KEYS = (
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidToken",
    "InvalidAccessKeyId",
    "TokenRefreshRequired",
)
_SKEW = ("RequestTimeTooSkewed", "RequestExpired")
_ELSEWHERE = (
    "PermanentRedirect",
    "TemporaryRedirect",
    "AuthorizationHeaderMalformed",
    "IllegalLocationConstraintException",
)
_CODE = re.compile(rb"<Code>([^<]*)</Code>")
_MESSAGE = re.compile(rb"<Message>([^<]*)</Message>")
_REGION = re.compile(rb"<Region>([^<]*)</Region>")


class Again(Exception):
    """A GET that failed as GETs do.

    :ivar limit: how many attempts at one range are worth while for this reason.
    :ivar at_once: whether waiting would not help.
    :ivar denied: whether it was for want of a permission.
    :ivar hint: what to do where no attempt does.
    """

    def __init__(
        self,
        why: str,
        limit: int = 10,
        *,
        at_once: bool = False,
        denied: bool = False,
        hint: str = "",
    ) -> None:
        super().__init__(why)
        self.limit, self.at_once, self.denied, self.hint = limit, at_once, denied, hint


class Connection(http.client.HTTPConnection):
    """A connection to the place's host, with TLS where it has it."""

    def __init__(self, place: Place, tls: Tls) -> None:
        super().__init__(place.host, place.port, timeout=_CONNECT_S)
        self._tls = tls if place.secure else None
        self.region = place.region
        self.used = False

    def connect(self) -> None:
        """Connect. The slow reading of certificates is done meanwhile by another thread."""
        super().connect()
        if self._tls:
            self.sock = self._tls.wrap(self.sock, self.host)

    def patience(self, seconds: float) -> None:
        """Set how long it may be silent."""
        self.sock.settimeout(seconds)

    def cut(self) -> None:
        """End what another thread is waiting for."""
        sock = self.sock
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


class Tls:
    """What certificates are checked against; read once, by whoever needs it first."""

    def __init__(self, authorities: str | None) -> None:
        self._authorities = authorities
        self._lock = threading.Lock()
        self._context: ssl.SSLContext | None = None

    def wrap(self, sock: socket.socket, host: str) -> ssl.SSLSocket:
        """TLS over a connected socket."""
        with self._lock:
            if self._context is None:
                self._context = ssl.create_default_context(cafile=self._authorities)
        return self._context.wrap_socket(sock, server_hostname=host)


class Run:
    """One attempt at a range, as those who watch it see it."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.began = self.last = time.monotonic()
        self.first = 0.0
        """When the answer began."""
        self.received = 0
        self.cut = False

    def end(self) -> None:
        """Let it be over: another attempt has what it is after."""
        self.cut = True
        self.connection.cut()


class Source:
    """The object that the bundle is."""

    def __init__(self, place: Place, keyring: Keyring, size: int) -> None:
        self._place = place
        self._keyring = keyring
        self._size = size
        self._tls = Tls(place.authorities)
        self._lock = threading.Lock()
        self._skew = 0.0
        self._etag = ""

    def connection(self) -> Connection:
        """A connection that is not yet open."""
        return Connection(self._place, self._tls)

    def read(self, run: Run, start: int, end: int) -> bytearray:
        """The bytes of a range.

        :raises Again: another attempt may do.
        :raises BundleError: none will.
        """
        buffer = bytearray(end - start)
        connection = run.connection
        try:
            self._open(connection)
            keys = self._keyring.keys()
            etag = self._etag
            reply = self._ask(connection, start, end, keys, etag)
            run.first = run.last = time.monotonic()
            if reply.status not in (200, 206):
                self._judge(reply, keys, etag)
            self._check(reply, start, end)
            view = memoryview(buffer)
            while run.received < len(buffer):
                count = reply.readinto(view[run.received : run.received + _CHUNK])
                if not count:
                    raise Again(f"the answer ended after {run.received} of {len(buffer)} bytes")
                run.received += count
                run.last = time.monotonic()
            reply.read()
        except ssl.SSLCertVerificationError as error:
            raise BundleError(
                f"{self._place.host} cannot be trusted with the request for the bundle",
                str(error),
                "set AWS_CA_BUNDLE where the endpoint has a certificate of your own",
            ) from error
        except (OSError, http.client.HTTPException) as error:
            raise Again(f"{type(error).__name__}: {error}") from error
        if reply.will_close:
            connection.close()
        return buffer

    def given_up(self, again: Again, attempts: int) -> BundleError:
        """What to say when no more attempts are made."""
        place, said = self._place, str(again)
        if again.denied:
            return BundleError(
                f"the bundle {place} may not be read",
                said,
                f"the function's role needs s3:GetObject on {place.arn}, and kms:Decrypt where "
                "the bucket's key is the user's own; S3 answers the same where the object is "
                "missing: then deploy again",
            )
        return BundleError(
            f"the bundle {place} could not be read",
            f"{attempts} attempts failed, the last with {said}",
            again.hint,
        )

    def _open(self, connection: Connection) -> None:
        if connection.sock is None:
            connection.used = False
            connection.timeout = _CONNECT_S
            connection.connect()
            connection.patience(STALL_S)

    def _ask(
        self, connection: Connection, start: int, end: int, keys: Keys, etag: str
    ) -> http.client.HTTPResponse:
        place = self._place
        headers = {"Range": f"bytes={start}-{end - 1}"}
        if etag:
            headers["If-Match"] = etag
        if place.owner:
            headers["x-amz-expected-bucket-owner"] = place.owner
        headers = signed(place, headers, keys, time.time() + self._skew)
        target = place.path + (f"?{place.query}" if place.query else "")
        while True:
            try:
                connection.putrequest("GET", target, skip_host=True, skip_accept_encoding=True)
                for name, value in headers.items():
                    connection.putheader(name, value)
                connection.endheaders()
                reply = connection.getresponse()
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                if not connection.used:
                    raise
                # It lay idle for too long; that says nothing about a new one.
                connection.close()
                self._open(connection)
                continue
            connection.used = True
            return reply

    def _check(self, reply: http.client.HTTPResponse, start: int, end: int) -> None:
        """That the answer is the range of the object that was asked for."""
        told = reply.headers.get("Content-Range", "")
        if reply.status == 200:
            if start or reply.length != end:
                raise Again("the answer is not the range that was asked for", 3)
        else:
            span, _, total = told.removeprefix("bytes ").partition("/")
            if total != str(self._size):
                raise Again(
                    f"the object has {total or 'no'} bytes, not {self._size}", 3, hint=_UPLOAD
                )
            if span != f"{start}-{end - 1}":
                raise Again(f"the answer is the range {span}, not {start}-{end - 1}", 3)
        if reply.length != end - start:
            raise Again(f"the answer says that it has {reply.length} bytes", 4)
        etag = reply.headers.get("ETag", "")
        with self._lock:
            if etag and not self._etag:
                # From now on all ranges are of one and the same object.
                self._etag = etag

    def _judge(self, reply: http.client.HTTPResponse, keys: Keys, etag: str) -> None:
        """Say what an answer that is no content means; always raises."""
        status, body = reply.status, reply.read(_BODY)
        code, message = _text(_CODE, body), _text(_MESSAGE, body)
        said = f"{code or status}: {message}".rstrip(": ")
        if status == 412:
            with self._lock:
                if self._etag == etag:
                    self._etag = ""
            raise Again(
                f"the object was replaced while it was read ({said})", 4, at_once=True, hint=_UPLOAD
            )
        if code in _STALE_KEYS:
            self._keyring.forget(keys)
            raise Again(said, 5)
        if code in _SKEW:
            self._skew = _date(reply) - time.time()
            raise Again(said, 4, at_once=True)
        region = reply.headers.get("x-amz-bucket-region") or _text(_REGION, body)
        if (code in _ELSEWHERE or status in (301, 307)) and region:
            if region != self._place.region:
                self._place.ask(region)
            raise Again(said, 3, at_once=True)
        if status in (408, 429) or status >= 500 or code in ("RequestTimeout", "SlowDown"):
            raise Again(said)
        place = self._place
        if status == 403:
            # Keys that were exchanged a moment ago are refused for a moment.
            self._keyring.forget(keys)
            raise Again(said, 4, denied=True)
        if status == 404:
            raise BundleError(
                f"the bundle {place} is not there",
                said,
                _UPLOAD,
            )
        if status == 416:
            raise BundleError(f"the bundle {place} is smaller than it was deployed", said, _UPLOAD)
        raise BundleError(f"the bundle {place} cannot be read", said)


def _text(pattern: re.Pattern[bytes], body: bytes) -> str:
    found = pattern.search(body)
    return found[1].decode(errors="replace") if found else ""


def _date(reply: http.client.HTTPResponse) -> float:
    """The server's clock, seconds since the epoch; ours where it does not say."""
    try:
        date = reply.headers.get("Date", "")
        return calendar.timegm(time.strptime(date, "%a, %d %b %Y %H:%M:%S GMT"))
    except ValueError:
        return time.time()
