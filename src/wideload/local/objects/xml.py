"""XML as S3 writes it."""

from __future__ import annotations

import time
from typing import Any

import xmltodict  # type: ignore[import-untyped]

from wideload.local.reply import Reply

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


def xml_reply(
    root: str, content: dict[str, Any] | str | None, headers: tuple[tuple[str, str], ...] = ()
) -> Reply:
    """A reply of one XML document; elements that are nothing are left out."""
    if isinstance(content, dict):
        body: dict[str, Any] = {"@xmlns": NAMESPACE, **_present(content)}
    else:
        body = {"@xmlns": NAMESPACE, "#text": content or ""}
    text = xmltodict.unparse({root: body})
    return Reply(200, (("Content-Type", "application/xml"), *headers), text.encode())


def _present(content: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in content.items() if value is not None}


def timestamp(seconds: float) -> str:
    """``2026-11-21T07:43:00.000Z``."""
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{whole}.{int(seconds % 1 * 1000):03d}Z"


def boolean(value: bool) -> str:
    """As XML writes it."""
    return "true" if value else "false"
