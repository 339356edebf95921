"""A function's packages as one object of S3, and where that object lies."""

from __future__ import annotations

from typing import assert_never
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

import msgspec

from wideload.values.target import Family, Target

BUNDLE_VARIABLE = "WIDELOAD_BUNDLE"
"""Environment variable that tells the loader where the bundle lies. The place is not in the
function's zip, so that the zip does not depend on an account; what must lie there is."""

LOADER_HANDLER = "_wideload.run.handler"
"""What Lambda is told to call. It becomes the function's own handler, not a wrapper of it."""
_NODE_LOADER_HANDLER = "_wideload/run.handler"

NODE_LOADER_HANDLER = "_wideload/run.handler"
"""The same for functions in Node.js."""

BUNDLE_PART = 16 * 1024**2
"""Bytes of a part when a bundle is uploaded. The loader's ranges never cross such a border."""


def loader_handler(target: Target, own: str) -> str:
    """What Lambda is told to call of a function that is started from a bundle.

    A provided runtime starts ``bootstrap`` whatever the handler is: the loader hands the
    function's own on.
    """
    match target.family:
        case Family.PYTHON:
            return LOADER_HANDLER
        case Family.NODE:
            return _NODE_LOADER_HANDLER
        case Family.PROVIDED:
            return own
        case _:
            assert_never(target.family)


class Bundle(msgspec.Struct, frozen=True):
    """A bundle that was written."""

    sha256: str
    """Of the object; the key in the bucket should be made of it."""
    size: int
    """Bytes of the object."""
    files: int
    unzipped_bytes: int
    """The sum of the files' sizes."""
    tmp_bytes: int
    """What the loader needs free in /tmp: the files in blocks of 4 KiB, and folders."""
    frames: int
    index: str
    """sha256 of the index, which lies in the cache and goes into the function's zip."""
    index_bytes: int


class BundleEstimate(msgspec.Struct, frozen=True):
    """What a function weighs that is started from a bundle, before anything is packed."""

    code_zipped: int
    """Bytes of the function's zip: its own files, the loader, the index. A little too many."""
    code_unzipped: int
    zipped: int
    """Bytes of the object, as such trees come out."""
    unzipped: int
    """Bytes that the object unpacks to: exact where the tree is."""
    tmp_bytes: int
    """As in :class:`Bundle`."""
    own_zipped: int = 0
    """Bytes of the function's zip without the loader and the index."""
    own_unzipped: int = 0
    files: int = 0
    """How many files the object unpacks to."""


class BundleLocation(msgspec.Struct, frozen=True):
    """Where a bundle lies."""

    bucket: str
    key: str
    region: str
    owner: str = ""
    """Account that the bucket must belong to; nothing is checked where it is empty."""
    version: str = ""
    """The object's version, where it is to be pinned by that as well. The role then needs
    ``s3:GetObjectVersion`` too."""

    def variable(self) -> str:
        """The value of the function's environment variable `BUNDLE_VARIABLE`."""
        query = {"region": self.region, "owner": self.owner, "version": self.version}
        asked = urlencode({name: value for name, value in query.items() if value})
        return f"s3://{self.bucket}/{quote(self.key)}?{asked}"

    @classmethod
    def parse(cls, variable: str) -> BundleLocation | None:
        """The location that a value of `BUNDLE_VARIABLE` tells; nothing where it is none."""
        url = urlsplit(variable)
        key = unquote(url.path[1:])
        if url.scheme != "s3" or not url.netloc or not key:
            return None
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        region, owner = query.get("region", ""), query.get("owner", "")
        return cls(url.netloc, key, region, owner, query.get("version", ""))
