"""AWS's signature, version 4, for GETs of S3.

https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

from __future__ import annotations

import hashlib
import hmac
import time

from .credentials import Keys
from .place import Place

_EMPTY = hashlib.sha256(b"").hexdigest()


def signed(place: Place, headers: dict[str, str], keys: Keys, now: float) -> dict[str, str]:
    """These headers with those of a signature.

    :param now: seconds since the epoch, as S3 counts them.
    """
    moment = time.gmtime(now)
    stamp, day = time.strftime("%Y%m%dT%H%M%SZ", moment), time.strftime("%Y%m%d", moment)
    every = {name.lower(): value for name, value in headers.items()}
    every["host"] = place.authority
    every["x-amz-date"] = stamp
    every["x-amz-content-sha256"] = _EMPTY
    if keys.token:
        every["x-amz-security-token"] = keys.token
    names = sorted(every)
    listed = ";".join(names)
    canonical = "\n".join(
        ["GET", place.path, place.query]
        + [f"{name}:{' '.join(every[name].split())}" for name in names]
        + ["", listed, _EMPTY]
    )
    scope = f"{day}/{place.region}/s3/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}"
    key = f"AWS4{keys.secret}".encode()
    for part in (day, place.region, "s3", "aws4_request", text):
        key = hmac.digest(key, part.encode(), "sha256")
    every["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={keys.access}/{scope}, "
        f"SignedHeaders={listed}, Signature={key.hex()}"
    )
    return every
