"""Bodies in AWS's own chunked coding, whose chunks may be signed and trailers follow.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html and
sigv4-streaming-trailers.html.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

from wideload.local.faults import Fault
from wideload.local.signature import EMPTY_SHA256, Claim, signing_key

if TYPE_CHECKING:
    from wideload.local.http import Readable

STREAMING = "STREAMING-"
"""What the payload of a signature begins with where the body is so coded."""

_READ = 1 << 18
_LONGEST_LINE = 1 << 14


class ChunkSigner:
    """The chain of signatures over the chunks of one body; each covers the one before."""

    def __init__(self, claim: Claim, secret: str) -> None:
        self._key = signing_key(secret, claim)
        self._claim = claim
        self._previous = claim.signature

    def check(self, kind: str, digests: tuple[str, ...], signature: str) -> None:
        """Hold a chunk's (or the trailers') signature against the one that it should have.

        :raises Fault: it is another one.
        """
        to_sign = "\n".join((kind, self._claim.stamp, self._claim.scope, self._previous, *digests))
        expected = hmac.new(self._key, to_sign.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected, signature):
            raise Fault(
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided. "
                "Check your key and signing method.",
                403,
            )
        self._previous = expected


class AwsChunked:
    """The bytes inside the coding, read in bounded memory.

    :param signer: checks the chunks; nothing where they are not signed.
    :raises Fault: on reading, where the coding is broken or a signature is wrong. Bytes of
        the chunk at hand were given out before its signature could be checked: whoever
        reads must use nothing before the end.
    """

    def __init__(self, raw: Readable, signer: ChunkSigner | None) -> None:
        self._raw = raw
        self._signer = signer
        self._buffer = b""
        self._left = 0
        self._digest = hashlib.sha256()
        self._signature = ""
        self._ended = False
        self.trailers: dict[str, str] = {}
        """Names in lower case; filled once all is read."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; nothing at the end."""
        if self._left == 0 and not self._ended:
            self._begin_chunk()
        if self._ended:
            return b""
        data = self._take(min(size, self._left))
        if not data:
            raise _incomplete()
        self._left -= len(data)
        if self._signer is not None:
            self._digest.update(data)
        if self._left == 0:
            self._end_chunk()
        return data

    def _begin_chunk(self) -> None:
        line = self._line()
        size, _, extension = line.partition(";")
        try:
            self._left = int(size, 16)
        except ValueError:
            raise _incomplete() from None
        if self._left < 0:
            raise _incomplete()
        self._digest = hashlib.sha256()
        self._signature = extension.partition("chunk-signature=")[2].strip()
        if self._left == 0:
            self._ended = True
            self._check_chunk()
            self._read_trailers()

    def _end_chunk(self) -> None:
        self._check_chunk()
        if self._line():
            raise _incomplete()

    def _check_chunk(self) -> None:
        if self._signer is not None:
            digests = (EMPTY_SHA256, self._digest.hexdigest())
            self._signer.check("AWS4-HMAC-SHA256-PAYLOAD", digests, self._signature)

    def _read_trailers(self) -> None:
        signature = ""
        while line := self._line(at_end=True):
            name, _, value = line.partition(":")
            if name.strip().lower() == "x-amz-trailer-signature":
                signature = value.strip()
            else:
                self.trailers[name.strip().lower()] = value.strip()
        if self.trailers and self._signer is not None:
            text = "".join(f"{name}:{value}\n" for name, value in sorted(self.trailers.items()))
            digest = hashlib.sha256(text.encode()).hexdigest()
            self._signer.check("AWS4-HMAC-SHA256-TRAILER", (digest,), signature)

    def _line(self, *, at_end: bool = False) -> str:
        while (end := self._buffer.find(b"\n")) < 0:
            more = self._raw.read(_LONGEST_LINE)
            if not more:
                if at_end:
                    # A body without trailers may end right after the last chunk's line.
                    rest, self._buffer = self._buffer, b""
                    return rest.decode("latin-1").strip()
                raise _incomplete()
            self._buffer += more
            if len(self._buffer) > 2 * _READ:
                raise _incomplete()
        line, self._buffer = self._buffer[:end], self._buffer[end + 1 :]
        return line.decode("latin-1").strip()

    def _take(self, size: int) -> bytes:
        if not self._buffer:
            return self._raw.read(min(size, _READ))
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        return data


def _incomplete() -> Fault:
    return Fault(
        "IncompleteBody",
        "The request body terminated unexpectedly",
    )
