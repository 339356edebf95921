"""The front: every request of every service comes in here, and none passes unsigned."""

from __future__ import annotations

import hashlib
import json
import logging
import tempfile
import threading
import time
import uuid
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from wideload.local.authentication import Authentication
from wideload.local.control import operation
from wideload.local.faults import Fault, Protocol, render, status_line
from wideload.local.http import drain
from wideload.local.images.front import PREFIX as REGISTRY
from wideload.local.journal import Call
from wideload.local.objects.service import place_of
from wideload.local.reply import Reply
from wideload.local.request import Request, protocol_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from wideload.local.caller import Caller
    from wideload.local.control import Control
    from wideload.local.file_systems.s3_files import S3Files
    from wideload.local.iam import Authority
    from wideload.local.images.ecr import ContainerRegistry
    from wideload.local.images.front import RegistryFront
    from wideload.local.objects.service import ObjectService
    from wideload.local.principals import Keyring
    from wideload.local.sts import SecurityTokens

_log = logging.getLogger(__name__)

HEALTH = "/_wideload/health"
"""Path that tells who serves here, unsigned."""

# A request that is not S3's is laid down whole before it is believed: in memory up to the
# first size, refused beyond the second. The naive upload of a huge zip, in base64, has to get
# as far as the Lambda service, which knows how AWS refuses it.
_IN_MEMORY = 1 << 20
_LARGEST = 1 << 30
_LARGEST_CONTROL = 1 << 26
_BLOCK = 1 << 18
# Operations of any principal, whatever his policies.
_FREE = frozenset({"sts:GetCallerIdentity", "sts:GetSessionToken", "sts:GetAccessKeyInfo"})


class Gateway:
    """A WSGI application: authenticates, routes, and renders what went wrong.

    The Lambda service gets requests with ``wideload.account``, ``wideload.region`` and
    ``wideload.principal`` (the caller's ARN) in their environ, and the body verified.
    """

    def __init__(
        self,
        keyring: Keyring,
        authority: Authority,
        objects: ObjectService,
        tokens: SecurityTokens,
        control: Control,
        s3_files: S3Files,
        containers: ContainerRegistry,
        registry: RegistryFront,
        functions: WSGIApplication,
        unsigned: tuple[str, ...],
        health: dict[str, Any],
    ) -> None:
        """Put the front before these services.

        :param unsigned: paths below which the Lambda service checks requests itself.
        """
        self._authentication = Authentication(keyring)
        self._authority = authority
        self._objects = objects
        self._tokens = tokens
        self._control = control
        self._services = {"ecr": containers.answer, "s3files": s3_files.answer}
        self._registry = registry
        self._functions = functions
        self._unsigned = unsigned
        self._health = json.dumps(health).encode()
        self._lock = threading.Lock()
        self._busy = 0
        self._last = time.monotonic()

    @property
    def idle_seconds(self) -> float:
        """Since the last request ended; 0 while there is one."""
        with self._lock:
            return 0.0 if self._busy else time.monotonic() - self._last

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        if environ["PATH_INFO"] == HEALTH:
            headers = [("Content-Type", "application/json"), _length(len(self._health))]
            start_response("200 OK", headers)
            return [self._health]
        with self._lock:
            self._busy += 1
        try:
            return _Closing(self._answer(environ, start_response), self._done)
        except BaseException:
            self._done()
            raise

    def _done(self) -> None:
        with self._lock:
            self._busy -= 1
            self._last = time.monotonic()

    def _answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request_id = str(uuid.uuid4())
        request = Request.of(environ, request_id)
        if request.raw_path.startswith(self._unsigned):
            return self._functions(environ, start_response)
        # No bucket has so short a name.
        if request.raw_path.startswith(REGISTRY):
            reply = self._registry.answer(request)
            return self._send(request, Protocol.REST_JSON, reply, start_response)
        return self._signed(environ, request, start_response)

    def _signed(
        self, environ: WSGIEnvironment, request: Request, start_response: StartResponse
    ) -> Iterable[bytes]:
        service = guessed_service(request)
        try:
            claim = self._authentication.claim(request, service)
            service = claim.service
            if service == "s3" and not request.raw_path.startswith("/v20180820/"):
                bucket, key = place_of(request)
                resource = f"/{quote(bucket)}/{quote(key, safe='/~')}" if bucket else "/"
                caller = self._authentication.caller(request, claim, None, resource)
                reply = self._objects.answer(request, caller)
                return self._send(request, Protocol.S3, reply, start_response)
            body = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115
            try:
                digest = _lay_down(request, body)
                caller = self._authentication.caller(request, claim, digest, "/")
                body.seek(0)
                if service == "lambda":
                    answer = self._to_functions(environ, request, caller, body, start_response)
                    return _Closing(answer, body.close)
                reply = self._to_control(request, caller, body)
            except BaseException:
                body.close()
                raise
            body.close()
            return self._send(request, protocol_of(request, service), reply, start_response)
        except Fault as fault:
            return self._refuse(request, service, fault, start_response)
        except ConnectionError:
            raise
        except Exception as error:
            _log.exception("%s %s failed", request.method, request.raw_path)
            failure = Fault("InternalError", f"{type(error).__name__}: {error}", 500)
            return self._refuse(request, service, failure, start_response)

    def _refuse(
        self, request: Request, service: str, fault: Fault, start_response: StartResponse
    ) -> Iterable[bytes]:
        protocol = protocol_of(request, service)
        content_type, body = render(fault, protocol, request.request_id)
        headers = [("Content-Type", content_type), *fault.headers]
        if protocol is Protocol.REST_JSON:
            headers.append(("x-amzn-ErrorType", fault.code))
        if fault.status == 304:
            body = b""
        reply = Reply(fault.status, tuple(headers), body)
        return self._send(request, protocol, reply, start_response)

    def _send(
        self, request: Request, protocol: Protocol, reply: Reply, start_response: StartResponse
    ) -> Iterable[bytes]:
        # What was not read of the body would stand before the next request.
        drain(request.body)
        names = {name.lower() for name, _ in reply.headers}
        headers = [*reply.headers, _request_id(protocol, request.request_id)]
        if "content-length" not in names and reply.status != 204:
            headers.append(_length(reply.length))
        start_response(status_line(reply.status), [_latin(pair) for pair in headers])
        if request.method == "HEAD" or reply.status == 204:
            reply.close()
            return []
        return reply.chunks()

    def _to_functions(
        self,
        environ: WSGIEnvironment,
        request: Request,
        caller: Caller,
        body: IO[bytes],
        start_response: StartResponse,
    ) -> Iterable[bytes]:
        inner = dict(environ)
        inner.pop("wsgi.input_terminated", None)
        inner.pop("HTTP_TRANSFER_ENCODING", None)
        body.seek(0, 2)
        inner["CONTENT_LENGTH"] = str(body.tell())
        body.seek(0)
        inner["wsgi.input"] = body
        inner["wideload.account"] = caller.principal.account
        inner["wideload.region"] = caller.claim.region
        inner["wideload.principal"] = caller.principal.arn

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            if not any(name.lower() == "x-amzn-requestid" for name, _ in headers):
                headers = [*headers, _request_id(Protocol.REST_JSON, request.request_id)]
            return start_response(status, headers, *rest)

        return self._functions(inner, start)

    def _to_control(self, request: Request, caller: Caller, body: IO[bytes]) -> Reply:
        content = body.read(_LARGEST_CONTROL + 1)
        if len(content) > _LARGEST_CONTROL:
            raise Fault("RequestEntityTooLarge", "Request body is too large", 413)
        query = urlencode(
            [pair for pair in request.query if not pair[0].startswith("X-Amz-")], quote_via=quote
        )
        call = Call(
            service=caller.claim.service,
            account=caller.principal.account,
            region=caller.claim.region,
            method=request.method,
            path=request.raw_path,
            query=query,
            headers=request.headers,
            body=content,
            access_key=caller.key.id,
        )
        self._authorize(caller, call)
        if call.service == "sts":
            answer = self._tokens.answer(query, content, caller.principal, request.request_id)
            return Reply(200, (("Content-Type", "text/xml"),), answer)
        told = self._services.get(call.service, self._control.call)(call)
        return Reply(told.status, told.headers, told.body)

    def _authorize(self, caller: Caller, call: Call) -> None:
        """Stop a session whose role is allowed the action on nothing at all.

        Which resources an action touches only its service knows; moto's do not look.
        """
        name = operation(call)
        action = f"{call.service}:{name}"
        if name is None or action in _FREE:
            return
        if not self._authority.may_somewhere(caller.principal, action):
            json_names = call.headers.get("x-amz-target") is not None
            raise Fault(
                "AccessDeniedException" if json_names else "AccessDenied",
                f"User: {caller.principal.arn} is not authorized to perform: {action} "
                f"because no identity-based policy allows the {action} action",
                400 if json_names else 403,
            )


class _Closing:
    """An answer's body, and what is to be done once it has gone out."""

    def __init__(self, body: Iterable[bytes], done: Callable[[], None]) -> None:
        self._body = body
        self._done = done

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._body)

    def close(self) -> None:
        try:
            # PEP 3333: an answer may have a close() to be called.
            if hasattr(self._body, "close"):
                self._body.close()
        finally:
            self._done()


def guessed_service(request: Request) -> str:
    """The service that an unsigned or unreadable request seems to be for."""
    target = request.header("x-amz-target")
    if target:
        return target.split(".", 1)[0].lower()
    form = request.header("content-type").startswith("application/x-www-form-urlencoded")
    if form or request.has("Action"):
        return "sts"
    if request.raw_path.startswith(("/2015-03-31/", "/2018-10-31/", "/2016-08-19/")):
        return "lambda"
    return "s3"


def _lay_down(request: Request, body: IO[bytes]) -> str:
    """Write the body into a file; its SHA-256."""
    if request.length is not None and request.length > _LARGEST:
        raise Fault("RequestEntityTooLargeException", "Request body is too large", 413)
    digest = hashlib.sha256()
    size = 0
    try:
        while data := request.body.read(_BLOCK):
            size += len(data)
            if size > _LARGEST:
                raise Fault("RequestEntityTooLargeException", "Request body is too large", 413)
            digest.update(data)
            body.write(data)
    except ValueError as error:
        raise Fault("SerializationException", str(error)) from error
    if request.length is not None and size != request.length:
        raise Fault("IncompleteBody", "The request body terminated unexpectedly")
    return digest.hexdigest()


def _length(length: int) -> tuple[str, str]:
    return "Content-Length", str(length)


def _request_id(protocol: Protocol, request_id: str) -> tuple[str, str]:
    name = "x-amz-request-id" if protocol is Protocol.S3 else "x-amzn-RequestId"
    return name, request_id


def _latin(pair: tuple[str, str]) -> tuple[str, str]:
    name, value = pair
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        value = value.encode().decode("latin-1")
    return name, value
