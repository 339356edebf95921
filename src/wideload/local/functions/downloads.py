"""Links under which packages can be fetched without credentials, as S3's presigned URLs.

Like these they serve ranges, in time that does not depend on the package's size.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import urlencode

from werkzeug.http import parse_range_header
from werkzeug.wrappers import Request, Response

from wideload.local.functions.store import write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from wideload.local.functions.blobs import Blobs

PREFIX = "/_wideload/packages/"
"""Requests below it carry a signature of their own and no credentials."""
_PIECE = 1 << 18
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
        """The package of a link, or the range of it that is asked for.

        403 where the link is not ours, too old, or used for anything but GET; 404 if the
        package is gone; 416 where the range is not in it.
        """
        sha256 = request.path.removeprefix(PREFIX)
        expires = request.args.get("Expires", "")
        signature = request.args.get("Signature", "")
        is_ours = hmac.compare_digest(self._signature(sha256, expires), signature)
        if not is_ours or request.method != "GET":
            return Response("SignatureDoesNotMatch", 403)
        if int(expires) < self._clock():
            return Response("Request has expired", 403)
        try:
            file = self._blobs.path(sha256).open("rb")
        except FileNotFoundError:
            return Response("NoSuchKey", 404)
        size = os.fstat(file.fileno()).st_size
        headers = {"Accept-Ranges": "bytes", "ETag": f'"{sha256}"'}
        asked = parse_range_header(request.headers.get("Range"))
        # Of several ranges S3 serves none, but the whole object.
        start, stop, status = 0, size, 200
        if asked is not None and asked.units == "bytes" and len(asked.ranges) == 1:
            first, end = asked.ranges[0]
            start = first if first >= 0 else max(0, size + first)
            stop = size if end is None else min(end, size)
            status = 206
            if start >= size:
                file.close()
                return Response("InvalidRange", 416, {"Content-Range": f"bytes */{size}"})
            headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
        response = Response(_pieces(file, start, stop), status, headers, "application/zip")
        response.content_length = stop - start
        response.call_on_close(file.close)
        return response

    def _signature(self, sha256: str, expires: str) -> str:
        message = f"{sha256}:{expires}".encode()
        return hmac.new(self._secret, message, hashlib.sha256).hexdigest()


def _pieces(file: BinaryIO, start: int, stop: int) -> Iterator[bytes]:
    file.seek(start)
    while start < stop and (piece := file.read(min(_PIECE, stop - start))):
        start += len(piece)
        yield piece
