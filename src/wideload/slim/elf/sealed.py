"""Knows files that something checks bit by bit, which therefore must stay as they are."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

_ENDINGS = (".hmac", ".sig", ".asc", ".sha256", ".sha512", ".minisig")


def seal(path: str, paths: Collection[str]) -> str:
    """Why a library must not be changed though it could be, or empty.

    Red Hat's crypto libraries bring ``.NAME.hmac``, NSS brings ``NAME.chk``, and OpenSSL's
    FIPS provider is checked against a number in its configuration.

    :param path: of the library.
    :param paths: of all files of the tree, best a set.
    """
    folder, name = posixpath.split(path)
    if name == "fips.so":
        return "OpenSSL checks its FIPS provider against a recorded checksum"
    beside = [f"{prefix}{name}{ending}" for prefix in ("", ".") for ending in _ENDINGS]
    beside.append(f"{posixpath.splitext(name)[0]}.chk")
    for candidate in beside:
        if posixpath.join(folder, candidate) in paths:
            return f"{candidate} beside it holds a checksum of it"
    return ""
