"""Links under which packages can be fetched without credentials, as S3's presigned URLs."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from werkzeug.wrappers import Request, Response
from werkzeug.wsgi import wrap_file

from wideload.local.functions.store import write_whole

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from wideload.local.functions.blobs import Blobs

PREFIX = "/_wideload/packages/"
"""Requests below it carry a signature of their own and no credentials."""
_SECONDS = 600
"""As long as AWS's links last: https://docs.aws.amazon.com/lambda/latest/api/API_GetFunction.html"""


class Downloads:
    """Makes the links and answers them."""

    def __init__(
        self,
        state: Path,
        blobs: Blobs,
        endpoint_url: Callable[[], str],
        clock: Callable[[], float],
    ) -> None:
        self._blobs = blobs
        self._endpoint_url = endpoint_url
        self._clock = clock
        path = state / "secret"
        if not path.exists():
            write_whole(path, secrets.token_bytes(32))
            path.chmod(0o600)
        self._secret = path.read_bytes()

    def url(self, sha256: str) -> str:
        """A link to a package that works for ten minutes."""
        expires = str(int(self._clock()) + _SECONDS)
        query = urlencode({"Expires": expires, "Signature": self._signature(sha256, expires)})
        return f"{self._endpoint_url()}{PREFIX}{sha256}?{query}"

    def answer(self, request: Request) -> Response:
        """The package of a link; 403 where the link is not ours or too old, 404 if it is gone."""
        sha256 = request.path.removeprefix(PREFIX)
        expires = request.args.get("Expires", "")
        signature = request.args.get("Signature", "")
        if not hmac.compare_digest(self._signature(sha256, expires), signature):
            return Response("SignatureDoesNotMatch", 403)
        if int(expires) < self._clock():
            return Response("Request has expired", 403)
        try:
            file = self._blobs.path(sha256).open("rb")
        except FileNotFoundError:
            return Response("NoSuchKey", 404)
        response = Response(
            wrap_file(request.environ, file),
            mimetype="application/zip",
            direct_passthrough=True,
        )
        response.content_length = self._blobs.path(sha256).stat().st_size
        return response

    def _signature(self, sha256: str, expires: str) -> str:
        message = f"{sha256}:{expires}".encode()
        return hmac.new(self._secret, message, hashlib.sha256).hexdigest()
